"""Where a work's whole frame lies in a capture's: inside, as picture in picture; or around it, when the capture is cropped.

A box is (left, top, width, height) as fractions of the capture's frame. What lies outside is unknown, and shown as flat.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Crop, Disguise
from fingerprint.picture import SIZE, Pictures

Box = Crop
Picture = NDArray[np.uint8]

FULL: Box = (0.0, 0.0, 1.0, 1.0)
MOST = 3  # boxes that the pictures themselves suggest
LEAST, LARGEST = 0.25, 0.92  # of a side: what is shown smaller is not found, what is larger needs no box
STILL = 0.12  # of the liveliest pixels' change, under which a pixel belongs to what surrounds a work
DULL = 0.35  # of the usual detail, under which a row belongs to a blurred fill
LIVELY = 0.1  # of a row that must change
MOST_SIDE = 3.5  # of the frame: what is cropped further is not found
CLIMB = (0.08, 0.04, 0.02)  # steps of refinement, as parts of the box
ROUNDS = 2  # of a step, at most
MOVES = (
    (1, 0, 1, 0),
    (0, 1, 0, 1),
    (-1, -1, 1, 1),
    (1, 0, 0, 0),
    (0, 1, 0, 0),
    (0, 0, 1, 0),
    (0, 0, 0, 1),
)  # of left, top, right, bottom
GAIN = 2e-3  # of similarity that a step must bring


def _places(size: float, count: int) -> list[float]:
    """``count`` places of a length within 1, from end to end."""
    return [float(place) for place in np.linspace(0, 1 - size, count)]


def _all_over(size: float, count: int) -> list[Box]:
    """Boxes of a size all over the frame."""
    return [(x, y, size, size) for y in _places(size, count) for x in _places(size, count)]


def inverted(box: Box) -> Box:
    """The frame, seen from the box: where its corners lie when the box is the unit square. Its own inverse."""
    left, top, width, height = box
    return -left / width, -top / height, 1 / width, 1 / height


def _grid() -> list[Box]:
    """Strips as of a re-cut with filled sides, smaller pictures all over the frame, crops, squares of a wide one upright."""
    boxes: list[Box] = []
    for size in (0.75, 0.56, 0.42, 0.32):
        boxes += [(0.0, (1 - size) / 2, 1.0, size), ((1 - size) / 2, 0.0, size, 1.0)]
    boxes += [*_all_over(0.75, 3), *_all_over(0.55, 3), *_all_over(0.42, 4)]
    crops = [*_all_over(0.8, 1), *_all_over(0.62, 3), *_all_over(0.45, 3)]
    for size in (0.5, 0.33):
        crops += [(x, 0.0, size, 1.0) for x in _places(size, 3)]
    square = 9 / 16
    crops += [(x, (1 - 1 / square) / 2, square, 1 / square) for x in _places(square, 3)]
    return boxes + [inverted(crop) for crop in crops]


GRID: tuple[Box, ...] = tuple(_grid())


def outstanding(pictures: Sequence[Picture]) -> list[Box]:
    """Boxes that the pictures (h, w) of a stretch suggest: the part that moves, the part that is sharp."""
    if len(pictures) < 2:
        return []
    stack = np.stack(
        [cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for picture in pictures]
    )
    change = np.abs(np.diff(stack.astype(np.float32), axis=0)).mean(0)
    moves = change > STILL * np.quantile(change, 0.98) + 1.0
    found = [_bounds(moves.mean(1) > LIVELY, moves.mean(0) > LIVELY)]
    across = np.abs(np.diff(stack.astype(np.float32), axis=2)).mean(0)
    down = np.abs(np.diff(stack.astype(np.float32), axis=1)).mean(0)
    detail = (across[1:] + down[:, 1:]) / 2
    everywhere = np.ones(len(detail), bool)
    found.append(_bounds(_sharp(detail.mean(1)), everywhere))
    found.append(_bounds(everywhere, _sharp(detail.mean(0))))
    return [box for box in found if box is not None][:MOST]


def _sharp(profile: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(profile > DULL * np.quantile(profile, 0.85))


def _bounds(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> Box | None:
    """The box from the first to the last of the rows and columns; None where it is too small, or nearly everything."""
    if not rows.any() or not columns.any():
        return None
    top, bottom = np.flatnonzero(rows)[[0, -1]] / len(rows)
    left, right = np.flatnonzero(columns)[[0, -1]] / len(columns)
    width, height = right - left + 1 / len(columns), bottom - top + 1 / len(rows)
    if min(width, height) < LEAST or min(width, height) > LARGEST:
        return None
    return float(left), float(top), float(width), float(height)


def shown(pictures: Sequence[Picture], disguise: Disguise, unseen: int | None = None) -> Pictures:
    """Pictures (h, w) with the disguise undone, (n, SIZE, SIZE): the box cut out or put back, turned and mirrored back.

    What lies outside of a picture has the level ``unseen``, or its mean.
    """
    box = inverted(disguise.crop) if disguise.crop else FULL
    undone = np.empty((len(pictures), SIZE, SIZE), np.uint8)
    for picture, into in zip(pictures, undone, strict=True):
        part = np.rot90(_cut(picture, box, unseen), disguise.rotation // 90)
        into[:] = part[:, ::-1] if disguise.mirror else part
    return undone


def visible(disguise: Disguise, across: int) -> NDArray[np.float64]:
    """How much of each cell, ``across`` by ``across``, of pictures with the disguise undone the capture shows, 0 to 1."""
    box = inverted(disguise.crop) if disguise.crop else FULL
    edges = np.linspace(0, 1, across + 1)
    columns, rows = (_inside(edges, box[axis], box[axis + 2]) for axis in (0, 1))
    turned = np.rot90(rows[:, None] * columns, disguise.rotation // 90)
    return turned[:, ::-1] if disguise.mirror else turned


def _inside(edges: NDArray[np.float64], start: float, length: float) -> NDArray[np.float64]:
    """Along one side of the box: how much of each of the cells between the edges is within the frame, 0 to 1."""
    first, last = (max(start, 0.0) - start) / length, (min(start + length, 1.0) - start) / length
    within = np.minimum(edges[1:], last) - np.maximum(edges[:-1], first)
    return np.asarray(np.maximum(within, 0.0) / np.diff(edges))


def _cut(picture: Picture, box: Box, unseen: int | None) -> Picture:
    """The box of a picture (h, w), squeezed to (SIZE, SIZE)."""
    rows, into_rows = _overlap(box[1], box[3], picture.shape[0])
    columns, into_columns = _overlap(box[0], box[2], picture.shape[1])
    part = np.ascontiguousarray(picture[rows, columns])
    size = (into_columns.stop - into_columns.start, into_rows.stop - into_rows.start)
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    if size == (SIZE, SIZE):
        return np.asarray(small, np.uint8)
    cut = np.full((SIZE, SIZE), round(cv2.mean(part)[0]) if unseen is None else unseen, np.uint8)
    cut[into_rows, into_columns] = small
    return cut


def _overlap(start: float, length: float, pixels: int) -> tuple[slice, slice]:
    """Along one side: the pixels of a picture that lie in the box, and the pixels of SIZE that they become."""
    first, last = max(start, 0.0), min(start + length, 1.0)
    taken = _pixels(first, last, pixels)
    return taken, _pixels((first - start) / length, (last - start) / length, SIZE)


def _pixels(first: float, last: float, pixels: int) -> slice:
    """The pixels between two fractions; two at least."""
    begin = min(round(first * pixels), pixels - 2)
    return slice(begin, max(begin + 2, round(last * pixels)))


def climbed(box: Box, fit: Callable[[Box], float], steps: Sequence[float] = CLIMB) -> tuple[float, Box]:
    """The box near the given one that fits best, and how well: shifted, enlarged, its edges moved, step by step (coordinate
    ascent).
    """
    best = fit(box)
    for step in steps:
        for _ in range(ROUNDS):
            before = box
            for move in MOVES:
                for sign in (step, -step):
                    moved = _moved(box, sign * np.array(move))
                    value = fit(moved) if moved is not None else -np.inf
                    if value > best + GAIN:
                        box, best = moved or box, value
                        break
            if box == before:
                break
    return best, box


def _moved(box: Box, by: NDArray[np.float64]) -> Box | None:
    """The box with its edges (left, top, right, bottom) moved by parts of its size; None where it leaves all bounds."""
    left, top, width, height = box
    x0, y0, x1, y1 = np.array([left, top, left + width, top + height]) + by * np.array([width, height] * 2)
    inside = min(x1, y1, 1) - max(x0, y0, 0) > 0 and min(x1 - x0, y1 - y0) >= LEAST
    return (
        (float(x0), float(y0), float(x1 - x0), float(y1 - y0))
        if inside and max(x1 - x0, y1 - y0) < MOST_SIDE
        else None
    )
