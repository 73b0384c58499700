"""The database from any released version to this one, forwards only.

Revisions are Alembic's, in `versions/`. The first one is plain SQL for each database, written from the tables by
`python -m sewu.store.operations.migrations`; each later one is a small Python file that the same command drafts from what
the tables say and the database does not.
"""

from sewu.store.operations.migrations.running import current_revision, differences, newest_revision, upgrade

__all__ = ["current_revision", "differences", "newest_revision", "upgrade"]
