"""What happens to a picture between a master and a capture, for training pairs.

Pure functions of (picture, random generator); pictures are luma, (height, width) uint8, some 160 wide. Ranges
are broad and continuous on purpose: the codes must hold under what nobody listed here. Mirroring is not among
them: it is undone on the query's side.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Random = np.random.Generator
Step = Callable[[Picture, Random], Picture]

LETTERS = "ABCDEHKLMNORSTUWXaeoinrst 0123"


def _clipped(values: NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def crop(picture: Picture, rng: Random) -> Picture:
    """Up to 45 % of each side gone, anywhere."""
    height, width = picture.shape
    down, across = rng.uniform(0, 0.45), rng.uniform(0, 0.45)
    top, left = rng.uniform(0, down), rng.uniform(0, across)
    rows = slice(int(top * height), int((1 - down + top) * height))
    columns = slice(int(left * width), int((1 - across + left) * width))
    return np.ascontiguousarray(picture[rows, columns])


def perspective(picture: Picture, rng: Random) -> Picture:
    """Filmed from the side: the corners wander by up to 8 %."""
    height, width = picture.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-0.08, 0.08, (4, 2)).astype(np.float32) * corners[2]
    matrix = cv2.getPerspectiveTransform(corners, moved)
    edge = int(rng.integers(0, 80))
    return np.asarray(cv2.warpPerspective(picture, matrix, (width, height), borderValue=edge), np.uint8)


def rotate(picture: Picture, rng: Random) -> Picture:
    """Up to 10 degrees, half of the time enlarged to hide the corners."""
    height, width = picture.shape
    zoom = 1.0 if rng.random() < 0.5 else rng.uniform(1.05, 1.3)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-10, 10), zoom)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height)), np.uint8)


def tone(picture: Picture, rng: Random) -> Picture:
    """Gamma, contrast and brightness."""
    curved = 255 * (picture / 255.0) ** rng.uniform(0.45, 2.2)
    return _clipped(curved * rng.uniform(0.5, 1.4) + rng.uniform(-40, 40))


def vignette(picture: Picture, rng: Random) -> Picture:
    """Uneven light: a screen filmed, one side darker."""
    height, width = picture.shape
    light = cv2.resize(rng.uniform(0.45, 1.15, (2, 3)).astype(np.float32), (width, height))
    return _clipped(picture * light)


def blocks(picture: Picture, rng: Random) -> Picture:
    """Logos, captions and stickers: boxes or discs of one tone, some with strokes like writing."""
    height, width = picture.shape
    picture = picture.copy()
    for _ in range(rng.integers(1, 4)):
        w, h = max(3, int(width * rng.uniform(0.08, 0.5))), max(3, int(height * rng.uniform(0.04, 0.2)))
        x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
        shape = rng.random()
        if shape < 0.35:
            picture[y : y + h, x : x + w] = rng.integers(0, 256)
        elif shape < 0.55:
            picture[y : y + h, x : x + w] //= 3
        elif shape < 0.7:
            cv2.ellipse(picture, ((x + w / 2, y + h / 2), (w, 1.5 * h), 0), int(rng.integers(0, 256)), -1)
        if rng.random() < 0.6:
            text = "".join(rng.choice(list(LETTERS)) for _ in range(int(rng.integers(3, 18))))
            shade = int(rng.integers(0, 256))
            cv2.putText(picture, text, (x, y + h), cv2.FONT_HERSHEY_SIMPLEX, h / 30, shade, 1)
    return picture


def border(picture: Picture, rng: Random) -> Picture:
    """Bars that were not found and taken off, at two sides or one."""
    height, width = picture.shape
    sides = rng.uniform(0, 0.16, 4) * (rng.random(4) < 0.5) * np.array([height, height, width, width])
    value = int(rng.integers(0, 40)) if rng.random() < 0.8 else int(rng.integers(0, 256))
    top, bottom, left, right = (int(side) for side in sides)
    framed = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value)
    return np.asarray(framed, np.uint8)


def soften(picture: Picture, rng: Random) -> Picture:
    """Out of focus, or made small and large again."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 3)), np.uint8)
    height, width = picture.shape
    part = rng.uniform(0.2, 0.7)
    size = (max(8, int(width * part)), max(8, int(height * part)))
    shrunk = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (width, height)), np.uint8)


def grain(picture: Picture, rng: Random) -> Picture:
    """Sensor noise."""
    return _clipped(picture + rng.normal(0, rng.uniform(2, 22), picture.shape))


def stripes(picture: Picture, rng: Random) -> Picture:
    """The beat of a screen's lines with a camera's."""
    height, width = picture.shape
    y, x = np.mgrid[0:height, 0:width]
    wave = np.sin((x * rng.uniform(-0.3, 0.3) + y * rng.uniform(0.1, 0.8)) + rng.uniform(0, 6))
    return _clipped(picture + rng.uniform(3, 18) * wave)


