"""Whether the pictures of a stretch are these very ones: their details are compared with what is stored, along its line.

What is in the picture lies where it lay: the likeness of each cell with its own stands out of that with its neighbours two
to four cells away, also where little more than a corner of the picture is left. A picture that is only like another as a
whole, as chance finds them, has its parts elsewhere. Of another scene on the same set this says nothing; but that moves
otherwise.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from fingerprint import details
from fingerprint.cells import ACROSS, KEPT, Cells
from fingerprint.fingerprint import Disguise, Fingerprint
from fingerprint.media import Clip
from fingerprint.video import Seen
from matching.by_moves import in_step, straightened
from matching.verify import Stretch

MOST = 16  # stored pictures of a stretch, spread over it, that are looked at
REACH = 0.13  # seconds of reference by which a stored picture may lie outside of the stretch: half of a code's span
FEWEST = 6  # cells seen, and overlaps of these with others, under which nothing can be said
# Of likeness, added to the deviation of what lies elsewhere: of few cells it may be small by chance.
STEADY = 0.03


def _away() -> NDArray[np.bool_]:
    """(shifts, cells, cells): pairs of cells that lie so many rows and columns apart, each shift of two to four."""
    places = np.array(list(product(range(ACROSS), repeat=2)))
    apart = places[None] - places[:, None]
    far = [shift for shift in product(range(-4, 5), repeat=2) if max(map(abs, shift)) >= 2]
    return np.stack([(apart == shift).all(2) for shift in far])


AWAY = _away()


class Shown:
    """What a capture shows of the details of references."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip

    @cached_property
    def _seen(self) -> Seen:
        return Seen(self._clip)

    def readings(self, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> tuple[float | None, ...]:
        """By how many deviations the likeness of each cell with its own exceeds that with others some way off, and how the
        pictures move together with the stored ones (-1 to 1). None of what there is too little of.
        """
        if not len(self._seen.times):
            return None, None
        return self._in_place(stored, aligned, disguise), in_step(self._seen, stored, aligned, disguise)

    def _in_place(self, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> float | None:
        scale, offset = aligned.time_scale, aligned.offset
        first, last = scale * aligned.query_start + offset, scale * aligned.query_end + offset
        inside = (stored.times >= first - REACH) & (stored.times <= last + REACH)
        rows = np.flatnonzero(inside & ~stored.weak)
        if not len(rows):
            return None
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST)).astype(np.int64)]
        capture, seen = self._seen.cells_at((stored.times[rows] - offset) / scale, disguise)
        return deviations(np.tanh(capture[..., :KEPT]), details.cells_of(stored.codes[rows]), seen.ravel())

    def straightened(
        self, stored: Fingerprint, aligned: Stretch, disguise: Disguise, speeds: Sequence[float]
    ) -> Stretch:
        """The stretch on the line on which its pictures move as the stored ones do."""
        if not len(self._seen.times):
            return aligned
        return straightened(self._seen, stored, aligned, disguise, speeds)


def deviations(capture: Cells, original: Cells, seen: NDArray[np.bool_]) -> float | None:
    """Of the likeness of cells (pictures, across, across, bits), of those seen, from that with others. None of too few."""
    likeness = np.einsum(
        "npb,nqb->pq", *(side.reshape(-1, ACROSS**2, KEPT) for side in (capture, original)), optimize=True
    )
    likeness /= np.abs(capture).sum() / ACROSS**2 + 1e-6
    pairs = AWAY & seen[:, None]
    counts = pairs.sum((1, 2))
    enough = counts >= FEWEST
    if seen.sum() < FEWEST or enough.sum() < FEWEST:
        return None
    elsewhere = (likeness * pairs).sum((1, 2))[enough] / counts[enough]
    there = likeness.diagonal()[seen].mean()
    return float((there - elsewhere.mean()) / (elsewhere.std() + STEADY))
