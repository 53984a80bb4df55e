"""The catalog's database: its tables, how it is opened, and what its errors mean to a user."""

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError

from index.migrate import upgrade

SCHEMA_VERSION = 1
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_WAIT = 30  # seconds: another process that registers holds the lock for the time of one fsync
_LOCK = 0x57686F726C  # what PostgreSQL's lock of the writer is called: any number that is always the same
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_SERVER_OPTIONS = f"-c lock_timeout={LOCK_WAIT * 1000} -c timezone=UTC"

_NEXT_STEPS = {
    "is full": "free some space and run it again; what was being stored is not in the catalog, all else is",
    "not a database": "it is damaged or something else: put a backup in its place, or name another",
    "malformed": "it is damaged: put a backup in its place",
    "unable to open": "check that the folder exists and may be written to",
    "readonly": "it may not be written to: check its permissions",
    "locked": "another process is writing to it: run it again later",
    "lock timeout": "another process is writing to it: run it again later",
    "Connection refused": "check the URL, and that the server runs",
    "resolve host": "check the URL, and that the server runs",
    "No such file or directory": "check the URL, and that the server runs",
    "password authentication": "check the user and the password in the URL",
    "does not exist": "make it with createdb, or name another",
    "No space left": "free some space and run it again; what was being stored is not in the catalog, all else is",
}


class CatalogError(Exception):
    """The catalog cannot be used; the message names it, what is wrong and what to do."""


schema = sa.MetaData()

