"""What ``training.pack`` has packed, read again: needs no decoder of media."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.picture_disguises import Picture


@dataclass(frozen=True)
class Shelf:
    """Pictures to train on: by source, by clip; and photographs, each a picture alone."""

    sources: list[list[list[Picture]]]
    photos: list[Picture]


def shelf(pack: Path) -> Shelf:
    """The packed pictures."""
    with np.load(pack) as stored:
        blobs = np.split(stored["blobs"], stored["ends"][:-1])
        clips, sources = stored["clips"], stored["sources"]
    pictures = [np.asarray(cv2.imdecode(blob, cv2.IMREAD_GRAYSCALE), np.uint8) for blob in blobs]
    by_source: dict[int, dict[int, list[Picture]]] = {}
    for picture, clip, source in zip(pictures, clips, sources, strict=True):
        by_source.setdefault(int(source), {}).setdefault(int(clip), []).append(picture)
    photos = by_source.pop(-1, {}).get(-1, [])
    return Shelf([list(source.values()) for source in by_source.values()], photos)
