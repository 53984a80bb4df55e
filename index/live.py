"""References that are still on the air: their codes so far, beside the catalog, until they are registered or dropped.

One process adds to them while others search in them. They are few and grow by the second: what is looked up here is no
cache, and nothing of it outlives the event.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint
from fingerprint.storage import StorageError, from_bytes, to_bytes
from index.catalog import CatalogError, Reference, Work
from index.hits import Hits
from index.index import INDEXES, Index

FORGOTTEN = 600.0  # seconds without news after which who made it has gone
_TABLES = """
CREATE TABLE IF NOT EXISTS live (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, title TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL,
    added TEXT NOT NULL, duration REAL NOT NULL DEFAULT 0, airtime REAL, heard REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS codes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, live INTEGER NOT NULL REFERENCES live (id) ON DELETE CASCADE,
    algorithm TEXT NOT NULL, data BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class LiveReference:
    """A reference on the air. Its id is negative, so that none in the catalog is like it.

    airtime  unix time at which its second 0 could be had
    """

    reference: Reference
    work: Work
    airtime: float | None


class LiveStore:
    """The references on the air of a data directory; processes and threads may share it."""

    def __init__(self, path: Path) -> None:
        """Raises CatalogError."""
        self._path, self._lock = path, threading.Lock()
        self._seen: tuple[int, int] = (-1, -1)
        self._held: dict[str, dict[int, Fingerprint]] = {}
        self._codes_seen = 0
        self._indexes: dict[str, Index] = {}
        with self._explained():
            self._database = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("PRAGMA foreign_keys = ON")
            self._database.executescript(_TABLES)

    def close(self) -> None:
        """Lets go of it."""
        with self._explained():
            self._database.close()

    def begin(self, name: str, title: str, kind: str, owner: str) -> int:
        """A new reference on the air; gives its id."""
        values = (name, title, kind, owner, datetime.now(UTC).isoformat(), time.time())
        with self._explained():
            made = self._database.execute(
                "INSERT INTO live (name, title, kind, owner, added, heard) VALUES (?, ?, ?, ?, ?, ?)", values
            )
            return -int(made.lastrowid or 0)

    def add(self, ref_id: int, made: Sequence[Fingerprint], duration: float, airtime: float | None) -> None:
        """More of its codes, later than those before; ``duration`` of it so far. Raises KeyError where it was dropped."""
        with self._explained(), self._transaction():
            changed = self._database.execute(
                "UPDATE live SET duration = ?, airtime = ?, heard = ? WHERE id = ?",
                (duration, airtime, time.time(), -ref_id),
            )
            if not changed.rowcount:
                raise KeyError(ref_id)
            self._database.executemany(
                "INSERT INTO codes (live, algorithm, data) VALUES (?, ?, ?)",
                [(-ref_id, f.algorithm, to_bytes(f)) for f in made if len(f)],
            )

    def drop(self, ref_id: int) -> None:
        """It is on the air no longer."""
        with self._explained():
            self._database.execute("DELETE FROM live WHERE id = ?", (-ref_id,))

    def references(self) -> dict[int, LiveReference]:
        """Those on the air, by id; not those whose maker has gone."""
        with self._explained():
            rows = self._database.execute(
                "SELECT id, name, title, kind, owner, added, duration, airtime FROM live WHERE heard > ?",
                (time.time() - FORGOTTEN,),
            ).fetchall()
        return {-row[0]: _reference(*row) for row in rows}

    def fingerprint(self, ref_id: int, algorithm: str) -> Fingerprint | None:
        """Its codes so far, if it is on the air and has any."""
        self._follow()
        return self._held.get(algorithm, {}).get(ref_id)

    def fingerprints(self, ref_id: int) -> list[Fingerprint]:
        """All of its codes so far, read anew; nothing of one that is not on the air."""
        with self._explained():
            rows = self._database.execute(
                "SELECT codes.algorithm, data, duration FROM codes JOIN live ON live.id = live "
                "WHERE live = ? ORDER BY codes.id",
                (-ref_id,),
            ).fetchall()
        made: dict[str, Fingerprint] = {}
        for algorithm, data, seconds in rows:
            made[algorithm] = replace(_longer(made.get(algorithm), self._decoded(data)), duration=seconds)
        return list(made.values())

    def last(self, ref_id: int, algorithm: str) -> float:
        """The time of its last code; below 0 where it has none."""
        with self._explained():
            row = self._database.execute(
                "SELECT data FROM codes WHERE live = ? AND algorithm = ? ORDER BY id DESC LIMIT 1",
                (-ref_id, algorithm),
            ).fetchone()
        return float(self._decoded(row[0]).times[-1]) if row else -1.0

    def index(self, algorithm: str) -> Index | None:
        """Of all of their codes so far; None where there are none."""
        self._follow()
        held = self._held.get(algorithm)
        if not held:
            return None
        if algorithm not in self._indexes:
            made = INDEXES["faiss"](algorithm, next(iter(held.values())).width)
            for ref_id, codes in held.items():
                made.add(ref_id, codes)
            self._indexes[algorithm] = made
        return self._indexes[algorithm]

    def _follow(self) -> None:
        """Takes over what was added and dropped since."""
        with self._explained():
            state = self._database.execute(
                "SELECT COALESCE(MAX(id), 0), (SELECT COUNT(*) FROM live) FROM codes"
            ).fetchone()
            if state == self._seen:
                return
            rows = self._database.execute(
                "SELECT id, live, algorithm, data FROM codes WHERE id > ? ORDER BY id", (self._codes_seen,)
            ).fetchall()
        self._seen = state
        live = set(self.references())
        for held in self._held.values():
            for ref_id in set(held) - live:
                del held[ref_id]
        for number, ref_id, algorithm, data in rows:
            self._codes_seen = number
            if -ref_id in live:
                held = self._held.setdefault(algorithm, {})
                held[-ref_id] = _longer(held.get(-ref_id), self._decoded(data))
        self._indexes.clear()

    def _decoded(self, data: bytes) -> Fingerprint:
        try:
            return from_bytes(data)
        except StorageError as error:
            raise CatalogError(
                f"{self._path}: {error}: remove it; what is on the air is registered anew"
            ) from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise CatalogError(f"{self._path}: {error}: if it is damaged, remove it") from error


class Both:
    """Two indexes of one algorithm as one, to search in."""

    def __init__(self, one: Index, other: Index) -> None:
        self.algorithm = one.algorithm
        self._both = (one, other)

    def search(
        self,
        query: Fingerprint,
        k: int,
        reliability: NDArray[np.float32] | None = None,
        patient: bool = False,
    ) -> Hits:
        """The k nearest codes of each."""
        one, other = (index.search(query, k, reliability, patient) for index in self._both)
        return replace(
            one,
            ref_ids=np.concatenate([one.ref_ids, other.ref_ids]),
            query_times=np.concatenate([one.query_times, other.query_times]),
            ref_times=np.concatenate([one.ref_times, other.ref_times]),
            distances=np.concatenate([one.distances, other.distances]),
        )

    def __len__(self) -> int:
        return sum(map(len, self._both))


def _longer(one: Fingerprint | None, more: Fingerprint) -> Fingerprint:
    if one is None:
        return more
    return Fingerprint(
        one.algorithm,
        more.duration,
        np.concatenate([one.times, more.times]),
        np.concatenate([one.codes, more.codes]),
        np.concatenate([one.weak, more.weak]),
    )


def _reference(
    number: int,
    name: str,
    title: str,
    kind: str,
    owner: str,
    added: str,
    duration: float,
    airtime: float | None,
) -> LiveReference:
    reference = Reference(-number, -number, name, "", duration, datetime.fromisoformat(added))
    return LiveReference(reference, Work(-number, title, kind, owner, frozenset()), airtime)
