"""Trains the network behind the audio codes: spectrogram in, 256 projections out, whose signs are the codes.

A patch and the same patch captured badly must agree and differ from all others (InfoNCE, van den Oord 2018; on sound, Chang,
ICASSP 2021): the captured one's squashed projections against the clean one's signs, for that is how they are compared. The
others are those of the batch and the clean ones of earlier batches (He, CVPR 2020), but for what sounds the same: loops.
The bits must not repeat each other.

    python -m training.audio MEDIA_FOLDER --out fingerprint/models
"""

import argparse
import csv
import json
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from fingerprint.media import open_media
from fingerprint.spectrum import BANDS, HOP, PATCH, SAMPLE_RATE, Array, band_powers, contrast, levelled
from training.audio_disguises import disguise
from training.audio_export import export
from training.split import held_out

SEED = 20261126
SLICE = 5 * SAMPLE_RATE  # samples heard at once
SLICES = 32  # a batch
PAIRS = 120  # pairs of frames kept of a slice
PLACES, SPACING = 6, 12  # codes taken of a slice, and pairs of frames (0.48 s) between them
PATCH_PAIRS = PATCH // 2
INSIDE = 0.55  # of a patch that must lie inside the capture
STEPS = 6000
LEARNING_RATE = 3e-3
TEMPERATURE = 0.07
DECORRELATION = 25.0
ALIKE = 0.6  # likeness of two clean patches from which they are not asked to differ
MEMORY = 4096  # clean codes of earlier batches
REPORTED = 100  # steps
AHEAD = 6  # batches made before they are asked for

Tensor = torch.Tensor
Random = np.random.Generator
Rows = NDArray[np.int64]


class Network(nn.Module):
    """Four convolutions that keep time and halve the bands; one over all bands; a linear layer over 20 steps of time."""

    BANDS = BANDS
    CHANNELS = (1, 24, 32, 64, 64)
    TOP = 128
    REACH = 20  # steps of time that are left of a patch
    BITS = 256

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for taken, given in zip(self.CHANNELS, self.CHANNELS[1:], strict=False):
            layers += [
                nn.Conv2d(taken, given, 3, (1, 2), (0, 1), bias=False),
                nn.BatchNorm2d(given),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers)
        stacked = self.CHANNELS[-1] * BANDS // 2 ** (len(self.CHANNELS) - 1)
        self.squeeze = nn.Sequential(
            nn.Conv1d(stacked, self.TOP, 5, bias=False), nn.BatchNorm1d(self.TOP), nn.ReLU()
        )
        self.head = nn.Linear(self.TOP * self.REACH, self.BITS, bias=False)
        self.balance = nn.BatchNorm1d(self.BITS, affine=False)

    def forward(self, bands: Tensor, places: Tensor) -> Tensor:
        """(n, pairs, BANDS) and (m, 2) rows of it and first pairs of patches -> (m, BITS)."""
        maps = self.features(bands[:, None])
        stacked = maps.permute(0, 1, 3, 2).flatten(1, 2)
        windows = self.squeeze(stacked).unfold(2, self.REACH, 1)
        chosen = windows[places[:, 0], :, places[:, 1]].flatten(1)
        return torch.as_tensor(self.balance(self.head(chosen).float()))


@dataclass(frozen=True)
class Batch:
    """Clean and captured slices, (SLICES, PAIRS, BANDS) each, and where patches of the same instants begin, (n, 2) each."""

    clean: Array
    captured: Array
    clean_places: Rows
    captured_places: Rows


def sounds(media: Path) -> list[Array]:
    """The sounds of all titles that are not held out, in the order of the manifest."""
    with (media / "MANIFEST.csv").open(newline="") as manifest:
        rows = [
            row
            for row in csv.DictReader(manifest)
            if row["kind"] == "audio" and not held_out(row["kind"], row["repo"])
        ]
    found = []
    for row in rows:
        with open_media(media / row["file"]) as opened:
            found.append(np.concatenate(list(opened.samples())))
    return [sound for sound in found if len(sound) > SLICE]


def _slice(found: list[Array], rng: Random) -> Array:
    """A stretch of a title; one that is heard, if one of twenty is."""
    weights = np.array([len(sound) for sound in found], float) ** 0.6
    for _ in range(20):
        sound = found[rng.choice(len(found), p=weights / weights.sum())]
        first = int(rng.integers(0, len(sound) - SLICE + 1))
        taken = sound[first : first + SLICE]
        if np.mean(taken**2) > 1e-6:
            break
    return taken


def _fitted(pairs: Array) -> Array:
    """The first PAIRS pairs, or all and zeros after them."""
    return np.pad(pairs[:PAIRS], ((0, max(0, PAIRS - len(pairs))), (0, 0)))


def _bitten(pairs: Array, rng: Random) -> Array:
    """A capture that begins late or ends early, or has a gap."""
    pairs = pairs.copy()
    if rng.random() < 0.25:
        edge = int(rng.integers(16, PAIRS - 16))
        pairs[slice(None, edge) if rng.random() < 0.5 else slice(edge, None)] = 0
    if rng.random() < 0.15:
        gap = int(rng.integers(2, 8))
        first = int(rng.integers(0, PAIRS - gap))
        pairs[first : first + gap] = 0
    return pairs


