"""The last seconds of an endless capture, and the codes made of them: each second's codes are made once."""

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from fingerprint.clip import SAMPLE_RATE, Clip, Frame
from fingerprint.extractor import WIDTHS, Extractor
from fingerprint.fingerprint import Disguise, Fingerprint, Query

KEPT = 30.0  # seconds
MARGIN = 1.5  # seconds of sound around a code that it, and the level it is compared with, are made of
SETTLED = (
    0.8  # seconds before the end, from which on codes will be made again, as they do not see all around them
)


class Rolling:
    """Sound or pictures of the last KEPT seconds; times are seconds since the stream began.

    kind   "audio" or "video"
    begin  the first second that is held, ``end`` that up to which it is
    empty  whether nothing has come yet
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.begin = self.end = 0.0
        self._first = 0  # number of the first sample that is held
        self._sound = np.zeros(0, np.float32)
        self._fresh: list[NDArray[np.float32]] = []
        self._frames: deque[Frame] = deque()
        self.empty = True

    def hear(self, start: float, samples: NDArray[np.float32]) -> None:
        """Sound from ``start`` on: silence where there was none before, dropped where it was heard already."""
        position = self._first + len(self._sound) + sum(map(len, self._fresh))
        first = round(start * SAMPLE_RATE)
        if self.empty or first - position > KEPT * SAMPLE_RATE:
            self._first, self._sound, self._fresh, position = first, np.zeros(0, np.float32), [], first
            self.empty = False
        if first > position:
            self._fresh.append(np.zeros(first - position, np.float32))
        self._fresh.append(samples[max(0, position - first) :])
        self.end = (max(first, position) + len(self._fresh[-1])) / SAMPLE_RATE

    def see(self, frames: Iterable[Frame]) -> None:
        """Pictures, in order."""
        for frame in frames:
            if not self._frames or frame.time > self._frames[-1].time:
                self._frames.append(frame)
                self.end = frame.time
        self.empty = False

    def trim(self) -> None:
        """Lets go of what is older than KEPT."""
        self._sound, self._fresh = np.concatenate([self._sound, *self._fresh]), []
        spare = max(0, len(self._sound) - round(KEPT * SAMPLE_RATE))
        if spare:
            self._sound, self._first = self._sound[spare:].copy(), self._first + spare
        while self._frames and self._frames[0].time < self.end - KEPT:
            self._frames.popleft()
        if self.kind == "audio":
            self.begin = self._first / SAMPLE_RATE
        else:
            self.begin = self._frames[0].time if self._frames else self.end

    def clip(self, start: float, end: float) -> Clip:
        """What is held from ``start`` to ``end``; its times count from ``start``."""
        if self.kind == "video":
            inside = [Frame(f.time - start, f.luma) for f in self._frames if start - 1e-6 <= f.time <= end]
            return Clip("stream", max(end - start, 0.0), frames=inside)
        first, last = (round(t * SAMPLE_RATE) - self._first for t in (start, end))
        return Clip("stream", end - start, samples=self._sound[max(first, 0) : max(last, 0)])


class View:
    """The codes of what is held under one disguise, made as it comes.

    sparse  seconds between pictures at least, where few are enough; 0 for all of them
    """

    def __init__(self, extractor: Extractor, disguise: Disguise, sparse: float = 0.0) -> None:
        self.disguise, self.used = disguise, 0.0
        self._extractor, self._sparse = extractor, sparse
        bits = 8 * WIDTHS[extractor.algorithm]
        self._times = np.zeros(0)
        self._codes = np.zeros((0, bits // 8), np.uint8)
        self._weak = np.zeros(0, np.bool_)
        self._reliability = np.zeros((0, bits), np.float32)
        self._until: float | None = None  # codes before this time are as they will be

    def update(self, held: Rolling) -> None:
        """Makes the codes of what came since the last time."""
        settled = held.begin - 1.0 if self._until is None else max(self._until, held.begin - 1.0)
        sound = held.kind == "audio"
        start = max(held.begin, settled - MARGIN) if sound else max(held.begin, settled + 1e-6)
        clip = held.clip(start, held.end)
        if not sound and self._sparse:
            clip = _thinned(clip, self._sparse)
        made = self._extractor.query(clip, self.disguise)
        times = made.fingerprint.times + start
        old, new = (self._times <= settled) & (self._times > held.end - KEPT), times > settled
        self._times = np.concatenate([self._times[old], times[new]])
        self._codes = np.concatenate([self._codes[old], made.fingerprint.codes[new]])
        self._weak = np.concatenate([self._weak[old], made.fingerprint.weak[new]])
        self._reliability = np.concatenate([self._reliability[old], made.reliability[new]])
        self._until = held.end - SETTLED if sound else held.end

    def query(self, start: float, end: float) -> Query:
        """The codes from ``start`` to ``end``; their times count from ``start``."""
        inside = (self._times >= start) & (self._times <= end)
        made = Fingerprint(
            self._extractor.algorithm,
            end - start,
            np.clip(self._times[inside] - start, 0.0, end - start),
            self._codes[inside],
            self._weak[inside],
        )
        return Query(made, self._reliability[inside], self.disguise)


def _thinned(clip: Clip, spacing: float) -> Clip:
    kept: list[Frame] = []
    for frame in clip.frames(1e3):
        if not kept or frame.time - kept[-1].time >= spacing - 1e-3:
            kept.append(frame)
    return Clip(clip.name, clip.duration, frames=kept)
