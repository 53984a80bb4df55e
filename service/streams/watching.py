"""Watching one stream: an endless query that gives events as they happen.

    for event in watch("https://…/live.m3u8", engine, Options(allowed=["camera.local"])):
        print(event["event"], event["reference"]["title"])

An event is plain data: "started", "continues" and "ended" tell of a work; "note" of the stream, as a drop-out; "error" of
why it cannot be watched any further. A stream that ends, ends the events.
"""

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evidence import words
from evidence.answer import Json, printable, reference_json, segment_json
from fingerprint.clip import Frame
from fingerprint.feed import Heard, Seen
from fingerprint.media import Limits, MediaError
from index.catalog import CatalogError
from matching.airing import Airings, Change
from matching.engine import Engine
from matching.lane import WINDOW
from service.streams.addresses import Addresses, shown
from service.streams.capture import Capture, Room
from service.streams.errors import StreamError
from service.streams.fetch import Allowance, Fetcher
from service.streams.intake import Intake
from service.streams.journal import Journal, State
from service.streams.levels import LEVELS
from service.streams.piece import Clock, Note
from service.streams.telling import utc

WRITTEN = 5.0  # seconds of stream after which its state is written, where nothing happened
STALE = 900.0  # seconds after which what was on counts as ended while nobody watched


@dataclass(frozen=True, slots=True)
class Options:
    """How streams are watched.

    allowed    hosts, or HOST:PORT, that may be private
    limits     of the decoders
    allowance  of fetching
    output     a folder for evidence
    journal    where their state is kept; without it nothing is resumed
    room       for evidence
    pipe       the descriptor that "-" reads
    hunting    whether disguises are tried
    """

    allowed: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    allowance: Allowance = field(default_factory=Allowance)
    output: Path | None = None
    journal: Journal | None = None
    room: Room = field(default_factory=Room)
    pipe: int = 0
    hunting: bool = True


