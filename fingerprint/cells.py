"""What a picture shows in each cell of a grid: bits of the network's own map, also where only a part of it is left."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes, unpack

ACROSS = 8  # cells of a row, and rows
BITS = 16  # of a cell, as the network makes them
KEPT = 10  # of these, as they are stored: each tells about as much, and how a picture moves tells more than the others
WIDTH = ACROSS * ACROSS * KEPT // 8  # bytes of a picture

Cells = NDArray[np.float32]  # (n, ACROSS, ACROSS, BITS or KEPT), rows first


def packed(projections: NDArray[np.floating[Any]]) -> Codes:
    """The signs of projections (n, ACROSS, ACROSS, BITS), as far as they are KEPT, as rows (n, WIDTH) uint8."""
    kept = projections[..., :KEPT] > 0
    return np.packbits(kept.reshape(len(kept), ACROSS**2 * KEPT), axis=1)


def signs(rows: Codes) -> Cells:
    """Packed rows as signs in {-1, +1}."""
    return unpack(rows).reshape(-1, ACROSS, ACROSS, KEPT)
