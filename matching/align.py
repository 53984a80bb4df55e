"""Hits -> lines: where hits agree on ``ref = time_scale * query + offset``, by vote (Hough, US3069654; Wang, ISMIR 2003)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.hits import Hits

STRETCH = (
    8.0  # seconds of query that vote together: a copy this long fills its bin, and little drift smears it
)
SCALE_STEP = 0.05  # of time scale, between those that are tried: 0.1 s of smear over half a stretch
BIN = 0.4  # seconds of offset that one bin takes
FOREMOST = 0.75  # of the most votes of a stretch of the query, from which a line has about as many
CERTAIN = 0.43  # of the bits: at this distance a hit is worth nothing


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate alignment around the query time ``middle`` (s): ``ref = time_scale * query + offset``."""

    ref_id: int
    time_scale: float
    offset: float
    middle: float
    votes: float


def lines(hits: Hits, bits: int, tolerance: float, most: int) -> list[Line]:
    """The ``most`` best supported lines of each stretch of the query, best first.

    Time scales within ``tolerance`` of the one that the hits' disguise assumes are tried.
    """
    weights = np.clip(CERTAIN * bits - hits.distances, 0, None)
    found: list[Line] = []
    for middle in _middles(hits.query_times):
        near = np.flatnonzero((np.abs(hits.query_times - middle) <= STRETCH / 2) & (weights > 0))
        if len(near):
            found += _stretch(hits, weights, near, middle, tolerance, most)
    return sorted(found, key=lambda line: -line.votes)


def time_scales(assumed: float, tolerance: float, step: float) -> NDArray[np.float64]:
    """Scales around ``assumed`` in steps of ``step``, up to ``tolerance`` away; both are fractions of it."""
    count = int(np.ceil(tolerance / step - 0.5))
    return np.asarray(assumed * (1 + step * np.arange(-count, count + 1)))


def _middles(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middles of stretches that overlap by half and cover the times; none of no times."""
    if not len(times):
        return np.zeros(0)
    first, last = float(times.min()), float(times.max())
    count = max(1, int(np.ceil(2 * (last - first) / STRETCH)) - 1)
    return np.asarray((first + last) / 2 + (np.arange(count) - (count - 1) / 2) * STRETCH / 2)


def _stretch(
    hits: Hits,
    weights: NDArray[np.float64],
    near: NDArray[np.int64],
    middle: float,
    tolerance: float,
    most: int,
) -> list[Line]:
    heaviest = [
        votes
        for scale in time_scales(hits.disguise.time_scale, tolerance, SCALE_STEP)
        for votes in _votes(hits, weights, near, middle, float(scale), most)
    ]
    ref_ids, scales, offsets, votes = (np.concatenate(column) for column in zip(*heaviest, strict=True))
    places = np.rint((offsets + scales * middle) / BIN).astype(np.int64)
    best: dict[tuple[int, int], int] = {}  # the row of the heaviest at each place
    heavy = votes.tolist()
    for row, place in enumerate(zip(ref_ids.tolist(), places.tolist(), strict=True)):
        if place not in best or heavy[row] > heavy[best[place]]:
            best[place] = row
    chosen = sorted(best.values(), key=lambda row: -heavy[row])[:most]
    return [Line(int(ref_ids[i]), float(scales[i]), float(offsets[i]), middle, heavy[i]) for i in chosen]


Votes = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _votes(
    hits: Hits, weights: NDArray[np.float64], near: NDArray[np.int64], middle: float, scale: float, most: int
) -> Iterator[Votes]:
    """The heaviest bins of (reference, reference time at the middle), as columns: reference, scale, offset, votes.

    Bins overlap by half so that none is cut in two.
    """
    at_middle = hits.ref_times[near] - scale * (hits.query_times[near] - middle)
    for phase in (0.0, 0.5):
        bins = np.floor(at_middle / BIN + phase).astype(np.int64)
        # Two columns in one number, for np.unique is far faster on one: 2**32 bins are 50 years.
        keys, inverse = np.unique(hits.ref_ids[near] * 2**32 + bins + 2**31, return_inverse=True)
        votes = np.bincount(inverse, weights[near])
        top = np.argsort(-votes, kind="stable")[:most]
        reference_time = ((keys[top] % 2**32) - 2**31 + 0.5 - phase) * BIN
        offsets = reference_time - scale * middle
        yield keys[top] // 2**32, np.full(len(top), scale), offsets, votes[top].astype(np.float64)


def likely(candidates: list[Line]) -> list[Line]:
    """The lines of each stretch of the query that have about as many votes as its best."""
    best: dict[float, float] = {}
    return [line for line in candidates if line.votes >= FOREMOST * best.setdefault(line.middle, line.votes)]


def foremost(candidates: list[Line]) -> list[Line]:
    """The best line of each reference in each stretch of the query that has about as many votes as the best of all there."""
    best: dict[float, float] = {}
    kept: dict[tuple[float, int], Line] = {}
    for line in candidates:  # best first
        if line.votes >= FOREMOST * best.setdefault(line.middle, line.votes):
            kept.setdefault((line.middle, line.ref_id), line)
    return list(kept.values())
