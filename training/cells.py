"""Adds to the network behind the video codes what it tells of each cell of a picture: an output "cells" of its fourth map.

The directions are those of Fisher's discriminant: cells of different pictures far apart, the same cell before and after a
disguise that leaves it in its place near. They are turned at random, so that each bit tells about as much.

    python -m training.cells PACK.npz
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import scipy.linalg
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fingerprint.cells import ACROSS, BITS
from fingerprint.picture import normalised
from training.picture_disguises import (
    Picture,
    Random,
    Step,
    banner,
    blocks,
    grain,
    soften,
    some,
    squeeze,
    stripes,
    tone,
    vignette,
)  # fmt: skip
from training.shelf import shelf

SEED = 20261126
MAP = "r9"  # the fourth convolution's, 8 by 8 by 128: each point sees 23 of 64 pixels
PICTURES = 6000  # at most, drawn by lot
EVERY = 3  # of a clip's pictures, which are much alike
KEPT = 0.25  # of the cells
NUDGE = 0.04  # of a side, by which corners wander: boxes are never drawn exactly
RIDGE = 1e-3  # of the mean variance within: keeps it invertible
TOGETHER = 64  # pictures shown to the network at once
MODEL = Path("fingerprint/models/video-3.onnx")
# What leaves the cells where they are, in the order in which it happens, each with its probability.
IN_PLACE: tuple[tuple[Step, float], ...] = (
    (blocks, 0.4),
    (banner, 0.12),
    (tone, 0.5),
    (vignette, 0.25),
    (stripes, 0.1),
    (soften, 0.4),
    (grain, 0.3),
    (squeeze, 0.5),
)

Array = NDArray[np.float32]


def nudged(picture: Picture, rng: Random) -> Picture:
    """Moved, turned and stretched a little."""
    height, width = picture.shape
    corners = np.array([[0, 0], [width, 0], [width, height]], np.float32)
    moved = corners + rng.uniform(-NUDGE, NUDGE, (3, 2)).astype(np.float32) * corners[2]
    matrix = cv2.getAffineTransform(corners, moved.astype(np.float32))
    return np.asarray(
        cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def pairs(pictures: list[Picture], session: Any, rng: Random) -> tuple[Array, Array]:
    """Of some cells of pictures, as they are and disguised: (n, channels) each."""
    clean, disguised = list[Array](), list[Array]()
    for start in range(0, len(pictures), TOGETHER):
        part = pictures[start : start + TOGETHER]
        copies = [some(nudged(picture, rng), IN_PLACE, rng) for picture in part]
        before, after = (_map(session, shown) for shown in (part, copies))
        taken = rng.random(before.shape[:3]) < KEPT
        clean.append(before[taken])
        disguised.append(after[taken])
    return np.concatenate(clean), np.concatenate(disguised)


def _map(session: Any, pictures: list[Picture]) -> Array:
    """The network's map, (n, ACROSS, ACROSS, channels)."""
    inputs = np.concatenate([normalised(picture[None]) for picture in pictures])
    return np.asarray(session.run([MAP], {"pictures": inputs})[0].transpose(0, 2, 3, 1))


def discriminant(clean: Array, disguised: Array, bits: int, rng: Random) -> tuple[Array, Array]:
    """Weights (channels, bits) and offset (bits,) of projections of clean cells with mean 0 and variance 1."""
    within = (disguised - clean).T @ (disguised - clean) / len(clean)
    ridge = RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    _, vectors = scipy.linalg.eigh(np.cov(clean.T), within + ridge)
    directions = vectors[:, ::-1][:, :bits]
    directions = directions / (clean @ directions).std(0)
    turned = directions @ np.linalg.qr(rng.standard_normal((bits, bits)))[0]
    return turned.astype(np.float32), np.asarray(-clean.mean(0) @ turned, np.float32)


def with_map(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that gives the map too, and no cells."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _without_cells(copy)
    copy.graph.output.append(helper.make_tensor_value_info(MAP, TensorProto.FLOAT, None))
    return copy


def add_cells(model: onnx.ModelProto, weights: Array, offset: Array) -> None:
    """Makes the model give "cells" (n, ACROSS, ACROSS, bits): the map, projected point by point."""
    _without_cells(model)
    graph, bits = model.graph, weights.shape[1]
    graph.initializer.append(numpy_helper.from_array(weights.T[:, :, None, None].copy(), "cell_weights"))
    graph.initializer.append(numpy_helper.from_array(offset, "cell_offset"))
    graph.node.append(helper.make_node("Conv", [MAP, "cell_weights", "cell_offset"], ["cell_planes"]))
    graph.node.append(helper.make_node("Transpose", ["cell_planes"], ["cells"], perm=[0, 2, 3, 1]))
    graph.output.append(
        helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["n", ACROSS, ACROSS, bits])
    )
    onnx.checker.check_model(model)


def _without_cells(model: onnx.ModelProto) -> None:
    for held in (model.graph.initializer, model.graph.node, model.graph.output):
        kept = [one for one in held if not _name(one).startswith("cell")]
        del held[:]
        held.extend(kept)


def _name(one: Any) -> str:
    return str(one.output[0]) if isinstance(one, onnx.NodeProto) else str(one.name)


def main() -> None:
    """Adds the cells to video-3.onnx and tells of them in its card."""
    import onnxruntime

    parser = argparse.ArgumentParser(description="Adds cells to the network behind the video codes.")
    parser.add_argument("pack", type=Path, help="file that training.pack wrote")
    parser.add_argument("--model", type=Path, default=MODEL)
    arguments = parser.parse_args()
    held, rng = shelf(arguments.pack), np.random.default_rng(SEED)
    cv2.setNumThreads(1)
    pool = [picture for source in held.sources for clip in source for picture in clip[::EVERY]] + held.photos
    drawn = [pool[i] for i in rng.permutation(len(pool))[:PICTURES]]
    model = onnx.load(arguments.model)
    session = onnxruntime.InferenceSession(with_map(model).SerializeToString())
    clean, disguised = pairs(drawn, session, rng)
    weights, offset = discriminant(clean, disguised, BITS, rng)
    add_cells(model, weights, offset)
    arguments.model.write_bytes(model.SerializeToString())
    kept = float((((clean @ weights + offset) > 0) == ((disguised @ weights + offset) > 0)).mean())
    card = arguments.model.with_suffix(".json")
    told = json.loads(card.read_text())
    told["cells"] = {
        "seed": SEED,
        "pictures": len(drawn),
        "pairs": len(clean),
        "bits_kept": round(kept, 4),
    }
    card.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
