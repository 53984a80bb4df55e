"""A database copied row by row into an empty one, whichever kinds the two are: for backups, and for moving house."""

from typing import Any

import sqlalchemy as sa

from index import database as catalog
from index.database import CatalogError, Database
from service.store import tables as service
from service.store.store import Store

_ABOUT = {catalog.about.name, service.about.name}
_TABLES = [table for schema in (catalog.schema, service.schema) for table in schema.sorted_tables]
TABLES = [table for table in _TABLES if table.name not in _ABOUT]
_ROWS = 200  # copied at a time: a film's fingerprint is about half a megabyte


def copy(source: str, target: str) -> dict[str, int]:
    """Copies all that the source holds, as it is at one moment, into the target; {table: rows}.

    Both are brought to the schema of this version first. The target is whole or empty afterwards, whatever happens.
    Raises CatalogError, also for a target that holds something.
    """
    Store(source).close()
    Store(target).close()
    from_, to = Database(source), Database(target)
    try:
        with from_.snapshot() as reading, to.write() as writing:
            _refuse_full(writing, to)
            writing.execute(sa.update(catalog.about).values(uuid=from_.uuid))
            copied = {table.name: _copy(reading, writing, table) for table in TABLES}
            for table in TABLES:
                _go_on_counting(reading, writing, table)
        return copied
    finally:
        from_.close()
        to.close()


def _refuse_full(connection: sa.Connection, database: Database) -> None:
    full = [
        table.name for table in TABLES if connection.execute(sa.select(table).limit(1)).first() is not None
    ]
    if full:
        raise CatalogError(f"{database.place} holds {', '.join(full)} already: restore into an empty one")


def _copy(reading: sa.Connection, writing: sa.Connection, table: sa.Table) -> int:
    count = 0
    found = reading.execution_options(yield_per=_ROWS).execute(sa.select(table).order_by(*table.primary_key))
    for rows in found.mappings().partitions():
        writing.execute(sa.insert(table), [dict(row) for row in rows])
        count += len(rows)
    return count


def _go_on_counting(reading: sa.Connection, writing: sa.Connection, table: sa.Table) -> None:
    """An id is never given twice, not even that of a row that is gone."""
    counted = table.autoincrement_column
    if counted is None:
        return
    last = max(_last_given(reading, table, counted), writing.scalar(sa.select(sa.func.max(counted))) or 0)
    if not last:
        return
    if writing.dialect.name == "sqlite":
        _set_sqlite(writing, table, last)
    else:
        name = sa.func.pg_get_serial_sequence(table.name, counted.name)
        writing.execute(sa.select(sa.func.setval(name, last)))


def _last_given(reading: sa.Connection, table: sa.Table, counted: sa.Column[Any]) -> int:
    if reading.dialect.name == "sqlite":
        asked = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table")
        return reading.scalar(asked, {"table": table.name}) or 0 if _remembers(table) else 0
    asked = sa.text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, :column))")
    return reading.scalar(asked, {"table": table.name, "column": counted.name}) or 0


def _set_sqlite(writing: sa.Connection, table: sa.Table, last: int) -> None:
    if _remembers(table):
        writing.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
        insert = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
        writing.execute(insert, {"table": table.name, "last": last})


def _remembers(table: sa.Table) -> bool:
    """Whether SQLite keeps the last id of this table."""
    return bool(table.dialect_options["sqlite"]["autoincrement"])
