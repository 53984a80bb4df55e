"""Picture cells "video-cells/1": what a picture shows in each cell of a grid, 16 bits of the network's own map for each.

The code of a picture bears with much, and so with a picture that is only like it. Its cells are not searched for: codes
find the line of a copy, and cells along it tell whether the pictures are these very ones, also where only a part is left.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes, Times, unpack

ALGORITHM = "video-cells/1"
ACROSS = 8  # cells of a row, and rows
BITS = 16  # of a cell
WIDTH = ACROSS * ACROSS * BITS // 8  # bytes of a picture
SPACING = 2.0  # seconds, of each of which the first picture is kept: 64 bytes a second

Cells = NDArray[np.float32]  # (n, ACROSS, ACROSS, BITS), rows first


def first_of_each(times: Times, before: float = -1.0) -> NDArray[np.int64]:
    """Which of these times are the first in their SPACING; ``before`` is the one that came before them."""
    slots = np.floor(times / SPACING)
    return np.flatnonzero(np.diff(slots, prepend=np.floor(before / SPACING)) > 0)


def packed(projections: NDArray[np.floating[Any]]) -> Codes:
    """The signs of projections (n, ACROSS, ACROSS, BITS) as rows (n, WIDTH) uint8."""
    return np.packbits(projections.reshape(len(projections), ACROSS**2 * BITS) > 0, axis=1)


def signs(rows: Codes) -> Cells:
    """Packed rows as signs in {-1, +1}."""
    return unpack(rows).reshape(-1, ACROSS, ACROSS, BITS)
