"""How a picture moves: by how much each area of a grid changes from one stored picture to the next, in levels.

Another scene on the same set looks like it and moves otherwise; the same scene under other colours, in a corner of the
screen or cut, moves as it did. Levels are of the logarithm of the change, for what grows pale or blurred changes less in all
areas.
"""

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes
from fingerprint.picture import SIZE, Array, Pictures

ACROSS = 4  # areas of a row, and rows
BITS = 3  # of a level
# Mean change of an area, in grey levels, from which each level but the lowest begins.
LEVELS = 0.2 * 2.0 ** np.arange(2**BITS - 1)
STEP = 0.25  # seconds from one picture to the next
STEPS = 8  # of a row
WIDTH = STEPS * ACROSS**2 * BITS // 8  # bytes of a row

Levels = NDArray[np.uint8]  # (n, ACROSS, ACROSS)


def changes(before: Pictures, after: Pictures) -> Array:
    """Mean change in each area from pictures (n, SIZE, SIZE) to others, in grey levels: (n, ACROSS, ACROSS)."""
    side = SIZE // ACROSS
    off = np.abs(after.astype(np.int16) - before).reshape(-1, ACROSS, side, ACROSS, side)
    return np.asarray(off.mean((2, 4)), np.float32)


def levels(changed: Array) -> Levels:
    """The level of each change."""
    return np.digitize(changed, LEVELS).astype(np.uint8)


def packed(rows: NDArray[np.uint8]) -> Codes:
    """Levels (n, STEPS, ACROSS, ACROSS) as rows (n, WIDTH): bit by bit, for high bits of neighbours are mostly the same."""
    bits = rows.reshape(len(rows), STEPS, 1, ACROSS**2) >> np.arange(BITS, dtype=np.uint8)[:, None] & 1
    return np.packbits(bits.reshape(len(rows), STEPS * BITS * ACROSS**2), axis=1)


def unpacked(rows: Codes) -> NDArray[np.uint8]:
    """What was packed."""
    bits = np.unpackbits(rows, axis=1).reshape(len(rows), STEPS, BITS, ACROSS, ACROSS)
    return np.asarray((bits << np.arange(BITS, dtype=np.uint8)[:, None, None]).sum(2, dtype=np.uint8))
