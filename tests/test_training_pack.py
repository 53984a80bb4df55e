"""Needs OpenCV alone: what is packed is what is learned from."""

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.render import Writer, steps
from training.pack import WIDTH, pack_pictures
from training.shelf import shelf
from training.split import held_out


def noisy(seed: int) -> NDArray[np.uint8]:
    """A picture with shapes in it."""
    grain = np.random.default_rng(seed).integers(0, 256, (90, 160), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(grain, (0, 0), 4) * 4, np.uint8)


def clip(path: Path, seed: int) -> str:
    """A second of one picture; its name."""
    with Writer(path) as writer:
        stream = writer.picture_stream("libx264", 160, 90)
        writer.pictures(stream, [(t, np.dstack([noisy(seed)] * 3)) for t in steps(1.0)])
        writer.finish(stream)
    return path.name


def test_pictures_are_packed_by_source_and_clip_without_what_is_held_out(tmp_path: Path) -> None:
    learned = [name for name in map(str, range(40)) if not held_out("video", name)][:2]
    kept = next(name for name in map(str, range(40)) if held_out("video", name))
    sources = [learned[0], kept, learned[1], learned[0]]
    with (tmp_path / "MANIFEST.csv").open("w", newline="") as manifest:
        writer = csv.DictWriter(manifest, ["file", "kind", "repo", "width", "height"])
        writer.writeheader()
        for number, source in enumerate(sources):
            file = clip(tmp_path / f"{number}.mp4", number)
            writer.writerow({"file": file, "kind": "video", "repo": source, "width": 160, "height": 90})
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "one.jpg"), noisy(9))

    pack_pictures(tmp_path, tmp_path / "pack.npz")
    packed = shelf(tmp_path / "pack.npz")

    assert [len(source) for source in packed.sources] == [2, 1]
    assert {picture.shape for source in packed.sources for clip in source for picture in clip} == {
        (90, WIDTH)
    }
    assert [picture.shape for picture in packed.photos] == [(90, 160)]
