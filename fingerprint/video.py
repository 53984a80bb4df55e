"""Video codes "video/3": 256 bits that a small network makes of one picture, bars removed; and their details."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint import cells, moves
from fingerprint.boxes import CLIMB, FULL, GRID, MOST, Box, climbed, inverted, outstanding, shown, visible
from fingerprint.details import Details
from fingerprint.fingerprint import PLAIN, Codes, Disguise, Fingerprint, Query, Times, pack
from fingerprint.media import Frame, Media
from fingerprint.network import session
from fingerprint.picture import Array, Pictures, borders, is_cut, normalised, resized, weak

REFERENCE_RATE = 4.0  # stored codes a second: 128 bytes
QUERY_RATE = 8.0
SHOT_FRAMES = 80  # a longer shot is looked at in parts, so that memory stays flat
BATCH = 8  # pictures shown to the network at once: more are no faster, and take more memory
GLANCE = 0.6  # seconds at least between the pictures in which the work is sought in a part of the frame
GLANCES = 32  # pictures of a window at most, for this
NEAR = (
    0.1  # seconds: of a capture with fewer pictures it cannot be said how they moved from one time to another
)
# Of a cell, or of an area, that must be seen: the bits of a cell are of all of it; how an area moves a quarter of it tells.
WHOLE, TELLING = 1 - 1e-6, 0.25 - 1e-6
FEW = 5  # pictures in which a box is refined
BITS = 256  # of a code

TURNED = tuple(Disguise(rotation=degrees) for degrees in (90, 270, 180))


@lru_cache(maxsize=1)
def _session() -> Any:
    """The network: "pictures" (n, 1, 64, 64) -> "projections" (n, 256) and "cells" (n, 8, 8, 16)."""
    return session(files("fingerprint") / "models" / "video-3.onnx")


def project(pictures: Pictures) -> tuple[Array, cells.Cells]:
    """The projections (n, 256) whose signs are the codes of pictures (n, h, w), and those of their cells."""
    parts = [
        _session().run(["projections", "cells"], {"pictures": normalised(pictures[i : i + BATCH])})
        for i in range(0, len(pictures), BATCH)
    ]
    none = np.zeros((0, cells.ACROSS, cells.ACROSS, cells.BITS), np.float32)
    return (
        np.concatenate([np.zeros((0, BITS), np.float32), *(projections for projections, _ in parts)]),
        np.concatenate([none, *(local for _, local in parts)]),
    )


def shots(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames in order, as shots of at most SHOT_FRAMES."""
    held: list[Frame] = []
    for frame in frames:
        if held and (len(held) == SHOT_FRAMES or is_cut(held[-1].luma, frame.luma)):
            yield held
            held = []
        held.append(frame)
    if held:
        yield held


def _prepared(frames: Iterable[Frame]) -> Iterator[tuple[Times, Pictures]]:
    """Shot by shot: times (n,), and pictures (n, h, w) without their bars."""
    for shot in shots(frames):
        pictures = np.stack([frame.luma for frame in shot])
        times = np.array([frame.time for frame in shot], np.float64)
        yield times, borders(pictures).of(pictures)


