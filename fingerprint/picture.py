"""Small luma pictures, as pure functions of arrays: cuts, a shot's bars, and what the network is shown."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Array = NDArray[np.float32]

SIZE = 64  # rows and columns of what the network is shown
CONTRAST_FLOOR = 8.0  # grey levels added to a deviation, so that noise in a flat picture is not blown up

CUT = 28.0  # mean change, in grey levels, that one shot does not make between two pictures
FLAT_DEVIATION = 5.0  # grey levels; black, flat and fading pictures stay under it
FLAT_GRADIENT = 0.6  # grey levels a pixel, averaged; smooth gradients stay under it

BAR_NOISE = 14  # grey levels that compression moves a bar's pixels by
BAR_CONTENT = 26  # grey levels a pixel next to a bar must once differ from it by
BAR_SPECKS = 0.04  # of a bar's row that may differ all the same: a logo's corner, dust
BAR_MIN = 2  # rows
BAR_MAX = 0.45  # of a side
PAIRED_EDGE = 0.5  # of the first row inside that must differ from a bar with its like opposite
SINGLE_EDGE = 0.9  # likewise, for a bar on one side alone
NESTED = 3  # bars within bars within bars


class Box(NamedTuple):
    """The kept part of pictures: rows ``top:bottom``, columns ``left:right``."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, pictures: Pictures) -> Pictures:
        """That part of pictures (n, h, w), as a view."""
        return pictures[:, self.top : self.bottom, self.left : self.right]


class _Bar(NamedTuple):
    """Bar on one side: rows deep, its colour, and how much of the first row inside differs from it."""

    depth: int
    colour: float
    edge: float


def is_cut(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Whether two pictures (h, w) that follow each other change as one shot does not."""
    # Every fourth pixel tells as much of a cut as all do.
    return float(cv2.absdiff(before[::4, ::4], after[::4, ::4]).mean()) > CUT


def borders(frames: Pictures) -> Box:
    """Where the picture is within the frames (n, h, w) of one shot: without bars of any flat colour.

    A bar is flat and constant over the whole shot, and the picture begins at a straight edge. What is merely
    dark or empty ends raggedly and is kept.
    """
    low, high = frames.min(axis=0).astype(np.int16), frames.max(axis=0).astype(np.int16)
    box = Box(0, frames.shape[1], 0, frames.shape[2])
    for _ in range(NESTED):
        inside = (slice(box.top, box.bottom), slice(box.left, box.right))
        top, bottom = _bars(low[inside], high[inside])
        left, right = _bars(low[inside].T, high[inside].T)
        if not top + bottom + left + right:
            break
        box = Box(box.top + top, box.bottom - bottom, box.left + left, box.right - right)
    return box


def _bars(low: NDArray[np.int16], high: NDArray[np.int16]) -> tuple[int, int]:
    """Rows of bar at the top and bottom of what lies between ``low`` and ``high`` (h, w) over a shot."""
    first, last = _bar(low, high), _bar(low[::-1], high[::-1])
    alike = abs(first.depth - last.depth) <= 2 and abs(first.colour - last.colour) <= BAR_NOISE
    if alike and min(first.depth, last.depth) >= BAR_MIN and max(first.edge, last.edge) >= PAIRED_EDGE:
        return first.depth, last.depth
    return _single(first), _single(last)


def _single(bar: _Bar) -> int:
    return bar.depth if bar.edge >= SINGLE_EDGE and bar.depth >= BAR_MIN else 0


def _bar(low: NDArray[np.int16], high: NDArray[np.int16]) -> _Bar:
    """The bar at the top; depth 0 where there is none."""
    rows = len(low)
    colour = float(np.median(low[0] + high[0])) / 2
    off = np.maximum(high - colour, colour - low)  # grey levels that each pixel ever was from the colour
    content = np.flatnonzero((off > BAR_NOISE).mean(axis=1) > BAR_SPECKS)
    depth = int(content[0]) if len(content) else rows
    if not 0 < depth <= BAR_MAX * rows:
        return _Bar(0, colour, 0.0)
    # An edge that falls within a row leaves it mixed: the row after it shows the picture pure.
    edge = (off[depth : depth + 2] > BAR_CONTENT).mean(axis=1)
    mixed = np.median(off[depth]) < 0.7 * np.median(off[depth + 1])
    return _Bar(depth + int(mixed), colour, float(edge.max()))


def weak(pictures: Pictures) -> NDArray[np.bool_]:
    """Which pictures (n, h, w) hold too little to prove a match: black, flat, smooth. (n,) bool."""
    deviation = np.array([cv2.meanStdDev(picture)[1].item() for picture in pictures])
    gradient = np.array([_gradient(picture) for picture in pictures])
    return np.asarray((deviation < FLAT_DEVIATION) | (gradient < FLAT_GRADIENT))


def _gradient(picture: NDArray[np.uint8]) -> float:
    """Mean change from a pixel to the next, across and down."""
    across = cv2.absdiff(picture[:, 1:], picture[:, :-1]).mean()
    down = cv2.absdiff(picture[1:], picture[:-1]).mean()
    return float(across + down) / 2


def resized(pictures: Pictures) -> Pictures:
    """Pictures (n, h, w), each squeezed to (SIZE, SIZE) by averaging areas."""
    small = np.empty((len(pictures), SIZE, SIZE), np.uint8)
    for picture, into in zip(pictures, small, strict=True):
        cv2.resize(np.ascontiguousarray(picture), (SIZE, SIZE), dst=into, interpolation=cv2.INTER_AREA)
    return small


def normalised(pictures: Pictures) -> Array:
    """What the network is shown of pictures (n, h, w): (n, 1, SIZE, SIZE), brightness and contrast removed.

    x = (p - mean(p)) / (std(p) + CONTRAST_FLOOR)
    """
    flat = resized(pictures).reshape(len(pictures), SIZE * SIZE).astype(np.float32)
    # Both sums are exact, so that a mirrored picture gives the mirrored result to the last bit.
    flat -= flat.mean(axis=1, keepdims=True)
    squares = np.einsum("ij,ij->i", flat, flat, dtype=np.float64)
    flat /= (np.sqrt(squares / (SIZE * SIZE)) + CONTRAST_FLOOR).astype(np.float32)[:, None]
    return flat.reshape(-1, 1, SIZE, SIZE)