def squeeze(picture: Picture, rng: Random) -> Picture:
    """JPEG at a low quality stands for any codec at a low rate."""
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(4, 45))])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def inset(picture: Picture, other: Picture, rng: Random) -> Picture:
    """Shown inside something else: another picture, its own blur, or a window with bars and buttons."""
    height, width = picture.shape
    kind, size = rng.integers(3), rng.uniform(0.45, 0.95)
    if kind == 0:
        ground = cv2.resize(other, (width, height))
    elif kind == 1:
        height, width = int(height * rng.uniform(1.2, 2.4)), width
        ground = cv2.GaussianBlur(cv2.resize(picture, (width, height)), (0, 0), 8)
        top = (height - picture.shape[0]) // 2
        ground[top : top + picture.shape[0]] = picture
        return np.asarray(ground, np.uint8)
    else:
        ground = blocks(np.full((height, width), rng.integers(0, 256), np.uint8), rng)
    w, h = int(width * size), int(height * size)
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    ground[y : y + h, x : x + w] = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA)
    return np.asarray(ground, np.uint8)


def surrounded(picture: Picture, other: Picture, rng: Random) -> Picture:
    """Strips of something else on the sides: what a box leaves that was not drawn exactly."""
    height, width = picture.shape
    sides = rng.uniform(0, 0.12, 4) * (rng.random(4) < 0.6) * np.array([height, height, width, width])
    top, bottom, left, right = (int(side) for side in sides)
    ground = cv2.resize(other, (width + left + right, height + top + bottom))
    ground[top : top + height, left : left + width] = picture
    return np.asarray(ground, np.uint8)


def banner(picture: Picture, rng: Random) -> Picture:
    """A strip across the whole picture, often written on: betting sites, subtitles in a box."""
    height = len(picture)
    picture = picture.copy()
    depth = max(3, int(height * rng.uniform(0.06, 0.25)))
    top = (0, height - depth, int(rng.integers(0, height - depth)))[rng.integers(3)]
    picture[top : top + depth] = rng.integers(0, 256)
    if rng.random() < 0.7:
        text = "".join(rng.choice(list(LETTERS)) for _ in range(int(rng.integers(8, 40))))
        shade, line = int(rng.integers(0, 256)), (2, top + depth * 3 // 4)
        cv2.putText(picture, text, line, cv2.FONT_HERSHEY_SIMPLEX, depth / 40, shade, 1)
    return picture


def put_back(picture: Picture, rng: Random) -> Picture:
    """A part of the picture about where it was cut from, its mean around it: how a query's side undoes a crop."""
    height, width = picture.shape
    h, w = int(height * rng.uniform(0.35, 0.9)), int(width * rng.uniform(0.35, 0.9))
    y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    part = picture[y : y + h, x : x + w]
    ground = np.full_like(picture, int(part.mean()))
    size = rng.uniform(0.94, 1.06)
    h, w = min(height, int(h * size)), min(width, int(w * size))
    y = int(np.clip(y + height * rng.uniform(-0.05, 0.05), 0, height - h))
    x = int(np.clip(x + width * rng.uniform(-0.05, 0.05), 0, width - w))
    ground[y : y + h, x : x + w] = cv2.resize(part, (w, h), interpolation=cv2.INTER_AREA)
    return ground


# In the order in which they happen on the way from a master to a capture, each with its probability.
_EDITS: tuple[tuple[Step, float], ...] = ((crop, 0.5), (blocks, 0.4), (banner, 0.12), (tone, 0.5))
_CAPTURE: tuple[tuple[Step, float], ...] = (
    (border, 0.25),
    (perspective, 0.3),
    (rotate, 0.15),
    (vignette, 0.25),
    (stripes, 0.1),
    (soften, 0.4),
    (grain, 0.3),
    (squeeze, 0.4),
)


def some(picture: Picture, steps: Sequence[tuple[Step, float]], rng: Random) -> Picture:
    """The steps, each with its probability, in their order."""
    for step, probability in steps:
        if rng.random() < probability:
            picture = step(picture, rng)
    return picture


def disguise(picture: Picture, other: Picture, rng: Random) -> Picture:
    """A random capture of the picture; ``other`` is what it may be shown inside of."""
    picture = some(picture, _EDITS, rng)
    shown = rng.random()
    if shown < 0.2:
        picture = inset(picture, other, rng)
    elif shown < 0.35:
        picture = surrounded(picture, other, rng)
    picture = some(picture, _CAPTURE, rng)
    return put_back(picture, rng) if rng.random() < 0.25 else picture