about = sa.Table(
    "whorl_catalog",
    schema,
    sa.Column("uuid", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)
works = sa.Table(
    "works",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("owner", sa.String, nullable=False),
    sa.UniqueConstraint("title", "kind", "owner"),
    sqlite_autoincrement=True,
)
identifiers = sa.Table(
    "identifiers",
    schema,
    sa.Column("work_id", sa.ForeignKey("works.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("scheme", sa.String, primary_key=True),
    sa.Column("value", sa.String, primary_key=True),
)
# AUTOINCREMENT: an id is never given twice, so a saved index that still holds a removed reference cannot
# mistake it for a new one.
refs = sa.Table(
    "refs",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("work_id", sa.ForeignKey("works.id"), nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("sha256", sa.String, nullable=False, unique=True),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("added", sa.String, nullable=False),  # ISO 8601 in UTC: SQLite has no type that keeps the zone
    sqlite_autoincrement=True,
)
fingerprints = sa.Table(
    "fingerprints",
    schema,
    sa.Column("algorithm", sa.String, primary_key=True),
    sa.Column("ref_id", sa.ForeignKey("refs.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)


class Database:
    """One opened database; ``uuid`` names the catalog in it for good."""

    def __init__(self, url_or_path: str | Path) -> None:
        """Opens it, or makes it where there is none. Raises CatalogError."""
        self.url = _url(url_or_path)
        self.place = self.url.database if _is_sqlite(self.url) else self.url.render_as_string()
        self._engine = _engine(self.url)
        self._writer = self._engine.execution_options(whorl_writes=True)
        try:
            self.uuid = self._open()
        except CatalogError:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the file or the server."""
        self._engine.dispose()

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        """All rows of the query. Raises CatalogError."""
        with self.explained(), self._engine.connect() as connection:
            return list(connection.execute(query))

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction: all of it is stored, or nothing. Raises CatalogError, or IntegrityError as it is."""
        with self.explained(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A connection that reads all as it is at one moment, while others write. Raises CatalogError."""
        with self.explained(), self._engine.connect() as connection:
            if not _is_sqlite(self.url):  # where every transaction is one
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns errors of the database into CatalogError, but IntegrityError, which the caller judges."""
        try:
            yield
        except IntegrityError:
            raise
        except DatabaseError as error:
            reason = str(error.orig)
            steps = [step for words, step in _NEXT_STEPS.items() if words in reason]
            raise CatalogError(": ".join([f"catalog {self.place}", reason, *steps[:1]])) from error

    def _open(self) -> str:
        with self.explained(), self._engine.connect() as connection:
            tables = sa.inspect(connection).get_table_names()
        if not tables:
            self._create()
        elif about.name not in tables:
            raise CatalogError(
                f"{self.place} is a database of something else ({', '.join(tables)}): name another"
            )
        found = self.rows(sa.select(about))
        if found and not isinstance(found[0].version, int):  # SQLite keeps whatever a damaged page says
            raise CatalogError(
                f"{self.place} says that its schema is {found[0].version!r}: it is damaged: put a backup in its place"
            )
        if not found or found[0].version < SCHEMA_VERSION:
            found = self._upgraded()
        if found[0].version != SCHEMA_VERSION:
            raise CatalogError(
                f"{self.place} has schema {found[0].version}, this version reads {SCHEMA_VERSION}: upgrade Whorl"
            )
        return str(found[0].uuid)

    def _create(self) -> None:
        if _is_sqlite(self.url):
            self._set_wal()
        with self.write() as connection:
            # Two processes may make it at once: who comes second waits for the lock and finds it made.
            schema.create_all(connection)
            if connection.scalar(sa.select(sa.func.count()).select_from(about)) == 0:
                connection.execute(sa.insert(about).values(uuid=str(uuid.uuid4()), version=SCHEMA_VERSION))

    def _upgraded(self) -> list[sa.Row[Any]]:
        """What `about` holds after the migrations; another process may have run them meanwhile."""
        with self.write() as connection:
            version = connection.scalar(sa.select(about.c.version))
            if version is None:
                raise CatalogError(f"{self.place} does not say what schema it has: put a backup in its place")
            reached = upgrade(connection, MIGRATIONS, version)
            connection.execute(sa.update(about).values(version=reached))
            return list(connection.execute(sa.select(about)))

    def _set_wal(self) -> None:
        """The file remembers it: set once, and only in a file of ours."""
        with self.explained():
            connection = self._engine.raw_connection()
            try:
                set_wal(connection.cursor().execute)
            except sqlite3.DatabaseError as error:
                raise CatalogError(f"catalog {self.place}: {error}") from error
            finally:
                connection.close()


def _url(url_or_path: str | Path) -> sa.URL:
    if isinstance(url_or_path, Path) or "://" not in url_or_path:
        return sa.URL.create("sqlite", database=str(url_or_path))
    try:
        url = sa.make_url(url_or_path)
    except (ArgumentError, ValueError) as error:
        raise CatalogError(f"no database URL: {error}") from error
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _engine(url: sa.URL) -> sa.Engine:
    if _is_sqlite(url):
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", _on_connect)
        sa.event.listen(engine, "begin", _on_begin)
        return engine
    try:
        # A server may have been restarted since a connection was last used.
        engine = sa.create_engine(url, pool_pre_ping=True, connect_args={"options": _SERVER_OPTIONS})
    except (ArgumentError, ImportError) as error:
        raise CatalogError(
            f"{url.drivername} databases are not spoken here ({error}): sqlite or postgresql"
        ) from error
    sa.event.listen(engine, "begin", _on_server_begin)
    return engine


def _is_sqlite(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _on_connect(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = (
        None  # the driver would begin transactions by its own guesses; _on_begin does
    )
    connection.execute(f"PRAGMA busy_timeout = {LOCK_WAIT * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")
    # What was reported as registered must outlive a power cut; in WAL mode only FULL syncs at every commit,
    # and one sync is nothing beside the decoding of a file.
    connection.execute("PRAGMA synchronous = FULL")


def _on_begin(connection: sa.Connection) -> None:
    # A writer takes the lock first: one that reads and then writes would fail at once, not wait, when
    # another was faster.
    writes = connection.get_execution_options().get("whorl_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _on_server_begin(connection: sa.Connection) -> None:
    # One writer at a time, as in SQLite, so that what is true there is true here: a transaction may look and then
    # write, and ids are committed in the order in which they are given, on which every index relies that asks what
    # came after the last id it has. A write is short; readers never wait.
    if connection.get_execution_options().get("whorl_writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def set_wal(execute: Callable[[str], object]) -> None:
    """Readers and a writer side by side. Of two that make a file at once SQLite refuses one, and lets it not wait."""
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        try:
            execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
