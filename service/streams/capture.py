"""What carried a match is kept: the very bytes as they were fetched, hashed, with where they came from and when.

The last pieces of a stream wait in memory, within bounds; when a work is found, those that carried it are written, and
all that follow until it has ended. A manifest says what each file is, and whether all of the match is there.
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
from fingerprint.feed import Offset
from service.streams.errors import StreamError
from service.streams.fetch import Record
from service.streams.piece import Listed, Piece
from service.streams.spans import Spans

BEFORE = 4.0  # seconds kept before a match, and after it
GAP = 1.0  # seconds that may lie between two files of a match, which are not known more exactly
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
    """A piece, and its place in the bytes of its track."""

    piece: Piece
    first: int
    last: int


@dataclass(slots=True)
class _Case:
    """The evidence of one airing.

    taken  what was stored: track and first byte
    open   what is stored and was not yet decoded to its end: its track, where its bytes end, and what the manifest says
    full   whether something was left out for want of room
    """

    folder: Path
    events: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    lists: dict[str, Json] = field(default_factory=dict)
    size: int = 0
    taken: set[tuple[str, int]] = field(default_factory=set)
    open: list[tuple[str, int, Json]] = field(default_factory=list)
    full: bool = False

    @property
    def start(self) -> float:
        """Second of the stream at which the match begins, as far as was told."""
        return min((s["query_start"] for event in self.events for s in event["segments"]), default=0.0)

    @property
    def end(self) -> float:
        """Second of the stream at which it ends, as far as was told."""
        return max((s["query_end"] for event in self.events for s in event["segments"]), default=0.0)

    @property
    def ended(self) -> bool:
        """Whether its end was told."""
        return any(event["event"] == "ended" for event in self.events)

    @property
    def complete(self) -> bool:
        """Whether all of the match is in the files, of every track."""
        tracks = {file["track"] for file in self.files if file["what"] == "segment"}
        return not self.full and bool(tracks) and all(self._covered(track) for track in tracks)

    def _covered(self, track: str) -> bool:
        start, last = self.start, self.end
        reached, files = start, [file for file in self.files if file.get("track") == track]
        for file in sorted(files, key=lambda file: float(file["stream_start"])):
            if start < file["stream_start"] < last and file.get("missing"):
                return False
            if file["stream_start"] <= reached + GAP:
                reached = max(reached, file["stream_end"])
        return reached + GAP >= last


class Capture:
    """Keeps what carried the matches of one stream."""

    def __init__(self, folder: Path, url: str, room: Room | None = None) -> None:
        """``folder`` holds one folder for each stream. Raises StreamError when it cannot be made."""
        name = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self._folder, self._url, self._room = folder / name, url, room or Room()
        self._held: deque[_Held] = deque()
        self._waiting = 0
        self._fed: dict[str, int] = {}  # bytes of each track
        self._spans: dict[str, Spans] = {}
        self._lists: deque[Listed] = deque(maxlen=self._room.lists)
        self._cases: dict[int, _Case] = {}
        self._make(self._folder)

    def piece(self, piece: Piece) -> None:
        """A piece that was fetched, before it is decoded. Raises StreamError where those before it cannot be kept."""
        first = self._fed.get(piece.track, 0)
        self._fed[piece.track] = first + len(piece.data)
        self._spans.setdefault(piece.track, Spans())
        self._held.append(_Held(piece, first, first + len(piece.data)))
        self._waiting += len(piece.data)
        self._collect()
        while len(self._held) > 1 and (self._waiting > self._room.waiting or self._past(self._held[0])):
            gone = self._held.popleft()
            self._waiting -= len(gone.piece.data)
            self._spans[gone.piece.track].forget(gone.last)

    def offset(self, track: str, offset: Offset) -> None:
        """Where a second of the stream lies in the bytes of a track."""
        self._spans.setdefault(track, Spans()).tell(offset)

    def _past(self, held: _Held) -> bool:
        """Whether it is so old that no match will begin in it."""
        _, end = self._span(held) or (0.0, None)
        return end is not None and end < self._reached - self._room.seconds

    def _span(self, held: _Held) -> tuple[float, float | None] | None:
        return self._spans[held.piece.track].find(held.first, held.last)

    @property
    def _reached(self) -> float:
        """Second of the stream up to which it is decoded."""
        return max((spans.reached for spans in self._spans.values()), default=0.0)

    def _collect(self) -> None:
        """Stores what is decoded by now for the airings that it belongs to; those that have all of it are done with."""
        for number, case in list(self._cases.items()):
            self._take(case)
            behind = min(spans.reached for spans in self._spans.values()) if self._spans else 0.0
            if case.ended and (behind > case.end + BEFORE or self._reached > case.end + self._room.seconds):
                self._manifest(self._cases.pop(number))

    def _take(self, case: _Case) -> None:
        """Stores what is decoded of an airing; of what is not yet, nobody knows when it is."""
        first, last = case.start - BEFORE, case.end + BEFORE if case.ended else float("inf")
        for held in tuple(self._held):
            place = held.piece.track, held.first
            if place in case.taken or (span := self._span(held)) is None:
                continue
            begin, end = span
            if begin <= last and (end is None or end >= first):
                case.taken.add(place)
                self._store(case, held, begin, end)

    def listed(self, listed: Listed) -> None:
        """A playlist that was fetched."""
        self._lists.append(listed)
        for case in self._cases.values():
            self._list(case, listed)

    def event(self, number: int, event: Json) -> None:
        """Something that was told of an airing: its evidence is written. Raises StreamError."""
        case = self._cases.get(number)
        if case is None:
            folder = self._folder / f"match-{number}"
            self._make(folder)
            case = self._cases[number] = _resumed(folder)
            for listed in tuple(self._lists):
                self._list(case, listed)
        if event.get("id") not in [told.get("id") for told in case.events]:
            case.events.append(event)
        self._take(case)
        self._manifest(case)

    def close(self) -> None:
        """Writes what is open. Raises StreamError."""
        self._collect()
        for case in self._cases.values():
            self._manifest(case)

    def _store(self, case: _Case, held: _Held, begin: float, end: float | None) -> None:
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
            "stream_start": round(begin, 3),
            "stream_end": round(self._reached if end is None else end, 3),
            "missing": round(piece.missing, 3),
            "arrived": _utc(datetime.fromtimestamp(piece.arrived, UTC)),
            "http": _http(piece.record),
        }
        # The same bytes may be aired twice; what is read again after a restart is at the same place of its list.
        self._file(case, piece.data, name, {f["sha256"] for f in case.files if _same(f, about)}, about)
        if end is None and case.files[-1]["file"] == name:
            case.open.append((piece.track, held.last, case.files[-1]))

    def _settle(self, case: _Case) -> None:
        """Says how far what was decoded in part is decoded now."""
        for one in tuple(case.open):
            track, last, file = one
            end = self._spans[track].end(last)
            file["stream_end"] = round(self._reached if end is None else end, 3)
            if end is not None:
                case.open.remove(one)

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
        self._settle(case)
        made = {
            "stream": printable(self._url),
            "events": case.events,
            "segments": case.files,
            "lists": list(case.lists.values()),
            "complete": case.complete,
            "full": case.full,
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
        case.events, case.files, case.full = made["events"], made["segments"], made.get("full", False)
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
