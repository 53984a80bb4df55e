"""Packs the pictures that the network learns from into one small file, for a machine that has an accelerator and no decoder.

    python -m training.pack MEDIA_FOLDER --out PACK.npz

They are kept as WebP: what is lost is far less than what training takes away. Clips that are held out are not packed.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerprint.media import open_media
from training.picture_disguises import Picture
from training.split import held_out

WIDTH = 160  # pixels of a picture's longer side while it is disguised
RATE = 3.0  # pictures a second taken of a clip
QUALITY = 80  # of WebP


def _rows(media: Path, kind: str) -> list[dict[str, str]]:
    """The titles that are not held out, in the order of the manifest."""
    with (media / "MANIFEST.csv").open(newline="") as manifest:
        rows = [row for row in csv.DictReader(manifest) if row["kind"] == kind]
    return [row for row in rows if not held_out(kind, row["repo"])]


def _small(picture: Picture) -> Picture:
    scale = WIDTH / max(picture.shape)
    size = (max(16, round(picture.shape[1] * scale)), max(16, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _clip(path: Path, row: dict[str, str]) -> list[Picture]:
    """The clip's pictures at their own proportions, but for flat ones."""
    with open_media(path) as media:
        frames = [frame.luma for frame in media.frames(RATE) if frame.luma.std() > 5]
    height = round(WIDTH * int(row["height"]) / int(row["width"])) if row["width"] else WIDTH * 9 // 16
    return [np.asarray(cv2.resize(luma, (WIDTH, max(48, min(height, 284)))), np.uint8) for luma in frames]


def _photo(path: Path) -> Picture:
    photo = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if photo is None:
        raise ValueError(f"{path} is no picture that OpenCV reads; take it out of the folder")
    return _small(np.asarray(photo, np.uint8))


def _encoded(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(
        cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1], np.uint8
    ).ravel()


def pack_pictures(media: Path, out: Path) -> None:
    """Writes encoded pictures on end, the end, clip and source of each (-1: a photograph)."""
    encoded, clips, sources, names = list[NDArray[np.uint8]](), list[int](), list[int](), list[str]()
    for number, row in enumerate(_rows(media, "video")):
        if row["repo"] not in names:
            names.append(row["repo"])
        pictures = _clip(media / row["file"], row)
        encoded += map(_encoded, pictures)
        clips += [number] * len(pictures)
        sources += [names.index(row["repo"])] * len(pictures)
    photos = [_encoded(_photo(path)) for path in sorted((media / "photos").glob("*.jpg"))]
    ends = np.cumsum([len(blob) for blob in (*encoded, *photos)])
    alone = np.full(len(photos), -1)
    np.savez(
        out,
        blobs=np.concatenate([*encoded, *photos]),
        ends=ends,
        clips=np.concatenate([np.array(clips, np.int64), alone]),
        sources=np.concatenate([np.array(sources, np.int64), alone]),
    )


def main() -> None:
    """Packs the pictures."""
    parser = argparse.ArgumentParser(description="Packs what the network learns from.")
    parser.add_argument("media", type=Path, help="folder with MANIFEST.csv and photos/")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    pack_pictures(arguments.media, arguments.out)


if __name__ == "__main__":
    main()
