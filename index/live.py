"""References that are still on the air: their codes so far, beside the catalog, until they are registered or dropped.

One process adds to them while others search in them. They are few and grow by the second: what is looked up here is no
cache, and nothing of it outlives the event.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint
from fingerprint.storage import from_bytes, to_bytes
from index.catalog import CatalogError, Reference, Work
from index.database import LOCK_WAIT, set_wal
from index.hits import Hits
from index.index import INDEXES, Index

FORGOTTEN = 600.0  # seconds without news after which who made it has gone
REMEMBERED = 7 * 86400.0  # seconds that it is known what one was registered as
_TABLES = """
CREATE TABLE IF NOT EXISTS live (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, title TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL,
    added TEXT NOT NULL, duration REAL NOT NULL DEFAULT 0, airtime REAL, heard REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS codes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, live INTEGER NOT NULL REFERENCES live (id) ON DELETE CASCADE,
    algorithm TEXT NOT NULL, data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS registered (live INTEGER PRIMARY KEY, ref_id INTEGER NOT NULL, at REAL NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class LiveReference:
    """A reference on the air. Its id is negative, so that none in the catalog is like it.

    airtime  unix time at which its second 0 could be had
    """

    reference: Reference
    work: Work
    airtime: float | None


def _silent(message: str) -> None:
    """Where nobody listens."""


class LiveStore:
    """The references on the air of a data directory; processes and threads may share it.

    One whose codes are none is left out of what is searched, and no other suffers by it.
    """

    def __init__(self, path: Path, note: Callable[[str], None] = _silent) -> None:
        """``note`` is told of what is left out. Raises CatalogError."""
        self._path, self._lock, self._note = path, threading.Lock(), note
        self._seen: tuple[int, int] = (-1, -1)
        self._held: dict[str, dict[int, Fingerprint]] = {}
        self._unfit: set[int] = set()
        self._codes_seen = 0
        self._indexes: dict[str, Index] = {}
        with self._explained():
            self._database = sqlite3.connect(
                path, timeout=LOCK_WAIT, check_same_thread=False, isolation_level=None
            )
            set_wal(self._database.execute)
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
        """More of its codes; ``duration`` of it so far.

        Raises KeyError where it was dropped, ValueError where they are earlier than those before.
        """
        with self._explained(), self._transaction():
            changed = self._database.execute(
                "UPDATE live SET duration = ?, airtime = ?, heard = ? WHERE id = ?",
                (duration, airtime, time.time(), -ref_id),
            )
            if not changed.rowcount:
                raise KeyError(ref_id)
            for codes in made:
                if len(codes) and codes.times[0] < self._last(ref_id, codes.algorithm):
                    raise ValueError(f"codes of {codes.algorithm} come before those that are there")
                self._put(ref_id, codes)

    def _put(self, ref_id: int, codes: Fingerprint) -> None:
        if len(codes):
            row = (-ref_id, codes.algorithm, to_bytes(codes))
            self._database.execute("INSERT INTO codes (live, algorithm, data) VALUES (?, ?, ?)", row)

    def drop(self, ref_id: int, registered: int | None = None) -> None:
        """It is on the air no longer, and ``registered`` in the catalog under that id, if it is."""
        with self._explained(), self._transaction():
            self._database.execute("DELETE FROM registered WHERE at < ?", (time.time() - REMEMBERED,))
            if registered is not None:
                row = (-ref_id, registered, time.time())
                self._database.execute("INSERT OR REPLACE INTO registered VALUES (?, ?, ?)", row)
            self._database.execute("DELETE FROM live WHERE id = ?", (-ref_id,))

    def registered(self) -> dict[int, int]:
        """What those that were on the air lately are in the catalog, by the id that they had."""
        with self._explained():
            rows = self._database.execute("SELECT live, ref_id FROM registered").fetchall()
        return {-live: ref_id for live, ref_id in rows}

    def references(self) -> dict[int, LiveReference]:
        """Those on the air, by id; not those whose maker has gone."""
        with self._explained():
            rows = self._database.execute(
                "SELECT id, name, title, kind, owner, added, duration, airtime FROM live WHERE heard > ?",
                (time.time() - FORGOTTEN,),
            ).fetchall()
        return {-row[0]: _reference(*row) for row in rows}

    def fingerprints(self, ref_id: int) -> list[Fingerprint]:
        """All of its codes so far, read anew; nothing of one that is not on the air. Raises ValueError for what is none."""
        with self._explained():
            rows = self._database.execute(
                "SELECT codes.algorithm, data, duration FROM codes JOIN live ON live.id = live "
                "WHERE live = ? ORDER BY codes.id",
                (-ref_id,),
            ).fetchall()
        made: dict[str, Fingerprint] = {}
        for algorithm, data, seconds in rows:
            made[algorithm] = replace(_longer(made.get(algorithm), from_bytes(data)), duration=seconds)
        return list(made.values())

    def last(self, ref_id: int, algorithm: str) -> float:
        """The time of its last code; below 0 where it has none. Raises ValueError where what is stored is no code."""
        with self._explained():
            return self._last(ref_id, algorithm)

    def _last(self, ref_id: int, algorithm: str) -> float:
        row = self._database.execute(
            "SELECT data FROM codes WHERE live = ? AND algorithm = ? ORDER BY id DESC LIMIT 1",
            (-ref_id, algorithm),
        ).fetchone()
        return float(from_bytes(row[0]).times[-1]) if row else -1.0

    def codes(self, algorithm: str, width: int) -> tuple[Index, dict[int, Fingerprint]] | None:
        """An index of all of their codes so far, and these, by reference, as they are now; None where there are none."""
        self._follow()
        held = self._held.get(algorithm, {})
        if held and algorithm not in self._indexes:
            self._indexes[algorithm] = self._indexed(algorithm, width)
        return (self._indexes[algorithm], dict(held)) if held else None

    def _indexed(self, algorithm: str, width: int) -> Index:
        made = INDEXES["faiss"](algorithm, width)
        for ref_id, codes in list(self._held[algorithm].items()):
            with self._left_out(ref_id):
                made.add(ref_id, codes)
        return made

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
        for number, row, algorithm, data in rows:
            self._codes_seen, ref_id = number, -row
            if ref_id in live - self._unfit:
                with self._left_out(ref_id):
                    held = self._held.setdefault(algorithm, {})
                    held[ref_id] = _longer(held.get(ref_id), from_bytes(data))
        self._indexes.clear()

    @contextmanager
    def _left_out(self, ref_id: int) -> Iterator[None]:
        """Leaves a reference out from now on, where its codes turn out to be none."""
        try:
            yield
        except ValueError as error:
            self._unfit.add(ref_id)
            for held in self._held.values():
                held.pop(ref_id, None)
            self._note(f"what is on the air as {ref_id} is left out: {error}")

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
