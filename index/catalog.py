"""The catalog: works, references and their fingerprints. It is the truth; every index is a cache of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fingerprint.fingerprint import Fingerprint
from fingerprint.storage import NewerError, StorageError, from_bytes, to_bytes
from index import database as tables
from index.database import CatalogError, Database
from index.names import printable

_PAGE = 64  # fingerprints read at a time: a film's is about half a megabyte

__all__ = ["Catalog", "CatalogError", "Reference", "Work"]


@dataclass(frozen=True, slots=True)
class Work:
    """What somebody owns: a film, a song. ``identifiers`` are (scheme, value): ("isrc", "USRC17607839")."""

    id: int
    title: str
    kind: str
    owner: str
    identifiers: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reference:
    """A registered file of a work. ``name`` is its file name, ``duration`` in seconds, ``added`` in UTC."""

    id: int
    work_id: int
    name: str
    sha256: str
    duration: float
    added: datetime


class Catalog:
    """Works, references and fingerprints. Each call is one transaction: a kill leaves all of it, or nothing.

    uuid  names this catalog for good: what was derived from another one can be told by it
    """

    def __init__(self, url_or_path: str | Path) -> None:
        """Opens the catalog at an SQLAlchemy URL or at the path of an SQLite file; makes it if need be.

        Raises CatalogError for a file that is no catalog, that is damaged, or that a newer version made.
        """
        self._database = Database(url_or_path)
        self.uuid = self._database.uuid

    def close(self) -> None:
        """Lets go of the database."""
        self._database.close()

    def add(
        self,
        name: str,
        sha256: str,
        duration: float,
        fingerprints: Sequence[Fingerprint],
        title: str,
        kind: str = "",
        owner: str = "",
        identifiers: frozenset[tuple[str, str]] = frozenset(),
    ) -> Reference:
        """Registers a file: its work (that of the same title, kind and owner, if any), itself, its codes.

        Bytes that are registered already change nothing: the reference that holds them is returned, also when
        another process stored them a moment ago. Raises CatalogError when the database cannot take it, as on
        a full disk.
        """
        added = datetime.now(UTC)
        name, title, kind, owner = map(printable, (name, title, kind, owner))
        try:
            with self._database.write() as connection:
                work_id = _work_id(connection, title, kind, owner)
                _add_identifiers(connection, work_id, identifiers)
                row = {"work_id": work_id, "name": name, "sha256": sha256, "duration": duration}
                ref_id = _insert(connection, tables.refs, **row, added=added.isoformat())
                _add_fingerprints(connection, ref_id, fingerprints)
        except IntegrityError:
            existing = self.find(sha256)
            if existing is None:
                raise
            return existing
        return Reference(ref_id, work_id, name, sha256, duration, added)

    def find(self, sha256: str) -> Reference | None:
        """The reference of exactly these bytes, if there is one."""
        found = self._references(tables.refs.c.sha256 == sha256)
        return found[0] if found else None

    def reference(self, ref_id: int) -> Reference:
        """The reference of this id. Raises KeyError."""
        found = self._references(tables.refs.c.id == ref_id) if 0 < ref_id < 1 << 63 else []
        if not found:
            raise KeyError(ref_id)
        return found[0]

    def references(self) -> list[Reference]:
        """All references, ascending by id."""
        return self._references(sa.true())

    def work(self, work_id: int) -> Work:
        """The work of this id. Raises KeyError."""
        return self._works_where(tables.works.c.id == work_id)[work_id]

    def works(self) -> dict[int, Work]:
        """All works by id."""
        return self._works_where(sa.true())

    def algorithms(self, ref_id: int) -> list[str]:
        """The algorithms this reference has a fingerprint of."""
        rows = self._database.rows(
            sa.select(tables.fingerprints.c.algorithm).where(tables.fingerprints.c.ref_id == ref_id)
        )
        return sorted(row.algorithm for row in rows)

    def fingerprint(self, ref_id: int, algorithm: str) -> Fingerprint | None:
        """The reference's codes, weak ones too. Raises CatalogError when they are damaged."""
        of_both = sa.and_(
            tables.fingerprints.c.ref_id == ref_id, tables.fingerprints.c.algorithm == algorithm
        )
        rows = self._database.rows(sa.select(tables.fingerprints.c.data).where(of_both))
        return self._decoded(ref_id, algorithm, rows[0].data) if rows else None

    def ids(self, algorithm: str) -> list[int]:
        """The references that have codes of this algorithm, ascending. An id is never used again."""
        return list(self.sha256s(algorithm))

    def sha256s(self, algorithm: str) -> dict[int, str]:
        """SHA-256 of the file of every reference in ``ids``: what tells two catalogs' reference 7 apart."""
        holders = _holders(algorithm, tables.refs.c.id, tables.refs.c.sha256)
        rows = self._database.rows(holders.select_from(tables.fingerprints.join(tables.refs)))
        return {row.id: row.sha256 for row in rows}

    def superseded(self, algorithm: str) -> list[int]:
        """The references that have codes of another version of this algorithm, ascending."""
        column, ref_id = tables.fingerprints.c.algorithm, tables.fingerprints.c.ref_id
        made = [row.algorithm for row in self._database.rows(sa.select(column).distinct())]
        stem = algorithm.split("/")[0]
        others = [name for name in made if name.split("/")[0] == stem and name != algorithm]
        rows = self._database.rows(sa.select(ref_id).where(column.in_(others)).distinct().order_by(ref_id))
        return [row.ref_id for row in rows]

    def state(self) -> tuple[int, int]:
        """How many references there are and the highest id: other ones after every change, as ids only grow."""
        asked = sa.select(
            sa.func.count().label("many"), sa.func.coalesce(sa.func.max(tables.refs.c.id), 0).label("last")
        )
        row = self._database.rows(asked)[0]
        return row.many, row.last

    def counts(self, algorithm: str) -> dict[int, int]:
        """Number of codes, weak ones too, of every reference in ``ids``."""
        columns = (tables.fingerprints.c.ref_id, tables.fingerprints.c.count.label("codes"))
        return {row.ref_id: row.codes for row in self._database.rows(_holders(algorithm, *columns))}

    def fingerprints(self, algorithm: str, after: int = 0) -> Iterator[tuple[int, Fingerprint]]:
        """(reference, codes) of every reference in ``ids`` above ``after``, ascending; memory stays flat."""
        wanted = _holders(algorithm, tables.fingerprints.c.ref_id, tables.fingerprints.c.data).limit(_PAGE)
        # A page a query: one long read would keep the write-ahead log from being folded back meanwhile.
        while rows := self._database.rows(wanted.where(tables.fingerprints.c.ref_id > after)):
            for row in rows:
                yield row.ref_id, self._decoded(row.ref_id, algorithm, row.data)
            after = rows[-1].ref_id

    def remove(self, ref_id: int) -> None:
        """Removes a reference and its codes, and its work when that was its last. Raises KeyError."""
        with self._database.write() as connection:
            gone = sa.delete(tables.refs).where(tables.refs.c.id == ref_id).returning(tables.refs.c.work_id)
            work_id = connection.scalar(gone)
            if work_id is None:
                raise KeyError(ref_id)
            left = sa.exists().where(tables.refs.c.work_id == work_id)
            connection.execute(sa.delete(tables.works).where(tables.works.c.id == work_id).where(~left))

    def _works_where(self, condition: sa.ColumnElement[bool]) -> dict[int, Work]:
        named: dict[int, set[tuple[str, str]]] = {}
        for row in self._database.rows(sa.select(tables.identifiers).join(tables.works).where(condition)):
            named.setdefault(row.work_id, set()).add((row.scheme, row.value))
        rows = self._database.rows(sa.select(tables.works).where(condition))
        return {r.id: Work(r.id, r.title, r.kind, r.owner, frozenset(named.get(r.id, ()))) for r in rows}

    def _references(self, condition: sa.ColumnElement[bool]) -> list[Reference]:
        rows = self._database.rows(sa.select(tables.refs).where(condition).order_by(tables.refs.c.id))
        return [self._reference(row) for row in rows]

    def _reference(self, row: sa.Row[Any]) -> Reference:
        try:  # SQLite keeps whatever a damaged page says, of whatever type
            duration, added = float(row.duration), datetime.fromisoformat(row.added)
        except (TypeError, ValueError) as error:
            place = f"catalog {self._database.place}: reference {row.id}"
            raise CatalogError(f"{place}: {error}: it is damaged: put a backup in its place") from error
        return Reference(row.id, row.work_id, row.name, row.sha256, duration, added)

    def _decoded(self, ref_id: int, algorithm: str, data: bytes) -> Fingerprint:
        try:
            return from_bytes(data)
        except StorageError as error:
            place = f"catalog {self._database.place}: {algorithm} of reference {ref_id}"
            again = ": remove the reference and register its file again"
            step = "" if isinstance(error, NewerError) else again
            raise CatalogError(f"{place}: {error}{step}") from error


