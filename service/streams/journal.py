"""What watching has done so far, so that it goes on after a restart: SQLite beside the catalog.

An event and the state after it are written together, before the event is told: it is told again after a kill between the
two, under the same id, and never lost.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evidence.answer import Json
from index.catalog import CatalogError

_TABLES = """
CREATE TABLE IF NOT EXISTS streams (url TEXT PRIMARY KEY, catalog TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS untold (url TEXT NOT NULL, id TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (url, id))
WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class State:
    """Where a stream is.

    seconds  of the stream, that were examined
    wall     unix time of that
    places   where its source was, by track, at ``resumed`` seconds of the stream
    next     number of the next airing, and of the next event
    open     the airings that are on, as ``Airings.state`` gives them
    """

    seconds: float
    wall: float
    places: dict[str, int]
    resumed: float
    next: tuple[int, int]
    open: list[Json]


def plain(state: State) -> Json:
    """A state as JSON."""
    return {name: getattr(state, name) for name in State.__slots__}


def restored(made: Json) -> State:
    """The state that ``plain`` gave."""
    return State(**{**made, "next": tuple(made["next"])})


class Journal(Protocol):
    """Where the states of streams are kept, and what was told of them."""

    def state(self, url: str) -> State | None:
        """Where a stream was, if it was watched and did not end."""
        ...

    def untold(self, url: str) -> list[Json]:
        """Events that were written and perhaps not told, in order."""
        ...

    def write(self, url: str, state: State, events: list[Json], final: bool = False) -> None:
        """The state after these events, and they: both or nothing. ``final``: it will not be watched any further."""
        ...

    def told(self, url: str, event: Json) -> None:
        """An event has been told."""
        ...


class StreamJournal:
    """The states of all streams of a data directory; threads and processes may share it."""

    def __init__(self, path: Path, catalog: str) -> None:
        """``catalog`` names the catalog: the states of another are not given. Raises CatalogError."""
        self._path, self._catalog, self._lock = path, catalog, threading.Lock()
        with self._explained():
            self._database = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_TABLES)

    def close(self) -> None:
        """Lets go of it."""
        with self._explained():
            self._database.close()

    def state(self, url: str) -> State | None:
        """Where a stream was, if it was watched and did not end."""
        with self._explained():
            row = self._database.execute(
                "SELECT state FROM streams WHERE url = ? AND catalog = ?", (url, self._catalog)
            ).fetchone()
        if row is None:
            return None
        return restored(json.loads(row[0]))

    def untold(self, url: str) -> list[Json]:
        """Events that were written and perhaps not told, in order."""
        with self._explained():
            rows = self._database.execute(
                "SELECT event FROM untold WHERE url = ? ORDER BY length(id), id", (url,)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def write(self, url: str, state: State, events: list[Json], final: bool = False) -> None:
        """The state after these events, and they; no state where the stream has ended."""
        with self._explained(), self._database:
            if final:
                self._database.execute("DELETE FROM streams WHERE url = ?", (url,))
            else:
                made = json.dumps(plain(state))
                self._database.execute(
                    "INSERT OR REPLACE INTO streams VALUES (?, ?, ?)", (url, self._catalog, made)
                )
            self._database.executemany(
                "INSERT OR REPLACE INTO untold VALUES (?, ?, ?)",
                [(url, event["id"], json.dumps(event)) for event in events if "id" in event],
            )

    def told(self, url: str, event: Json) -> None:
        """An event has been told."""
        if "id" in event:
            with self._explained(), self._database:
                told = (url, event["id"])
                self._database.execute("DELETE FROM untold WHERE url = ? AND id = ?", told)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise CatalogError(
                f"journal {self._path}: {error}: if it is damaged, remove it; what is being watched begins anew"
            ) from error