def _pair(clean: Array, others: list[Array], rng: Random) -> tuple[Array, Array, Rows, Rows]:
    """A slice, its capture, and where patches of the same instants begin in both, in pairs of frames.

    The capture is up to half a frame off, a third of a semitone and 4 % of tempo away.
    """
    captured = np.roll(disguise(clean, others, rng), int(rng.integers(-HOP // 2, HOP // 2 + 1)))
    scale = rng.uniform(0.975, 1.025) if rng.random() < 0.8 else rng.uniform(0.96, 1.04)
    shown = _fitted(levelled(contrast(band_powers(clean)[0])))
    heard = _fitted(levelled(contrast(band_powers(captured, (rng.uniform(-0.3, 0.3),), scale)[0])))
    middles = PATCH_PAIRS // 2 + 2 + rng.integers(0, 8) + SPACING * np.arange(PLACES)
    starts = middles - PATCH_PAIRS // 2
    moved = np.round(middles * scale).astype(np.int64) - PATCH_PAIRS // 2
    heard = _bitten(heard, rng)
    there = np.abs(heard).sum(1) > 0
    last = PAIRS - PATCH_PAIRS
    inside = [0 <= m <= last and there[m : m + PATCH_PAIRS].mean() >= INSIDE for m in moved]
    kept = np.array(inside) & (starts <= last)
    return shown, heard, starts[kept], moved[kept]


def batch(found: list[Array], step: int) -> Batch:
    """The slices of a step; they depend on its number alone."""
    rng = np.random.default_rng((SEED, step))
    clean, captured, starts, moved = zip(
        *(_pair(_slice(found, rng), [_slice(found, rng) for _ in range(3)], rng) for _ in range(SLICES)),
        strict=True,
    )
    rows = np.repeat(np.arange(SLICES), [len(places) for places in starts])
    return Batch(
        np.stack(clean),
        np.stack(captured),
        np.stack([rows, np.concatenate(starts)], 1),
        np.stack([rows, np.concatenate(moved)], 1),
    )


_sounds: list[Array]


def _work(step: int) -> Batch:
    return batch(_sounds, step)


def _batches(found: list[Array], steps: int) -> Iterator[Batch]:
    """The batches in order, made ahead in another process, which inherits the sounds."""
    global _sounds
    _sounds = found
    with multiprocessing.get_context("fork").Pool(1) as pool:
        ahead = [pool.apply_async(_work, (step,)) for step in range(min(AHEAD, steps))]
        for step in range(steps):
            yield ahead.pop(0).get()
            if step + AHEAD < steps:
                ahead.append(pool.apply_async(_work, (step + AHEAD,)))


def loss(clean: Tensor, captured: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """InfoNCE of captured patches against clean ones and ``memory`` (m, BITS), and back, plus the bits' covariance.

    Also gives the clean codes, for the memory. Signs have the gradient of what they are the signs of.
    """
    squashed = torch.tanh(torch.cat([clean, captured]))
    n = len(clean)
    queries = functional.normalize(squashed[n:])
    signs = torch.sign(squashed[:n]).detach() + squashed[:n] - squashed[:n].detach()
    codes = functional.normalize(signs)
    bank = torch.cat([codes, memory])
    with torch.no_grad():
        alike = functional.normalize(squashed[:n]) @ bank.T > ALIKE
        alike[torch.arange(n), torch.arange(n)] = False
    partner = torch.arange(n)
    there = (queries @ bank.T / TEMPERATURE).masked_fill(alike, -1e9)
    back = (codes @ queries.T / TEMPERATURE).masked_fill(alike[:, :n].T, -1e9)
    covariance = squashed.T @ squashed / len(squashed)
    apart = covariance - torch.diag(torch.diag(covariance))
    agreement = functional.cross_entropy(there, partner) + 0.5 * functional.cross_entropy(back, partner)
    return agreement + DECORRELATION * (apart**2).mean(), codes.detach()


def _step(network: Network, made: Batch, memory: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of a batch, and its clean codes."""
    count = len(made.clean)
    bands = torch.from_numpy(np.concatenate([made.clean, made.captured]))
    places = np.concatenate([made.clean_places, made.captured_places + np.array([count, 0])])
    with torch.autocast("cpu", torch.bfloat16):
        projections = network(bands, torch.from_numpy(places)).float()
    pairs = len(made.clean_places)
    return loss(projections[:pairs], projections[pairs:], memory)


def train(found: list[Array], steps: int) -> Network:
    """The trained network; a line of progress every REPORTED steps."""
    torch.manual_seed(SEED)
    network = Network()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps, pct_start=0.08)
    memory, begun, mean = torch.zeros(0, Network.BITS), time.monotonic(), 0.0
    for step, made in enumerate(_batches(found, steps), 1):
        value, codes = _step(network, made, memory)
        memory = torch.cat([codes, memory])[:MEMORY]
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]  # torch types it so
        optimiser.step()
        schedule.step()
        mean += (value.item() - mean) / min(step, REPORTED)
        if step % REPORTED == 0:
            print(f"step {step} of {steps}, {time.monotonic() - begun:.0f} s, loss {mean:.3f}", flush=True)
    network.eval()
    return network


def main() -> None:
    """Trains and writes audio-2.onnx and its card."""
    parser = argparse.ArgumentParser(description="Trains the network behind the audio codes.")
    parser.add_argument("media", type=Path, help="folder with MANIFEST.csv")
    parser.add_argument("--out", type=Path, default=Path("fingerprint/models"))
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = sounds(arguments.media)
    begun = time.monotonic()
    network = train(found, arguments.steps)
    export(network, arguments.out / "audio-2.onnx")
    card = {
        "algorithm": "audio/2",
        "seed": SEED,
        "steps": arguments.steps,
        "pairs_a_step": SLICES * PLACES,
        "seconds": round(time.monotonic() - begun),
        "titles": len(found),
        "hours": round(sum(map(len, found)) / SAMPLE_RATE / 3600, 2),
    }
    (arguments.out / "audio-2.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
