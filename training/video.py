"""Trains the network behind the video codes: pictures in, 256 projections out, whose signs are the codes.

A picture and its disguised copy must agree and differ from all others of the batch (InfoNCE, van den Oord
2018, on the squashed projections, as SSCD does, Pizzi, CVPR 2022), and the bits must not repeat each other.
Batches hold several clips of one source and several pictures of one clip, so that what a series has in common
(a set, a page layout) does not make a code.

    python -m training.pack MEDIA_FOLDER --out PACK.npz
    python -m training.video PACK.npz --out fingerprint/models --device cuda --workers 14
"""

import argparse
import json
import multiprocessing
import time
from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from fingerprint.picture import normalised
from training.picture_disguises import Picture, disguise
from training.shelf import Shelf, shelf
from training.video_export import export

SEED = 20261124
BITS = 256
BATCH = 256
STEPS = 21_000
LEARNING_RATE = 3e-3
AVERAGED = 0.999  # of the mean over the latest weights, kept at each step: what is shipped
TEMPERATURE = 0.06
DECORRELATION = 25.0
ALIKE = 0.96  # correlation of two pictures, undisguised, above which they are not asked to differ
PHOTOS = 0.3  # of a batch
SERIES = 7  # clips of one source in a batch, at most: what they have in common must not make a code
BOTH = 0.15  # of the pairs in which the first picture is disguised too: masters are not always clean
REPORTED = 100  # steps
AHEAD = 3  # batches that each worker makes before they are asked for

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


def _batches(held: Shelf, steps: int, workers: int) -> Iterator[Batch]:
    """The batches in order, made ahead in other processes, which inherit the pictures."""
    global _shelf
    _shelf = held
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        ahead = deque(pool.apply_async(_work, (step,)) for step in range(min(steps, AHEAD * workers)))
        for step in range(len(ahead), steps + len(ahead)):
            yield ahead.popleft().get()
            if step < steps:
                ahead.append(pool.apply_async(_work, (step,)))


def loss(projections: Tensor, alike: Tensor) -> Tensor:
    """InfoNCE between the halves plus squared covariance of different bits; ``alike`` (n, n) are left out."""
    squashed = torch.tanh(projections)
    n = len(alike)
    similar = functional.normalize(squashed, dim=1)
    logits = similar @ similar.T / TEMPERATURE
    ignored = alike.repeat(2, 2)
    rows = torch.arange(n, device=projections.device)
    partner = torch.cat([rows + n, rows])
    ignored[torch.cat([rows, rows + n]), partner] = False
    logits = logits.masked_fill(ignored, -1e9)
    covariance = squashed.T @ squashed / len(squashed)
    apart = covariance - torch.diag(torch.diag(covariance))
    return functional.cross_entropy(logits, partner) + DECORRELATION * (apart**2).mean()


def train(held: Shelf, steps: int, device: str, workers: int) -> Network:
    """The network, trained; a line of progress every REPORTED steps.

    workers  processes that make batches, each of which depends on its number alone
    """
    torch.manual_seed(SEED)
    network: Network = Network().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    averaged = deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps, pct_start=0.05)
    begun, mean = time.monotonic(), torch.zeros((), device=device)
    for step, (first, second, alike) in enumerate(_batches(held, steps, workers), 1):
        pictures = torch.from_numpy(np.concatenate([first, second])).to(
            device, memory_format=torch.channels_last
        )
        with torch.autocast(device, torch.bfloat16):
            projections = network(pictures)
        value = loss(projections.float(), torch.from_numpy(alike).to(device))
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]  # torch types it so
        optimiser.step()
        schedule.step()
        follow(averaged, network, min(AVERAGED, 1 - 1 / step))
        mean += (value.detach() - mean) / min(step, REPORTED)
        if step % REPORTED == 0:
            elapsed = time.monotonic() - begun
            print(f"step {step} of {steps}, {elapsed:.0f} s, loss {float(mean):.3f}", flush=True)
    averaged.eval().cpu()
    return averaged


@torch.no_grad()
def follow(averaged: nn.Module, network: nn.Module, kept: float) -> None:
    """Moves the mean of the weights towards the latest ones."""
    for mean, latest in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(latest, 1 - kept)


def main() -> None:
    """Trains and writes video-3.onnx and its card."""
    parser = argparse.ArgumentParser(description="Trains the network behind the video codes.")
    parser.add_argument("pack", type=Path, help="file that training.pack wrote")
    parser.add_argument("--out", type=Path, default=Path("fingerprint/models"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--device", default="cpu", help="what PyTorch trains on: cpu or cuda")
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")
    arguments = parser.parse_args()
    held = shelf(arguments.pack)
    begun = time.monotonic()
    network = train(held, arguments.steps, arguments.device, arguments.workers)
    export(network, arguments.out / "video-3.onnx")
    card = {
        "algorithm": "video/3",
        "seed": SEED,
        "steps": arguments.steps,
        "batch": BATCH,
        "seconds": round(time.monotonic() - begun),
        "device": torch.cuda.get_device_name() if arguments.device == "cuda" else "cpu",
        "sources": len(held.sources),
        "clips": sum(map(len, held.sources)),
        "pictures": sum(len(clip) for source in held.sources for clip in source),
        "photographs": len(held.photos),
    }
    (arguments.out / "video-3.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
