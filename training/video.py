"""Trains the network behind the video codes: pictures in, 256 projections out, whose signs are the codes.

A picture and its disguised copy must agree and differ from all others of the batch (InfoNCE, van den Oord
2018, on the squashed projections, as SSCD does, Pizzi, CVPR 2022), and the bits must not repeat each other.
Batches hold several clips of one source and several pictures of one clip, so that what a series has in common
(a set, a page layout) does not make a code.

    python -m training.video MEDIA_FOLDER --out fingerprint/models
    python -m training.video MEDIA_FOLDER --out fingerprint/models --resume WEIGHTS --first-step 4500 --steps 2500

The second line goes on from weights that an earlier run made, with batches which that run has not seen.
"""

import argparse
import csv
import json
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from fingerprint.media import open_media
from fingerprint.picture import normalised
from training.picture_disguises import Picture, disguise
from training.split import held_out
from training.video_export import export, restore

SEED = 20261124
WIDTH = 160  # pixels of a picture's longer side while it is disguised
RATE = 3.0  # pictures a second taken of a clip
BITS = 256
BATCH = 128
STEPS = 4500
LEARNING_RATE = 3e-3
RESUMED_RATE = 1.5e-3  # of a run that goes on from trained weights
TEMPERATURE = 0.06
DECORRELATION = 25.0
ALIKE = 0.96  # correlation of two pictures, undisguised, above which they are not asked to differ
PHOTOS = 0.3  # of a batch
SERIES = 7  # clips of one source in a batch, at most: what they have in common must not make a code
BOTH = 0.15  # of the pairs in which the first picture is disguised too: masters are not always clean
REPORTED = 100  # steps
AHEAD = 6  # batches made before they are asked for

Tensor = torch.Tensor
Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]


