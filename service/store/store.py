"""The service's store: the catalog's database with the service's tables in it, one transaction a call."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from index.database import CatalogError, Database
from index.migrate import upgrade
from service.store.tables import SCHEMA_VERSION, about, schema

MIGRATIONS = Path(__file__).parent / "migrations"


def now() -> str:
    """The time as the tables hold it: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Store:
    """The database at a URL: what is missing is made, what is old upgraded. Raises CatalogError. For several threads."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        try:
            self._bring_up()
        except BaseException:
            self.close()
            raise

    def _bring_up(self) -> None:
        with self._database.write() as connection:
            about.create(connection, checkfirst=True)
            version = connection.scalar(sa.select(about.c.version))
            if version is None:
                schema.create_all(connection)
                connection.execute(sa.insert(about).values(version=SCHEMA_VERSION))
            elif version < SCHEMA_VERSION:
                connection.execute(sa.update(about).values(version=upgrade(connection, MIGRATIONS, version)))
            elif version > SCHEMA_VERSION:
                place = f"{self._database.place} has service schema {version}"
                raise CatalogError(f"{place}, this version reads {SCHEMA_VERSION}: upgrade Whorl")

    def close(self) -> None:
        """Lets go of the database."""
        self._database.close()

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        """All rows of the query."""
        return self._database.rows(query)

    def row(self, query: sa.Select[Any]) -> sa.Row[Any] | None:
        """The first row of the query, if any."""
        return next(iter(self.rows(query)), None)

    def ping(self) -> None:
        """Asks the database for nothing. Raises CatalogError when it does not answer."""
        self.rows(sa.select(sa.literal(1)))

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction: all of it is stored, or nothing."""
        with self._database.write() as connection:
            yield connection
