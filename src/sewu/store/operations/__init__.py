"""The operations database: cameras, rules, incidents, people, audit. SQLite by default, PostgreSQL by URL."""
