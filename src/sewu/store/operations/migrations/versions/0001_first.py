"""All tables of the first release."""

from __future__ import annotations

from alembic import op

from sewu.store.operations.migrations.running import statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL beside this file."""
    connection = op.get_bind()
    kind = "sqlite" if connection.dialect.name == "sqlite" else "postgresql"
    for statement in statements(revision, kind):
        connection.exec_driver_sql(statement)