class VideoExtractor:
    """Pictures to codes: the time of each code is its picture's.

    rate       codes a second of a query
    tolerance  how far a copy's time scale may be from the assumed one: codes know nothing of speed
    """

    algorithm = "video/3"
    kind = "video"
    span = 1 / REFERENCE_RATE
    window = 60.0
    rate = QUERY_RATE
    tolerance = 0.25
    sparse = 0.24
    stages: tuple[int, ...] = (1, len(GRID) + len(TURNED) + MOST, len(GRID) + len(TURNED) + MOST)

    def reference(self, media: Media) -> Fingerprint:
        """A code every 250 ms at most."""
        return self.references(media)[0]

    def references(self, media: Media) -> tuple[Fingerprint, ...]:
        """A code every 250 ms at most, and the details of every two seconds."""
        codes, details = _Rows(self.algorithm, BITS // 8), Details()
        for times, pictures in _prepared(media.frames(REFERENCE_RATE)):
            small = resized(pictures)
            flat, (projections, parts) = weak(small), project(small)
            codes.add(times, pack(projections), flat)
            details.add(times, small, parts, flat)
        return codes.fingerprint(media.duration), details.fingerprint(media.duration)

    def queries(self, media: Media) -> Iterator[Query]:
        """A code every 125 ms at most, as seen and mirrored; then fewer of the frame turned and of parts of it."""
        held = Seen(media)
        yield held.query(PLAIN)
        yield held.query(Disguise(mirror=True))
        glance = held.glance(GLANCE, GLANCES)
        suggested = [Disguise(crop=inverted(box)) for box in outstanding(glance.pictures)]
        parts = [Disguise(crop=inverted(box)) for box in GRID]
        for mirror in (False, True):
            for disguise in (*suggested, *TURNED, *parts):
                yield glance.query(replace(disguise, mirror=mirror))

    def closer(self, media: Media, query: Query) -> Query:
        """As it is: a box must be refined before more of its codes tell more."""
        return query

    def query(self, media: Media, disguise: Disguise) -> Query:
        """A code every 125 ms at most with this disguise undone."""
        return Seen(media).query(disguise)

    def densest(self, media: Media, disguise: Disguise) -> Query:
        """The same."""
        return self.query(media, disguise)

    def refined(self, media: Media, disguises: Sequence[Disguise], fit: Callable[[Query], float]) -> Query:
        """The query whose box, near one of those assumed, ``fit`` finds best: the largest step is tried from all of them."""
        held = Seen(media)
        few = held.glance(GLANCE, FEW)

        def climb(disguise: Disguise, steps: Sequence[float]) -> tuple[float, Disguise]:
            start = inverted(disguise.crop) if disguise.crop else FULL
            value, box = climbed(start, lambda box: fit(few.query(_boxed(disguise, box))), steps)
            return value, _boxed(disguise, box)

        _, best = max((climb(one, CLIMB[:1]) for one in disguises), key=lambda climbed: climbed[0])
        return held.query(climb(best, CLIMB[1:])[1])


def _boxed(disguise: Disguise, box: Box) -> Disguise:
    """The same, the work's whole frame in the box."""
    return replace(disguise, crop=None if box == FULL else inverted(box))


class _Rows:
    """Rows of a fingerprint as they are made."""

    def __init__(self, algorithm: str, width: int) -> None:
        self._algorithm = algorithm
        self._times, self._flat = [np.zeros(0)], [np.zeros(0, np.bool_)]
        self._rows = [np.zeros((0, width), np.uint8)]

    def add(self, times: Times, rows: Codes, flat: NDArray[np.bool_]) -> None:
        self._times.append(times)
        self._rows.append(rows)
        self._flat.append(flat)

    def fingerprint(self, duration: float) -> Fingerprint:
        """All of them. Times are kept to the millisecond, as they are stored."""
        times = np.minimum(np.round(np.concatenate(self._times), 3), duration)
        return Fingerprint(
            self._algorithm, duration, times, np.concatenate(self._rows), np.concatenate(self._flat)
        )


class Seen:
    """The pictures of a capture without their bars, in memory, and the queries that they make."""

    def __init__(self, media: Media) -> None:
        self._media = media
        times, self.pictures = [np.zeros(0)], list[NDArray[np.uint8]]()
        for moments, pictures in _prepared(media.frames(QUERY_RATE)):
            times.append(moments)
            self.pictures += list(pictures)
        self.times = np.concatenate(times)

    def glance(self, spacing: float, most: int) -> "Seen":
        """A few of the pictures: at least ``spacing`` seconds apart, at most ``most`` of them."""
        spacing = max(spacing, (self.times[-1] - self.times[0]) / most) if len(self.times) else spacing
        slots = np.floor(self.times / spacing)
        rows = np.flatnonzero(np.diff(slots, prepend=-1.0) > 0)
        few = copy(self)
        few.times, few.pictures = self.times[rows], [self.pictures[row] for row in rows]
        return few

    def query(self, disguise: Disguise) -> Query:
        """The codes of the pictures with a disguise undone."""
        undone = shown(self.pictures, disguise)
        reliability, _ = project(undone)
        made = _Rows(VideoExtractor.algorithm, BITS // 8)
        made.add(self.times, pack(reliability), weak(undone))
        return Query(made.fingerprint(self._media.duration), reliability, disguise)

    def cells_at(self, times: Times, disguise: Disguise) -> tuple[cells.Cells, NDArray[np.bool_]]:
        """Projections of the cells of the pictures nearest to these times with the disguise undone, and which of them
        (ACROSS, ACROSS) are seen whole. There must be a picture.
        """
        undone = shown([self.pictures[row] for row in self._nearest(times)], disguise)
        return project(undone)[1], visible(disguise, cells.ACROSS) > WHOLE

    def moves_at(
        self, times: Times, spans: NDArray[np.float64], disguise: Disguise
    ) -> tuple[Array, NDArray[np.bool_]]:
        """How much each area (n, across, across) changes in each of the spans of seconds that end at these times, in grey
        levels, with the disguise undone; NaN where no picture is NEAR. And which areas are seen, at least as much of them
        as tells of them. There must be a picture.
        """
        before, after = self._nearest(times - spans), self._nearest(times)
        off = np.stack([self.times[before] - times + spans, self.times[after] - times])
        near = np.abs(off).max(0) <= NEAR
        # Each pair of pictures once: many lines meet the same ones.
        pairs, places = np.unique(before[near] * len(self.times) + after[near], return_inverse=True)
        rows, ends = np.unique(np.divmod(pairs, len(self.times)), return_inverse=True)
        # What is not seen does not change.
        undone = shown([self.pictures[row] for row in rows], disguise, unseen=0)[ends.reshape(2, -1)]
        changed = np.full((len(times), moves.ACROSS, moves.ACROSS), np.nan, np.float32)
        shares = visible(disguise, moves.ACROSS)
        changed[near] = moves.changes(*undone)[places] / np.maximum(shares, TELLING)
        return changed, shares >= TELLING

    def _nearest(self, times: Times) -> NDArray[np.int64]:
        return np.searchsorted((self.times[1:] + self.times[:-1]) / 2, times)
