"""The tables of every schema there was, as the databases were told to make them: `catalog-1.sqlite.sql`.

A schema that was released never changes. `python -m tests.schemas` writes those of the schemas that the code has now.
"""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from index import database as catalog
from service.store import tables as service

FOLDER = Path(__file__).parent
DIALECTS: dict[str, sa.Dialect] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]
CURRENT = {
    "catalog": (catalog.schema, catalog.SCHEMA_VERSION),
    "service": (service.schema, service.SCHEMA_VERSION),
}


def statements(schema: sa.MetaData, dialect: sa.Dialect) -> list[str]:
    """What makes these tables."""
    made: list[str] = []
    for table in schema.sorted_tables:
        made.append(str(sa.schema.CreateTable(table).compile(dialect=dialect)).strip())
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        made += [str(sa.schema.CreateIndex(index).compile(dialect=dialect)).strip() for index in indexes]
        if table is service.audit:
            made += service.APPEND_ONLY[dialect.name]
    return ["\n".join(line.rstrip() for line in one.splitlines()) for one in made]


def file(name: str, version: int, dialect: str) -> Path:
    """Where the statements are kept."""
    return FOLDER / f"{name}-{version}.{dialect}.sql"


def text(name: str, dialect: str) -> str:
    """What the file of the schema that the code has now must hold."""
    return "\n\n".join(f"{one};" for one in statements(CURRENT[name][0], DIALECTS[dialect])) + "\n"
