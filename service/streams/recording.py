"""A reference that is still on the air: its codes are stored as they come, for whoever watches other streams."""

import hashlib
import math
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from evidence.answer import Json
from fingerprint.audio import FIRST, SPACING
from fingerprint.extractor import Extractor
from fingerprint.feed import Heard, Seen
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import MediaError
from index.catalog import Reference
from matching.engine import Engine
from matching.rolling import MARGIN, SETTLED, Rolling
from service.inputs import Details
from service.streams.addresses import Addresses, shown
from service.streams.errors import StreamError
from service.streams.fetch import Fetcher
from service.streams.intake import Intake
from service.streams.piece import Clock, Note
from service.streams.watching import Options

STEP = 1.0  # seconds of stream whose codes are stored together
# Seconds of sound before the last code, from which on the next are made: these lie as far from it as from each other.
BACK = FIRST + SPACING * math.ceil((MARGIN - FIRST) / SPACING)
RELOAD = 0.3  # seconds between two looks at its list: they tell when its seconds could be had


class Recorder:
    """Makes the codes of one live reference."""

    def __init__(self, engine: Engine, seconds: float = 0.0) -> None:
        """``seconds`` of it are made already."""
        self._extractors = engine.extractors()
        self._held = {kind: Rolling(kind) for kind in self._extractors}
        self._until = dict.fromkeys(self._extractors, seconds or -1.0)
        self.seconds = self._made = seconds

    def take(self, decoded: Heard | Seen) -> None:
        """More of the stream."""
        if isinstance(decoded, Heard):
            self._held["audio"].hear(decoded.start, decoded.samples)
        else:
            self._held["video"].see(decoded.frames)
        self.seconds = max(self.seconds, *(held.end for held in self._held.values()))

    def made(self, final: bool = False) -> list[Fingerprint]:
        """The codes of what came since the last time, where that is long enough."""
        if not final and self.seconds < self._made + STEP:
            return []
        self._made = self.seconds
        return [
            codes
            for kind, extractor in self._extractors.items()
            if not self._held[kind].empty and len(codes := self._codes(kind, extractor, final))
        ]

    def _codes(self, kind: str, extractor: Extractor, final: bool) -> Fingerprint:
        held, until = self._held[kind], self._until[kind]
        held.trim()
        sound = kind == "audio"
        start = max(held.begin, until - BACK if sound else until + 1e-3)
        made = extractor.reference(held.clip(start, max(held.end, start)))
        last = held.end if final or not sound else held.end - SETTLED
        times = made.times + start
        taken = (times > until) & (times <= last)
        self._until[kind] = max(until, float(times[taken][-1]) if taken.any() else until)
        times = np.minimum(np.round(times[taken], 3), self.seconds)
        return replace(
            made, duration=self.seconds, times=times, codes=made.codes[taken], weak=made.weak[taken]
        )


class Recording:
    """A live reference that is being recorded into the store of those on the air. Close it.

    error  why it cannot be recorded any further, if so
    done   whether nothing more will come
    digest of the bytes that came
    """

    def __init__(
        self, url: str, engine: Engine, options: Options, ref_id: int, clock: Clock | None = None
    ) -> None:
        """``ref_id`` is one that is on the air; what it has already is gone on with. Raises StreamError."""
        self.error: StreamError | MediaError | None = None
        self.done, self.digest = False, hashlib.sha256()
        allowance, self._clock = replace(options.allowance, reload=RELOAD), clock or Clock()
        fetcher = Fetcher(Addresses(options.allowed), allowance)
        self._intake = Intake(url, fetcher, self._clock, options.limits, options.pipe)
        self._intake.on_piece = lambda piece: self.digest.update(piece.data)
        self._ref_id, self._store = ref_id, engine.on_air()
        before = self._store.references().get(ref_id)
        if before is None:
            raise StreamError("gone", shown(url), "is no longer on the air: nothing came of it for too long")
        self._airtime = before.airtime
        away = self._clock.wall() - self._airtime if self._airtime is not None else 0.0
        self._begin = max(before.reference.duration, away)
        self._recorder = Recorder(engine, before.reference.duration)

    @property
    def live(self) -> bool:
        """Whether it goes on whether or not anybody keeps up."""
        return self._intake.live

    @property
    def crowd(self) -> float:
        """How much waits to be recorded, from 0 to 1."""
        return self._intake.crowd

    @property
    def seconds(self) -> float:
        """Seconds of it so far."""
        return self._recorder.seconds

    def start(self) -> None:
        """Begins to fetch."""
        self._intake.start(self._begin)

    def poll(self, seconds: float) -> list[Json]:
        """Records what comes within so many seconds; what happened to the stream. Raises CatalogError."""
        deadline, notes = time.monotonic() + seconds, list[Json]()
        while not self.done:
            decoded = self._intake.get(max(deadline - time.monotonic(), 0.0))
            if isinstance(decoded, queue.Empty):
                break
            if isinstance(decoded, Note):
                notes.append({"event": "note", "note": {"code": decoded.code, "message": decoded.text}})
            elif decoded is None or isinstance(decoded, MediaError):
                self.error, self.done = decoded or self._intake.error, True
            else:
                self._take(decoded)
        return notes

    def _take(self, decoded: Heard | Seen) -> None:
        self._intake.came(decoded)
        self._recorder.take(decoded)
        if codes := self._recorder.made():
            self._add(codes)

    def _add(self, codes: list[Fingerprint]) -> None:
        try:
            self._store.add(self._ref_id, codes, self.seconds, self._airtime or self._intake.airtime)
        except KeyError:  # somebody dropped it
            self.done = True

    def told(self, event: Json) -> None:
        """Nothing is remembered of what happened to the stream."""

    def shed(self, level: int, share: float) -> None:
        """A reference is recorded whole, whatever else there is to do."""

    def close(self) -> None:
        """Stops, and stores what came last. Raises CatalogError."""
        self._intake.close()
        self._add(self._recorder.made(final=True))


def record(
    url: str,
    engine: Engine,
    options: Options,
    details: Details,
    keep: bool,
    note: Callable[[str], None],
    clock: Clock | None = None,
) -> Iterator[Reference | StreamError | MediaError]:
    """Registers a stream while it is on the air; gives its reference at once, and the kept one at the end.

    When the stream breaks off that is given too: what came before is kept all the same. Raises CatalogError.
    """
    name, store = shown(url).rpartition("/")[2] or shown(url), engine.on_air()
    title = details.title or name
    ref_id = store.begin(name, title, details.kind, details.owner)
    recording = Recording(url, engine, options, ref_id, clock)
    recording.start()
    try:
        yield store.references()[ref_id].reference
        while not recording.done:
            for event in recording.poll(1.0):
                note(f"{name}: {event['note']['message']}")
    finally:
        recording.close()
        codes = store.fingerprints(ref_id) if keep else []
        kept = None
        if codes:
            about = (title, details.kind, details.owner, details.identifiers)
            digest, seconds = recording.digest.hexdigest(), recording.seconds
            kept = engine.catalog.add(name, digest, seconds, codes, *about)
            if not recording.done:
                part = f"its {seconds:.1f} s are registered as #{kept.id}"
                note(f"{name}: stopped before its end: {part}; whorl remove {kept.id} takes them away")
        store.drop(ref_id, kept.id if kept is not None else None)
    if kept is not None:
        yield kept
    if recording.error is not None:
        yield recording.error
