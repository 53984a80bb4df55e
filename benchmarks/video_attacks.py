"""What is done to moving pictures to hide a copy: pure functions of (frame, time, random generator).

A frame is (height, width, 3) uint8 RGB, time its seconds in the excerpt. Each frame of an excerpt is given a
generator of the same seed, so what is drawn at random is the same for all. None of it was chosen by looking
at the codes.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Random = np.random.Generator
Change = Callable[[Picture, float, Random], Picture]


def _shown(values: NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _scaled(frame: Picture, width: int, height: int) -> Picture:
    return np.asarray(
        cv2.resize(frame, (max(2, width), max(2, height)), interpolation=cv2.INTER_AREA), np.uint8
    )


def plain(frame: Picture, _time: float, _rng: Random) -> Picture:
    """Nothing is done."""
    return frame


def small(frame: Picture, _time: float, _rng: Random) -> Picture:
    """240 lines."""
    height, width = frame.shape[:2]
    return _scaled(frame, round(width * 240 / height), 240)


def mirror(frame: Picture, _time: float, _rng: Random) -> Picture:
    """Left and right swapped."""
    return np.ascontiguousarray(frame[:, ::-1])


def letterbox(frame: Picture, _time: float, _rng: Random) -> Picture:
    """Black bars above and below, each a sixth of the picture's height."""
    bar = frame.shape[0] // 6
    return np.asarray(
        cv2.copyMakeBorder(frame, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0)), np.uint8
    )


