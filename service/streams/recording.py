"""A reference that is still on the air: its codes are stored as they come, for whoever watches other streams."""

import hashlib
import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np

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
from service.streams.piece import Clock, Note, Piece
from service.streams.watching import Options

STEP = 1.0  # seconds of stream whose codes are stored together
RELOAD = 0.3  # seconds between two looks at its list: they tell when its seconds could be had


class Recorder:
    """Makes the codes of one live reference."""

    def __init__(self, engine: Engine) -> None:
        self._extractors = engine.extractors()
        self._held = {kind: Rolling(kind) for kind in self._extractors}
        self._until = dict.fromkeys(self._extractors, -1.0)
        self.seconds = self._made = 0.0

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
        start = max(held.begin, until - MARGIN if sound else until + 1e-3)
        made = extractor.reference(held.clip(start, max(held.end, start)))
        last = held.end if final or not sound else held.end - SETTLED
        times = made.times + start
        taken = (times > until) & (times <= last)
        self._until[kind] = max(until, float(times[taken][-1]) if taken.any() else until)
        times = np.minimum(np.round(times[taken], 3), self.seconds)
        return replace(
            made, duration=self.seconds, times=times, codes=made.codes[taken], weak=made.weak[taken]
        )


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
    allowance = replace(options.allowance, reload=RELOAD)
    fetcher = Fetcher(Addresses(options.allowed), allowance)
    intake = Intake(url, fetcher, clock or Clock(), options.limits, options.pipe)
    digest = hashlib.sha256()

    def hashed(piece: Piece, begin: float) -> None:
        digest.update(piece.data)

    intake.on_piece = hashed
    name, recorder, store = shown(url).rpartition("/")[2] or shown(url), Recorder(engine), engine.on_air()
    ref_id = store.begin(name, details.title or name, details.kind, details.owner)
    failure: StreamError | MediaError | None = None
    intake.start()
    try:
        yield store.references()[ref_id].reference
        while (decoded := intake.get(1.0)) is not None:
            if isinstance(decoded, MediaError):
                failure = decoded
                break
            if isinstance(decoded, Note):
                note(f"{name}: {decoded.text}")
            elif not isinstance(decoded, queue.Empty):
                intake.came(decoded)
                recorder.take(decoded)
                if codes := recorder.made():
                    store.add(ref_id, codes, recorder.seconds, intake.airtime)
        failure = failure or intake.error
    finally:
        intake.close()
        with suppress(KeyError):  # somebody dropped it
            store.add(ref_id, recorder.made(final=True), recorder.seconds, intake.airtime)
        kept = _kept(engine, ref_id, name, digest.hexdigest(), recorder.seconds, details) if keep else None
        store.drop(ref_id)
    if kept is not None:
        yield kept
    if failure is not None:
        yield failure


def _kept(
    engine: Engine, ref_id: int, name: str, digest: str, seconds: float, details: Details
) -> Reference | None:
    """The reference in the catalog, of all that came."""
    store = engine.on_air()
    found = [store.fingerprint(ref_id, algorithm) for algorithm in engine.algorithms]
    codes = [replace(one, duration=seconds) for one in found if one is not None]
    if not codes:
        return None
    return engine.catalog.add(
        name, digest, seconds, codes, details.title or name, details.kind, details.owner, details.identifiers
    )
