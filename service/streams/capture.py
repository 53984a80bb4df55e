"""What carried a match is kept: the very bytes as they were fetched, hashed, with where they came from and when.

The last pieces of a stream wait in memory, within bounds; when a work is found, those that carried it are written, and
all that follow until it has ended. A manifest says what each file is.
"""

import hashlib
import json
import os
import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from evidence.answer import Json, printable
from service.streams.errors import StreamError
from service.streams.fetch import Record
from service.streams.piece import Listed, Piece

BEFORE = 4.0  # seconds kept before a match, and after it
_SUFFIX = re.compile(r"\.[a-zA-Z0-9]{1,5}$")


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be kept.

    waiting  bytes of a stream in memory
    seconds  of it
    match    bytes on disk for one match
    lists    playlists that wait in memory
    """

    waiting: int = 64 << 20
    seconds: float = 90.0
    match: int = 2 << 30
    lists: int = 20


@dataclass(slots=True)
class _Held:
    """A piece and the seconds of stream at which it begins and ends, as lists say."""

    piece: Piece
    begin: float
    end: float


@dataclass(slots=True)
class _Case:
    """The evidence of one airing."""

    folder: Path
    events: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    lists: dict[str, Json] = field(default_factory=dict)
    size: int = 0
    start: float = 0.0
    end: float | None = None
    full: bool = False


class Capture:
    """Keeps what carried the matches of one stream."""

    def __init__(self, folder: Path, url: str, room: Room | None = None) -> None:
        """``folder`` holds one folder for each stream. Raises StreamError when it cannot be made."""
        name = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self._folder, self._url, self._room = folder / name, url, room or Room()
        self._held: deque[_Held] = deque()
        self._waiting = 0
        self._lists: deque[Listed] = deque(maxlen=self._room.lists)
        self._cases: dict[int, _Case] = {}
        self._make(self._folder)

    def piece(self, piece: Piece, begin: float) -> None:
        """A piece that was fetched, and the second of the stream at which it begins."""
        if self._held:
            self._held[-1].end = max(self._held[-1].end, min(begin, self._held[-1].begin + 30.0))
        held = _Held(piece, begin, begin + max(piece.seconds, 0.5))
        self._held.append(held)
        self._waiting += len(piece.data)
        while len(self._held) > 1 and (
            self._waiting > self._room.waiting or self._held[0].end < begin - self._room.seconds
        ):
            self._waiting -= len(self._held.popleft().piece.data)
        for case in self._cases.values():
            if case.end is None or begin <= case.end + BEFORE:
                self._store(case, held)

    def listed(self, listed: Listed) -> None:
        """A playlist that was fetched."""
        self._lists.append(listed)
        for case in self._cases.values():
            self._list(case, listed)

    def event(self, number: int, event: Json) -> None:
        """Something that was told of an airing: its evidence is written. Raises StreamError."""
        segments = event["segments"]
        case = self._cases.get(number)
        if case is None:
            folder = self._folder / f"match-{number}"
            self._make(folder)
            case = self._cases[number] = _resumed(folder)
            case.start = min(s["query_start"] for s in segments)
            for listed in tuple(self._lists):
                self._list(case, listed)
            for held in tuple(self._held):
                if held.end >= case.start - BEFORE:
                    self._store(case, held)
        if event.get("id") not in [told.get("id") for told in case.events]:
            case.events.append(event)
        if event["event"] == "ended":
            case.end = max(s["query_end"] for s in segments)
        self._manifest(case)
        for old in [n for n, c in self._cases.items() if c.end is not None and n != number]:
            self._manifest(self._cases.pop(old))

    def close(self) -> None:
        """Writes what is open. Raises StreamError."""
        for case in self._cases.values():
            self._manifest(case)

    def _store(self, case: _Case, held: _Held) -> None:
        piece = held.piece
        if case.size + len(piece.data) > self._room.match:
            case.full = True
            return
        known = {f["sha256"] for f in case.files}
        suffix = _suffix(piece.label)
        if piece.head:
            self._file(case, piece.head, f"{len(case.files):06}-head{suffix}", known, {"what": "head"})
        name = f"{len(case.files):06}{suffix}"
        about = {
            "what": "segment",
            "track": piece.track,
            "url": printable(piece.label),
            "order": piece.order,
            "stream_start": round(held.begin, 3),
            "stream_end": round(held.end, 3),
            "arrived": _utc(datetime.fromtimestamp(piece.arrived, UTC)),
            "http": _http(piece.record),
        }
        # The same bytes may be aired twice; what is read again after a restart is at the same place of its list.
        self._file(case, piece.data, name, {f["sha256"] for f in case.files if _same(f, about)}, about)

    def _file(self, case: _Case, data: bytes, name: str, known: set[str], about: Json) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if digest in known:
            return
        self._write(case.folder / name, data)
        case.files.append({"file": name, "sha256": digest, "size": len(data), **about})
        case.size += len(data)

    def _list(self, case: _Case, listed: Listed) -> None:
        digest = hashlib.sha256(listed.text).hexdigest()
        if digest in case.lists or case.size + len(listed.text) > self._room.match:
            return
        name = f"list-{len(case.lists):06}.txt"
        self._write(case.folder / name, listed.text)
        case.size += len(listed.text)
        case.lists[digest] = {
            "file": name,
            "sha256": digest,
            "size": len(listed.text),
            "url": printable(listed.url),
            "http": _http(listed.record),
        }

    def _manifest(self, case: _Case) -> None:
        made = {
            "stream": printable(self._url),
            "events": case.events,
            "segments": case.files,
            "lists": list(case.lists.values()),
            "complete": not case.full,
            "written": _utc(datetime.now(UTC)),
        }
        self._write(
            case.folder / "manifest.json", json.dumps(made, ensure_ascii=True, indent=1).encode(), True
        )

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StreamError(
                "capture", str(folder), f"cannot be made ({error.strerror}): choose another with --output"
            ) from None

    def _write(self, path: Path, data: bytes, replaces: bool = False) -> None:
        """A file, whole or not at all."""
        partial = path.with_name(path.name + ".partial")
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                if replaces:
                    os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise StreamError("capture", str(path), f"cannot be written: {error.strerror}") from None


def _resumed(folder: Path) -> _Case:
    """The evidence that is there of an airing that was watched before a restart; files that its manifest lacks go."""
    case = _Case(folder)
    with suppress(OSError, ValueError, KeyError, TypeError):
        made = json.loads((folder / "manifest.json").read_text())
        case.events, case.files, case.full = made["events"], made["segments"], not made["complete"]
        case.lists = {one["sha256"]: one for one in made["lists"]}
        case.size = sum(one["size"] for one in (*case.files, *made["lists"]))
    known = {one["file"] for one in (*case.files, *case.lists.values())} | {"manifest.json"}
    for path in folder.iterdir():
        if path.name not in known:
            path.unlink()
    return case


def _same(file: Json, about: Json) -> bool:
    """Whether a file that is kept is of this place of the same list."""
    return about["order"] >= 0 and all(file.get(name) == about[name] for name in ("track", "url", "order"))


def _http(record: Record | None) -> Json | None:
    if record is None:
        return None
    return {
        "url": printable(record.url),
        "final": printable(record.final),
        "addresses": list(record.addresses),
        "status": record.status,
        "headers": [[printable(name), printable(value)] for name, value in record.headers],
        "asked": _utc(record.asked),
        "answered": _utc(record.answered),
    }


def _suffix(label: str) -> str:
    """A name's ending where it is harmless: names of files are never a stranger's."""
    found = _SUFFIX.search(label.split("?")[0].split("#")[0])
    return found[0].lower() if found else ".bin"


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
