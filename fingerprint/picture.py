"""Small luma pictures, as pure functions of arrays: where a shot's bars are, and what the network is shown."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Array = NDArray[np.float32]

SIZE = 64  # rows and columns of what the network is shown
CONTRAST_FLOOR = (
    8.0  # grey levels added to a picture's deviation, so that noise in a flat one is not blown up
)


def resized(pictures: Pictures) -> Pictures:
    """Pictures (n, h, w), each squeezed to (SIZE, SIZE) by averaging areas."""
    small = np.empty((len(pictures), SIZE, SIZE), np.uint8)
    for picture, into in zip(pictures, small, strict=True):
        cv2.resize(np.ascontiguousarray(picture), (SIZE, SIZE), dst=into, interpolation=cv2.INTER_AREA)
    return small


def normalised(pictures: Pictures) -> Array:
    """What the network is shown of pictures (n, h, w): (n, 1, SIZE, SIZE), brightness and contrast taken out.

    x = (p - mean(p)) / (std(p) + CONTRAST_FLOOR)
    """
    flat = resized(pictures).reshape(len(pictures), SIZE * SIZE).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= flat.std(axis=1, keepdims=True) + np.float32(CONTRAST_FLOOR)
    return flat.reshape(-1, 1, SIZE, SIZE)
