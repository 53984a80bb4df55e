"""Databases of earlier versions are brought up to date when they are opened, by Alembic's operations.

A migration is a file `0002_what_changed.py` with ``revision = "2"``, ``down_revision = "1"`` (None in the first) and
``upgrade()``. Which schema a database has is told by a table of its own, not by Alembic's: one truth, and one that the
first catalogs had already. A new database is made by `create_all`, without any of this; that both come to the same
is tested from every schema there was.
"""

from pathlib import Path

import sqlalchemy as sa


def upgrade(connection: sa.Connection, scripts: Path, version: int) -> int:
    """Runs the migrations of a folder that come after the version, in order; the version that this gives.

    All in the transaction of the connection: the database is of the old version or of the new one, never between.
    """
    # Half a tenth of a second to import, which only a database of an earlier version is worth.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    found = ScriptDirectory(str(scripts), version_locations=[str(scripts)]).iterate_revisions("heads", "base")
    later = sorted(
        (script for script in found if int(script.revision) > version), key=lambda s: int(s.revision)
    )
    with Operations.context(MigrationContext.configure(connection)):
        for script in later:
            script.module.upgrade()
    return int(later[-1].revision) if later else version