class Network(nn.Module):
    """Six convolutions; the cube mean over the whole map and over its quarters; one linear layer."""

    CHANNELS = (1, 24, 48, 96, 128, 192, 256)
    STRIDES = (2, 2, 1, 2, 1, 1)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for taken, given, stride in zip(self.CHANNELS, self.CHANNELS[1:], self.STRIDES, strict=False):
            layers += [nn.Conv2d(taken, given, 3, stride, 1, bias=False), nn.BatchNorm2d(given), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(5 * self.CHANNELS[-1], BITS, bias=False)
        self.balance = nn.BatchNorm1d(BITS, affine=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, 1, 64, 64) -> (n, BITS)."""
        cubes = self.features(pictures).float().clamp(min=1e-3) ** 3
        whole, quarters = cubes.mean((2, 3)), functional.avg_pool2d(cubes, 4).flatten(1)
        pooled = torch.cat([whole, quarters], 1) ** (1 / 3)
        return torch.as_tensor(self.balance(self.head(pooled)))


@dataclass(frozen=True)
class Shelf:
    """Pictures to train on: by source, by clip; and photographs, each a picture alone."""

    sources: list[list[list[Picture]]]
    photos: list[Picture]


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


def shelf(media: Path) -> Shelf:
    """All videos that are not held out, and all photographs."""
    with (media / "MANIFEST.csv").open(newline="") as manifest:
        videos = [row for row in csv.DictReader(manifest) if row["kind"] == "video"]
    rows = [row for row in videos if not held_out("video", row["repo"])]
    sources: dict[str, list[list[Picture]]] = {}
    for row in rows:
        clip = _clip(media / row["file"], row)
        if clip:
            sources.setdefault(row["repo"], []).append(clip)
    return Shelf(list(sources.values()), list(_photos(media / "photos")))


def _photos(folder: Path) -> Iterator[Picture]:
    for path in sorted(folder.glob("*.jpg")):
        photo = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if photo is None:
            raise ValueError(f"{path} is no picture that OpenCV reads; take it out of the folder")
        yield _small(np.asarray(photo, np.uint8))


def _chosen(shelf: Shelf, rng: np.random.Generator) -> list[Picture]:
    """The pictures of a batch: photographs, then clips, often several of one source."""
    photos = rng.choice(len(shelf.photos), int(BATCH * PHOTOS), replace=False)
    chosen = [shelf.photos[i] for i in photos]
    weights = np.array([len(source) for source in shelf.sources], float) ** 0.7
    while len(chosen) < BATCH:
        source = shelf.sources[rng.choice(len(shelf.sources), p=weights / weights.sum())]
        for i in rng.choice(len(source), min(len(source), int(rng.integers(1, SERIES + 1))), replace=False):
            clip = source[i]
            for at in rng.choice(len(clip), min(len(clip), int(rng.integers(1, 4))), replace=False):
                chosen.append(clip[at])
    return chosen[:BATCH]


def batch(shelf: Shelf, step: int) -> Batch:
    """A step's pictures, as they are and disguised, (BATCH, 1, 64, 64) each; which are too alike to part."""
    rng = np.random.default_rng((SEED, step))
    cv2.setNumThreads(1)
    clean, first, second = [], [], []
    chosen = _chosen(shelf, rng)
    for picture in chosen:
        if rng.random() < 0.5:
            picture = picture[:, ::-1].copy()
        other = chosen[rng.integers(len(chosen))]
        clean.append(normalised(picture[None]))
        first.append(normalised((disguise(picture, other, rng) if rng.random() < BOTH else picture)[None]))
        second.append(normalised(disguise(picture, other, rng)[None]))
    flat = np.concatenate(clean).reshape(len(clean), -1)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6
    return np.concatenate(first), np.concatenate(second), flat @ flat.T > ALIKE


_shelf: Shelf


def _work(step: int) -> Batch:
    return batch(_shelf, step)


def _batches(held: Shelf, steps: range) -> Iterator[Batch]:
    """The batches in order, made ahead in another process, which inherits the pictures."""
    global _shelf
    _shelf = held
    with multiprocessing.get_context("fork").Pool(1) as pool:
        ahead = [pool.apply_async(_work, (step,)) for step in steps[:AHEAD]]
        for step in steps:
            yield ahead.pop(0).get()
            if step + AHEAD in steps:
                ahead.append(pool.apply_async(_work, (step + AHEAD,)))


def loss(projections: Tensor, alike: Tensor) -> Tensor:
    """InfoNCE between the halves plus squared covariance of different bits; ``alike`` (n, n) are left out."""
    squashed = torch.tanh(projections)
    n = len(alike)
    similar = functional.normalize(squashed, dim=1)
    logits = similar @ similar.T / TEMPERATURE
    ignored = alike.repeat(2, 2)
    partner = torch.cat([torch.arange(n) + n, torch.arange(n)])
    ignored[torch.arange(2 * n), partner] = False
    logits = logits.masked_fill(ignored, -1e9)
    covariance = squashed.T @ squashed / len(squashed)
    apart = covariance - torch.diag(torch.diag(covariance))
    return functional.cross_entropy(logits, partner) + DECORRELATION * (apart**2).mean()


def resumed(path: Path, held: Shelf) -> Network:
    """A network with the weights of a model file, its norms set by the pictures of a batch."""
    network = Network()
    restore(network, path, torch.from_numpy(np.concatenate(batch(held, 0)[:2])))
    return network


def train(held: Shelf, network: Network, steps: range, rate: float = LEARNING_RATE) -> Network:
    """The network, trained; a line of progress every REPORTED steps.

    steps  numbers of the batches, each of which depends on its number alone
    rate   the highest learning rate of the cycle
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, len(steps), pct_start=0.05)
    begun, mean = time.monotonic(), 0.0
    for step, (first, second, alike) in enumerate(_batches(held, steps), 1):
        pictures = torch.from_numpy(np.concatenate([first, second])).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            projections = network(pictures)
        value = loss(projections.float(), torch.from_numpy(alike))
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]  # torch types it so
        optimiser.step()
        schedule.step()
        mean += (value.item() - mean) / min(step, REPORTED)
        if step % REPORTED == 0:
            print(
                f"step {step} of {len(steps)}, {time.monotonic() - begun:.0f} s, loss {mean:.3f}", flush=True
            )
    network.eval()
    return network


def main() -> None:
    """Trains and writes video-2.onnx and its card."""
    parser = argparse.ArgumentParser(description="Trains the network behind the video codes.")
    parser.add_argument("media", type=Path, help="folder with MANIFEST.csv and photos/")
    parser.add_argument("--out", type=Path, default=Path("fingerprint/models"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--resume", type=Path, help="weights to go on from")
    parser.add_argument("--first-step", type=int, default=0, help="number of the first batch")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    held = shelf(arguments.media)
    begun = time.monotonic()
    torch.manual_seed(SEED)
    network = resumed(arguments.resume, held) if arguments.resume else Network()
    steps = range(arguments.first_step, arguments.first_step + arguments.steps)
    train(held, network, steps, RESUMED_RATE if arguments.resume else LEARNING_RATE)
    export(network, arguments.out / "video-2.onnx")
    clips = sum(map(len, held.sources))
    card = {
        "algorithm": "video/2",
        "seed": SEED,
        "steps": [steps.start, steps.stop],
        "resumed_from": arguments.resume.name if arguments.resume else None,
        "batch": BATCH,
        "seconds": round(time.monotonic() - begun),
        "sources": len(held.sources),
        "clips": clips,
        "pictures": sum(len(clip) for source in held.sources for clip in source),
        "photographs": len(held.photos),
    }
    (arguments.out / "video-2.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