def logo_and_caption(frame: Picture, time: float, _rng: Random) -> Picture:
    """A disc with letters in a corner, and a caption on a dark band that changes every two seconds."""
    height, width = frame.shape[:2]
    frame = frame.copy()
    radius = height // 12
    cv2.circle(frame, (width - 2 * radius, 2 * radius), radius, (230, 40, 40), -1)
    _write(frame, "TV", (width - 2 * radius - radius // 2, 2 * radius + radius // 3), radius / 30)
    frame[height * 84 // 100 : height * 96 // 100, width // 10 : width * 9 // 10] //= 4
    words = ("and then nobody", "came back home", "before the winter", "had really begun")
    _write(frame, words[int(time / 2) % 4], (width // 6, height * 93 // 100), height / 400)
    return frame


def _write(frame: Picture, text: str, place: tuple[int, int], size: float) -> None:
    cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), max(1, round(size * 2)))


def colour_and_gamma(frame: Picture, _time: float, rng: Random) -> Picture:
    """Gamma 0.6 to 1.6, each channel with its own gain, half of the saturation."""
    curved = 255 * (frame / 255.0) ** rng.uniform(0.6, 1.6) * rng.uniform(0.75, 1.2, 3)
    grey = curved.mean(axis=2, keepdims=True)
    return _shown(grey + 0.5 * (curved - grey))


def gamma(exponent: float) -> Change:
    """Darker in the middle for exponents above 1, brighter for those below."""
    curve = _shown(255 * np.linspace(0, 1, 256) ** exponent)
    return lambda frame, _time, _rng: np.asarray(cv2.LUT(frame, curve), np.uint8)


def grey(frame: Picture, _time: float, _rng: Random) -> Picture:
    """Black and white."""
    return np.asarray(np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2), np.uint8)


def hue(frame: Picture, _time: float, rng: Random) -> Picture:
    """All colours turned by a sixth to a half of the circle, and half as full again."""
    turned = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV).astype(np.float64)
    turned[..., 0] = (turned[..., 0] + rng.uniform(30, 90)) % 180  # OpenCV's circle has 180 steps
    turned[..., 1] = np.minimum(1.5 * turned[..., 1], 255)
    return np.asarray(cv2.cvtColor(_shown(turned), cv2.COLOR_HSV2RGB), np.uint8)


def stretched(scale: float) -> Change:
    """So many times as wide at the same height."""
    return lambda frame, _time, _rng: _scaled(frame, round(frame.shape[1] * scale), frame.shape[0])


def camcorder(frame: Picture, time: float, rng: Random) -> Picture:
    """Filmed from a screen: from an angle, unsteady, flickering, blurred, dark, with noise."""
    height, width = frame.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    reach = np.array([width, height], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    moved = corners + inwards * rng.uniform(0.01, 0.06, (4, 2)).astype(np.float32) * reach
    moved += 0.004 * reach * np.array([np.sin(2.3 * time), np.cos(1.7 * time)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    seen = cv2.warpPerspective(frame, matrix, (width, height), borderValue=(12, 12, 14))
    seen = cv2.GaussianBlur(seen, (0, 0), max(0.6, height / 300))
    light = 0.65 * (1 + 0.08 * np.sin(2 * np.pi * 3.1 * time))
    grain = np.random.default_rng(int(time * 1000)).normal(0, 5, frame.shape)
    return _shown(seen * light + grain)


def crop(part: float) -> Change:
    """So much of the width and of the height gone, half on either side."""

    def change(frame: Picture, _time: float, _rng: Random) -> Picture:
        height, width = frame.shape[:2]
        top, left = round(height * part / 2), round(width * part / 2)
        return np.ascontiguousarray(frame[top : height - top, left : width - left])

    return change


def picture_in_picture(frame: Picture, time: float, rng: Random) -> Picture:
    """Shown at 60 % of its size over a slowly moving pattern."""
    height, width = frame.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / height
    waves = [128 + 90 * np.sin(x * 9 + y * k + time * 0.7) for k in (3, 5, 8)]
    around = _shown(np.stack(waves, axis=2))
    inner = _scaled(frame, width * 6 // 10, height * 6 // 10)
    top = int(rng.uniform(0, height - inner.shape[0]))
    left = int(rng.uniform(0, width - inner.shape[1]))
    around[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return around


def crop_at_a_side(part: float) -> Change:
    """So much of the width and of the height gone, anywhere."""

    def change(frame: Picture, _time: float, rng: Random) -> Picture:
        height, width = frame.shape[:2]
        kept_height, kept_width = round(height * (1 - part)), round(width * (1 - part))
        top = int(rng.uniform(0, height - kept_height))
        left = int(rng.uniform(0, width - kept_width))
        return np.ascontiguousarray(frame[top : top + kept_height, left : left + kept_width])

    return change


def inset(part: float) -> Change:
    """Shown at a part of its size over a slowly moving pattern of soft colours."""

    def change(frame: Picture, time: float, rng: Random) -> Picture:
        height, width = frame.shape[:2]
        y, x = np.mgrid[0:height, 0:width] / height
        waves = [110 + 60 * np.sin(x * a + y * b + time * 0.5) for a, b in rng.uniform(2, 8, (3, 2))]
        around = _shown(np.stack(waves, axis=2))
        inner = _scaled(frame, round(width * part), round(height * part))
        top = int(rng.uniform(0, height - inner.shape[0]))
        left = int(rng.uniform(0, width - inner.shape[1]))
        around[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        return around

    return change


def upright(frame: Picture, _time: float, _rng: Random) -> Picture:
    """Re-cut for a telephone: the whole picture across a tall frame that its own blur fills."""
    height, width = frame.shape[:2]
    tall = max(width * 16 // 9, height * 5 // 4)  # what is upright already gets its bars all the same
    middle = np.ascontiguousarray(frame[:, width // 3 : width * 2 // 3])
    filled = cv2.GaussianBlur(_scaled(middle, width, tall), (0, 0), width / 30)
    top = (tall - height) // 2
    filled[top : top + height] = frame
    return np.asarray(filled, np.uint8)


def upright_cut(frame: Picture, time: float, rng: Random) -> Picture:
    """Re-cut for a telephone: a square of the picture, from anywhere across it, above and below its own blur."""
    height, width = frame.shape[:2]
    side = min(height, width)
    left = int(rng.uniform(0, width - side + 1e-9))
    return upright(np.ascontiguousarray(frame[:side, left : left + side]), time, rng)


def player(frame: Picture, _time: float, rng: Random) -> Picture:
    """A recording of a screen on which it plays in a window: title bar, controls, a list at the side."""
    height, width = frame.shape[:2]
    screen = np.full((height, width, 3), 238, np.uint8)
    screen[: height // 14] = (52, 58, 70)
    inner = _scaled(frame, width * 66 // 100, height * 66 // 100)
    top, left = height // 9, width // 30
    screen[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    for row in range(5):
        y = height // 9 + row * height // 7
        screen[y : y + height // 9, width * 74 // 100 : width * 97 // 100] = rng.integers(60, 200, 3)
        _write(screen, f"part {row + 1}", (width * 75 // 100, y + height // 16), height / 700)
    bar = top + inner.shape[0] + height // 40
    screen[bar : bar + height // 60, left : left + inner.shape[1] // 3] = (200, 40, 40)
    return screen


def quarter_turn(frame: Picture, _time: float, _rng: Random) -> Picture:
    """Lying on its side."""
    return np.ascontiguousarray(np.rot90(frame))


def stickers(frame: Picture, _time: float, rng: Random) -> Picture:
    """Discs of loud colours and a banner."""
    height, width = frame.shape[:2]
    frame = frame.copy()
    for _ in range(3):
        place = (int(rng.uniform(0.1, 0.9) * width), int(rng.uniform(0.2, 0.8) * height))
        cv2.circle(frame, place, height // 11, tuple(int(v) for v in rng.integers(0, 256, 3)), -1)
    frame[: height // 8] = rng.integers(0, 256, 3)
    _write(frame, "watch it all here", (width // 8, height // 11), height / 500)
    return frame


def banners(frame: Picture, time: float, _rng: Random) -> Picture:
    """A headline above and below it a line of news that runs through."""
    height, width = frame.shape[:2]
    frame = frame.copy()
    frame[: height * 12 // 100] = (190, 20, 30)
    _write(frame, "BREAKING", (width // 20, height * 9 // 100), height / 350)
    frame[height * 86 // 100 :] = (20, 30, 90)
    start = width - int(time * width / 4)
    _write(frame, "shares fall as rain sets in across the north", (start, height * 95 // 100), height / 450)
    return frame


def emoji(frame: Picture, time: float, rng: Random) -> Picture:
    """Yellow faces that rise, as reactions do."""
    height, width = frame.shape[:2]
    frame, radius = frame.copy(), height // 14
    for across, begin in rng.uniform(0.1, 0.9, (5, 2)):
        x, y = int(across * width), int(height * (1 - (begin + time / 3) % 1))
        cv2.circle(frame, (x, y), radius, (250, 200, 50), -1)
        for eye in (-1, 1):
            cv2.circle(frame, (x + eye * radius // 3, y - radius // 4), radius // 7, (40, 30, 20), -1)
        cv2.ellipse(frame, (x, y), (radius // 2, radius // 2), 0, 20, 160, (40, 30, 20), max(1, radius // 8))
    return frame


def chained(*changes: Change) -> Change:
    """One change after the other."""

    def change(frame: Picture, time: float, rng: Random) -> Picture:
        for one in changes:
            frame = one(frame, time, rng)
        return frame

    return change


def noise(frame: Picture, time: float, _rng: Random) -> Picture:
    """Grain with a standard deviation of 20 of 255."""
    return _shown(frame + np.random.default_rng(int(time * 1000)).normal(0, 20, frame.shape))


def blur(frame: Picture, _time: float, _rng: Random) -> Picture:
    """Out of focus: a Gaussian of a hundredth of the height."""
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), max(1.0, frame.shape[0] / 100)), np.uint8)


def rotate(degrees: float) -> Change:
    """Turned, with black corners."""

    def change(frame: Picture, _time: float, _rng: Random) -> Picture:
        height, width = frame.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        return np.asarray(cv2.warpAffine(frame, matrix, (width, height)), np.uint8)

    return change
