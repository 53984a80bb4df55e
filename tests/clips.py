"""Clips whose pictures are made up, and stretches on them."""

import cv2
import numpy as np

from fingerprint.clip import Clip, Frame
from fingerprint.fingerprint import Fingerprint
from fingerprint.video import QUERY_RATE, VideoExtractor
from matching.verify import Stretch

SECONDS = 12.0


def pictures(seed: int) -> list[np.ndarray]:
    """A camera that pans over a wall of patches, (128, 128) each, at QUERY_RATE."""
    wall = np.random.default_rng(seed).integers(0, 256, (12, 40), dtype=np.uint8)
    wide = cv2.resize(wall, (640, 192), interpolation=cv2.INTER_CUBIC)
    count = int(SECONDS * QUERY_RATE)
    return [np.ascontiguousarray(wide[20:148, 4 * i : 4 * i + 128]) for i in range(count)]


def clip_of(shown: list[np.ndarray]) -> Clip:
    frames = [Frame(round(i / QUERY_RATE, 3), picture) for i, picture in enumerate(shown)]
    return Clip("film.mp4", len(shown) / QUERY_RATE, frames=frames)


def film_clip(seed: int) -> Clip:
    return clip_of(pictures(seed))


def stored_of(seed: int) -> Fingerprint:
    return VideoExtractor().references(film_clip(seed))[1]


def line(offset: float, seconds: float) -> Stretch:
    ends = (False, False)
    return Stretch(1, 1.0, offset, 0.0, seconds, 9.0, 9.0, 0.8, ends, ends, 9.0)


def scene(seed: int, seconds: float = SECONDS) -> list[np.ndarray]:
    """The same set, on which a patch wanders as the seed says."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(np.random.default_rng(1).integers(0, 256, (12, 12), dtype=np.uint8), (128, 128))
    places = np.cumsum(rng.normal(0, 4, (int(seconds * QUERY_RATE), 2)), 0) % 100
    shown = [ground.copy() for _ in places]
    for picture, (x, y) in zip(shown, places.astype(int), strict=True):
        picture[y : y + 28, x : x + 28] = 250
    return shown