def _holders(algorithm: str, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    holds = sa.and_(tables.fingerprints.c.algorithm == algorithm, tables.fingerprints.c.count > 0)
    return sa.select(*columns).where(holds).order_by(tables.fingerprints.c.ref_id)


def _work_id(connection: sa.Connection, title: str, kind: str, owner: str) -> int:
    same = sa.and_(tables.works.c.title == title, tables.works.c.kind == kind, tables.works.c.owner == owner)
    found = connection.scalar(sa.select(tables.works.c.id).where(same))
    return found or _insert(connection, tables.works, title=title, kind=kind, owner=owner)


def _add_identifiers(connection: sa.Connection, work_id: int, pairs: frozenset[tuple[str, str]]) -> None:
    rows = connection.execute(sa.select(tables.identifiers).where(tables.identifiers.c.work_id == work_id))
    for scheme, value in sorted(pairs - {(row.scheme, row.value) for row in rows}):
        connection.execute(sa.insert(tables.identifiers).values(work_id=work_id, scheme=scheme, value=value))


def _add_fingerprints(connection: sa.Connection, ref_id: int, made: Sequence[Fingerprint]) -> None:
    for fingerprint in made:
        values = {
            "algorithm": fingerprint.algorithm,
            "count": len(fingerprint),
            "data": to_bytes(fingerprint),
        }
        connection.execute(sa.insert(tables.fingerprints).values(ref_id=ref_id, **values))


def _insert(connection: sa.Connection, table: sa.Table, **values: Any) -> int:
    """Inserts one row and returns its id."""
    return int(connection.execute(sa.insert(table).values(**values).returning(table.c.id)).scalar_one())