class Watch:
    """One stream that is being watched: a thread fetches and decodes, ``poll`` examines. Close it.

    error    why it cannot be watched any further, if so
    done     whether nothing more will come
    picture  the last one that was seen
    """

    def __init__(
        self,
        url: str,
        engine: Engine,
        options: Options,
        clock: Clock | None = None,
        fetcher: Fetcher | None = None,
    ) -> None:
        """Raises StreamError where no evidence can be kept, CatalogError where the journal cannot be read."""
        self.url, self.error, self.done = url, None, False
        self.level = 0
        self.picture: Frame | None = None
        self._engine, self._options, self._clock = engine, options, clock or Clock()
        fetcher = fetcher or Fetcher(Addresses(options.allowed), options.allowance)
        self._intake = Intake(url, fetcher, self._clock, options.limits, options.pipe)
        self._capture = Capture(options.output, url, options.room) if options.output else None
        state = options.journal.state(url) if options.journal else None
        self._begin, self._places, gone = _resumed(state, self._clock.wall())
        self._seconds = state.seconds if state else 0.0
        number, self._event = state.next if state else (1, 1)
        self._found = state is not None and state.seconds > 0.0 and self._event > 1
        self.airings = Airings(engine, number)
        self.airings.effort.hunting = options.hunting
        self._notes: deque[Note] = deque()  # of the thread that fetches
        self._waiting: list[Json] = options.journal.untold(url) if options.journal else []
        self._references: dict[int, Json] = {}
        self._looked, self._written = self._begin, self._begin
        self._intake.on_piece = lambda piece: self._keep(lambda kept: kept.piece(piece))
        self._intake.on_offset = lambda track, offset: self._keep(lambda kept: kept.offset(track, offset))
        self._intake.on_list = lambda listed: self._keep(lambda kept: kept.listed(listed))
        self._restore(state, gone)

    error: StreamError | MediaError | CatalogError | None

    def start(self) -> None:
        """Begins to fetch."""
        self._intake.start(self._begin, self._places)

    @property
    def live(self) -> bool:
        """Whether it goes on whether or not anybody keeps up."""
        return self._intake.live

    def _restore(self, state: State | None, gone: bool) -> None:
        if state is None:
            return
        known = {reference.id for reference in self._engine.catalog.references()}
        if (live := self._engine.live) is not None:
            known |= live.references().keys() | live.registered().keys()
        self.airings.restore(a for a in state.open if a["ref_id"] in known)
        if gone and self.airings.on:
            self._tell(self.airings.finish(state.seconds))

    def poll(self, seconds: float) -> list[Json]:
        """Events of what came within so many seconds; some that were not told before a restart come first."""
        deadline = time.monotonic() + seconds
        try:
            while not self._waiting and not self.done:
                if not self._drained(deadline - time.monotonic()):
                    break
        except (CatalogError, StreamError, MediaError) as error:
            self._fail(error)
        except (
            Exception
        ) as error:  # a fault of ours, which this stream brought out: an error of this stream alone
            self._fail(self._intake.crashed(error))
        while self._notes:
            self._waiting.append(self._note(self._notes.popleft()))
        told, self._waiting = self._waiting, []
        return told

    def _drained(self, left: float) -> bool:
        """Takes one thing that was decoded; whether there is time for more."""
        decoded = self._intake.get(max(left, 0.0))
        if isinstance(decoded, queue.Empty):
            return left > 0
        if isinstance(decoded, Heard | Seen):
            self._intake.came(decoded)
        if isinstance(decoded, Heard):
            self.airings.hear(decoded.start, decoded.samples)
            self._reach(decoded.start + len(decoded.samples) / 8000)
        elif isinstance(decoded, Seen):
            self.airings.see(decoded.frames)
            self.picture = decoded.frames[-1]
            self._reach(decoded.frames[-1].time)
        elif isinstance(decoded, Note):
            self._waiting.append(self._note(decoded))
        elif isinstance(decoded, MediaError):
            self._fail(decoded)
        else:
            self._end()
        return left > 0

    def _reach(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)
        if self._seconds >= self._looked + LEVELS[self.level].step:
            self._looked = self._seconds
            self._tell(self.airings.changes(self._seconds))

    def _end(self) -> None:
        """All of the stream was decoded, or what could be."""
        self._tell(self.airings.changes(self._seconds))
        if self._intake.error is None:
            ends = self.airings.finish(self._seconds)
            self._tell(ends, final=True, last=[] if self._found or ends else [self._nothing()])
            self.done = True
        else:
            self._fail(self._intake.error)

    def _nothing(self) -> Json:
        return self._note(Note("ended", f"ended after {words.clock(self._seconds)}, nothing found"))

    def _fail(self, error: StreamError | MediaError | CatalogError) -> None:
        """The stream cannot be watched any further: what was on has ended, as far as anybody knows."""
        self.error, self.done = error, True
        if not isinstance(error, CatalogError):
            try:
                self._tell(self.airings.finish(self._seconds), final=True, last=[self._failure(error)])
                return
            except CatalogError as unwritten:
                self.error = error = unwritten
        self._waiting.append(self._failure(error))

    def _failure(self, error: StreamError | MediaError | CatalogError) -> Json:
        # What a decoder cannot read goes by the name of its track: to people that is this stream.
        message = f"{shown(self.url)}: {error.reason}" if isinstance(error, MediaError) else str(error)
        failure = {"code": getattr(error, "code", "catalog"), "message": printable(message)}
        return {**self._about("error"), "error": failure}

    def _about(self, what: str) -> Json:
        return {
            "event": what,
            "at": utc(self._clock.wall()),
            "stream": printable(self.url),
            "stream_time": round(self._seconds, 3),
        }

    def _note(self, note: Note) -> Json:
        return {**self._about("note"), "note": {"code": note.code, "message": printable(note.text)}}

    def _tell(self, changes: list[Change], final: bool = False, last: Sequence[Json] = ()) -> None:
        """Events, and ``last`` after them, and the state that this leads to, are written before anybody is told."""
        events = [*(self._told(change) for change in changes), *last]
        journal = self._options.journal
        if journal and (events or final or self._seconds >= self._written + WRITTEN):
            self._written = self._seconds
            journal.write(self.url, self.state(), events, final)
        with self._intake.lock:
            for event in events:
                if "airing" in event:
                    self._keep(lambda kept, event=event: kept.event(event["airing"], event))  # type: ignore[misc]  # a default
        self._waiting += events

    def _keep(self, keep: Callable[[Capture], None]) -> None:
        """Has evidence kept; where that fails it is told, and watching goes on without."""
        if self._capture is None:
            return
        try:
            keep(self._capture)
        except StreamError as error:
            self._capture = None
            self._notes.append(Note("evidence", f"evidence is no longer kept: {error}"))

    def _told(self, change: Change) -> Json:
        segments = [segment_json(segment) for segment in change.segments]
        event = {
            **self._about(change.what),
            "stream_time": round(change.seconds, 3),
            "id": f"{change.number}-{self._event}",
            "airing": change.number,
            "reference": self._reference(change.ref_id),
            "verdict": change.verdict,
            "expected_false_matches": change.expected,
            "segment": segments[0],
            "segments": segments,
            **self._delay(change),
        }
        self._event += 1
        self._found = True
        return event

    def _reference(self, ref_id: int) -> Json:
        if ref_id not in self._references:
            try:
                self._references[ref_id] = reference_json(*self._engine.reference(ref_id))
            except KeyError:
                return {"id": str(ref_id), "name": "", "title": "", "owner": ""}
        return self._references[ref_id]

    def _delay(self, change: Change) -> Json:
        """Of a reference that is on the air, or was when this began: seconds by which this stream is behind it."""
        ours = self._intake.airtime
        if change.airtime is None or ours is None:
            return {}
        segment = change.segments[0]
        delay = ours + segment.query_end - (change.airtime + segment.ref_end)
        return {"delay": round(delay, 2)}

    def state(self) -> State:
        """Where it is: after a restart the last WINDOW seconds are looked at again, where they can still be had."""
        with self._intake.lock:
            places, resumed = self._safe()
            self._intake.marks = [m for m in self._intake.marks if m.seconds >= resumed - 30]
        following = (self.airings.next, self._event)
        return State(self._seconds, self._clock.wall(), places, resumed, following, self.airings.state())

    def _safe(self) -> tuple[dict[str, int], float]:
        """The places to go on from, by track, and the second that lies there: WINDOW seconds back, or where it began."""
        marks = self._intake.marks
        safe = [m for m in marks if m.seconds <= self._seconds - WINDOW]
        main = max((m for m in safe if m.track == "main"), key=lambda m: m.order, default=None)
        if main is not None:
            return {m.track: m.order for m in safe if m.seconds <= main.seconds + 0.5}, main.seconds
        if self._places:
            return self._places, self._begin
        first = {m.track: m.order - 1 for m in reversed(marks)}  # the place just before the first piece
        return (first, self._begin) if "main" in first else ({}, self._seconds)

    def told(self, event: Json) -> None:
        """An event was told: it will not be told again after a restart."""
        if self._options.journal:
            self._options.journal.told(self.url, event)

    @property
    def crowd(self) -> float:
        """How much waits to be examined, from 0 to 1."""
        return self._intake.crowd

    def shed(self, level: int, share: float) -> None:
        """From now on does as LEVELS say, and tells so; hunts for disguises take ``share`` of the time at most."""
        self.airings.effort.share = share
        self.airings.effort.hunting = self._options.hunting and level == 0
        if level == self.level:
            return
        if LEVELS[level].mode != LEVELS[self.level].mode:
            self._intake.limit(LEVELS[level].mode)
        self.level = level
        self._waiting.append(self._note(Note("load", LEVELS[level].words)))

    def close(self) -> None:
        """Stops; its state stays, so that watching it again goes on. Raises CatalogError where it cannot be written."""
        self._intake.close()
        self._keep(lambda kept: kept.close())
        if not self.done and self._options.journal and self._seconds > self._begin:
            self._options.journal.write(self.url, self.state(), [])


def _resumed(state: State | None, wall: float) -> tuple[float, dict[str, int], bool]:
    """The second of the stream to begin at, the places in its source, and whether what was on must count as ended."""
    if state is None:
        return 0.0, {}, False
    away = max(wall - state.wall, 0.0)
    if state.places:
        return state.resumed, state.places, away > STALE
    return state.seconds + away, {}, away > STALE


def watch(
    url: str, engine: Engine, options: Options | None = None, clock: Clock | None = None
) -> Iterator[Json]:
    """The events of one stream, as they happen, until it ends. Raises CatalogError, StreamError."""
    watched = Watch(url, engine, options or Options(), clock)
    watched.start()
    try:
        while not watched.done:
            for event in watched.poll(1.0):
                yield event
                watched.told(event)
        for event in watched.poll(0.0):
            yield event
            watched.told(event)
    finally:
        watched.close()


__all__ = ["Options", "Watch", "watch"]
