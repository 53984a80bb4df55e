"""What a scan has done so far, so that one that was killed goes on where it was: SQLite beside the catalog."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evidence.answer import Json
from index.catalog import CatalogError
from service.answers import parsed
from service.walk import Entry

READING = (
    3  # raised whenever files are taken for something else than before, or more is heard or seen of them
)
# What the bytes and the limits decide; all other errors are of a place or a moment, and the next run may be without them.
LASTING = frozenset([
    "not-media", "refused-format", "still-picture", "no-streams", "truncated", "corrupt", "damaged", "sparse", "too-large",
    "too-long", "too-short", "limit",
])  # fmt: skip
KINDS = ("media", "picture", "list", "other")
SYNCED = 1.0  # seconds between commits of what is cheap to do again
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    kind TEXT NOT NULL, digests TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    sha256 TEXT PRIMARY KEY, state TEXT NOT NULL, thorough INTEGER NOT NULL, answer TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is by its content: "media", "picture", "list" or "other"; and, of media, hashes by their algorithm."""

    kind: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class Examined:
    """The answer to a file's bytes, and whether they were examined in full."""

    answer: Json
    thorough: bool

    @property
    def lasting(self) -> bool:
        """Whether these bytes have this answer wherever and whenever they are examined."""
        error = self.answer["error"]
        return error is None or error["code"] in LASTING


class Journal:
    """Remembers files by path, size and time, and answers by content and catalog. Use it in a ``with`` block."""

    def __init__(self, path: Path, state: str, limits: str) -> None:
        """``state`` names the catalog and the engine: answers of another are not given, nor errors under other ``limits``.

        Raises CatalogError.
        """
        self._path, self._due = path, time.monotonic() + SYNCED
        self._state, self._failed = state, f"{state} {limits}"
        with self._explained():
            self._database = sqlite3.connect(path, timeout=30)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(_TABLES)
            self._forget()

    def _forget(self) -> None:
        """What was found by another way of reading counts no more."""
        (reading,) = self._database.execute("PRAGMA user_version").fetchone()
        if reading != READING:
            self._database.execute("DELETE FROM files")
            self._database.execute("DELETE FROM answers")
            self._database.execute(f"PRAGMA user_version = {READING}")
            self._database.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._explained():
            self._database.commit()
            self._database.close()

    def identity(self, entry: Entry, algorithms: tuple[str, ...]) -> Identity | None:
        """What a file is known to be, if it has not changed and was hashed by all these algorithms."""
        with self._explained():
            row = self._database.execute(
                "SELECT kind, digests FROM files WHERE path = ? AND size = ? AND modified = ?", _key(entry)
            ).fetchone()
        return _identity(row[0], row[1], algorithms) if row else None

    def identify(self, entry: Entry, identity: Identity) -> None:
        """Remembers what a file is."""
        row = (*_key(entry), identity.kind, json.dumps(identity.digests))
        with self._explained():
            self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", row)
            if time.monotonic() >= self._due:
                self._database.commit()
                self._due = time.monotonic() + SYNCED

    def answer(self, sha256: str, thorough: bool) -> Examined | None:
        """The answer to these bytes, from this catalog; only one of a full examination where ``thorough``."""
        with self._explained():
            row = self._database.execute(
                "SELECT answer, thorough FROM answers WHERE sha256 = ? AND state IN (?, ?) AND thorough >= ?",
                (sha256, self._state, self._failed, thorough),
            ).fetchone()
        with suppress(ValueError, TypeError):  # a damaged row is one that is not there
            return row and Examined(parsed(row[0]), bool(row[1]))
        return None

    def examined(self, sha256: str, examined: Examined) -> None:
        """Remembers a lasting answer for good."""
        state = self._failed if examined.answer["error"] else self._state
        row = (sha256, state, examined.thorough, json.dumps(examined.answer))
        with self._explained():
            self._database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", row)
            self._database.commit()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CatalogError(
                f"journal {self._path}: {error}: if it is damaged, remove it; only time is lost"
            ) from error


def _identity(kind: Any, digests: Any, algorithms: tuple[str, ...]) -> Identity | None:
    """What a row says; None where it is damaged, or has not all these hashes of media."""
    with suppress(ValueError, TypeError, KeyError):
        hashes = json.loads(digests)
        wanted = ("sha256", *algorithms) if kind == "media" else ()
        if kind in KINDS and all(bytes.fromhex(hashes[name]) for name in wanted):
            return Identity(kind, hashes)
    return None


def _key(entry: Entry) -> tuple[bytes, int, int]:
    return os.fsencode(entry.path.absolute()), entry.size, entry.modified
