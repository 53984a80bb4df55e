"""Picture details "video-details/1": of every two seconds, the cells of the first picture and how all of them move.

The code of a picture bears with much, and so with a picture that is only like it. Details are not searched for: codes find
the line of a copy, and details along it tell whether the pictures are these very ones.
"""

import numpy as np
from numpy.typing import NDArray

from fingerprint import cells, moves
from fingerprint.fingerprint import Codes, Fingerprint, Times
from fingerprint.picture import Array, Pictures

ALGORITHM = "video-details/1"
SPACING = moves.STEPS * moves.STEP  # seconds of a row
WIDTH = cells.WIDTH + moves.WIDTH  # bytes of a row: 64 a second


class Details:
    """The details of pictures, as these come."""

    def __init__(self) -> None:
        self._before: Pictures | None = None
        self._times: list[float] = []
        self._cells, self._weak = list[Codes](), list[NDArray[np.bool_]]()
        self._moves: list[NDArray[np.uint8]] = []

    def add(self, times: Times, small: Pictures, local: cells.Cells, flat: NDArray[np.bool_]) -> None:
        """Pictures (n, SIZE, SIZE) at these times, the projections of their cells, and which of them are weak."""
        before = small[:1] if self._before is None else self._before
        moved = moves.levels(moves.changes(np.concatenate([before, small[:-1]]), small))
        self._before = small[-1:]
        for i, time in enumerate(times):
            if not self._times or time // SPACING > self._times[-1] // SPACING:
                self._times.append(float(time))
                self._cells.append(cells.packed(local[i : i + 1]))
                self._weak.append(flat[i : i + 1])
                self._moves.append(np.zeros((moves.STEPS, moves.ACROSS, moves.ACROSS), np.uint8))
            step = round((time - self._times[-1]) / moves.STEP)
            if step < moves.STEPS:
                self._moves[-1][step] = moved[i]

    def fingerprint(self, duration: float) -> Fingerprint:
        """All of them. Times are kept to the millisecond, as they are stored."""
        if not self._times:
            return Fingerprint(
                ALGORITHM, duration, np.zeros(0), np.zeros((0, WIDTH), np.uint8), np.zeros(0, np.bool_)
            )
        rows = np.concatenate([np.concatenate(self._cells), moves.packed(np.stack(self._moves))], axis=1)
        times = np.minimum(np.round(self._times, 3), duration)
        return Fingerprint(ALGORITHM, duration, times, rows, np.concatenate(self._weak))


def cells_of(rows: Codes) -> cells.Cells:
    """The signs of the cells of each row: (n, across, across, bits)."""
    return cells.signs(rows[:, : cells.WIDTH])


def moves_of(stored: Fingerprint, first: float, last: float) -> tuple[Times, Array]:
    """The times of the pictures between two times, and the levels of how each moved: (n,), (n, across, across).

    One row of each SPACING counts, up to where the next begins: whoever hands in a fingerprint may have made up many.
    """
    begin, end = np.searchsorted(stored.times, [(first // SPACING - 1) * SPACING, last])
    slots, rows = np.unique(stored.times[begin:end] // SPACING, return_index=True)
    levels = moves.unpacked(stored.codes[begin + rows, cells.WIDTH :])
    times = stored.times[begin + rows, None] + moves.STEP * np.arange(moves.STEPS)
    inside = (times >= first) & (times <= last) & (times < (slots[:, None] + 1) * SPACING - 1e-3)
    return times[inside], levels[inside].astype(np.float32)
