"""The service's store: the catalog's database with the service's tables in it, one transaction a call."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from index.database import Database
from service.store.tables import schema


def now() -> str:
    """The time as the tables hold it: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Store:
    """Opens the database at a URL, makes what is missing. Raises CatalogError. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        with self._database.write() as connection:
            schema.create_all(connection)

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
