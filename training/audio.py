"""Learns the audio codes: a linear map of spectrogram patches whose signs stay when the sound is disguised.

Pairs of a clean patch and the same patch captured badly give the covariance within a sound; all patches give the total one.
The 512 directions with the largest ratio of the two (Fisher's discriminant on the leading principal components) are whitened
and turned by iterative quantisation (Gong and Lazebnik, CVPR 2011) so that their signs lose least.

    python -m training.audio MEDIA_FOLDER --out fingerprint/models
"""

import argparse
import csv
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from fingerprint.media import open_media
from fingerprint.spectrum import HOP, PATCH, PATCH_SIZE, SAMPLE_RATE, band_powers, contrast, patches
from training.audio_disguises import disguise
from training.split import held_out

SEED = 20261124
SLICE = 12 * SAMPLE_RATE
ROUNDS = 2  # disguises of each slice
STEP = 16  # frames between training patches
COMPONENTS = 600
BITS = 512
SHRINKAGE = 0.05
KEPT = 20000  # patches kept for the quantising rotation
ROTATIONS = 50

Array = NDArray[np.float32]
Wide = NDArray[np.float64]


@dataclass
class Moments:
    """Sums over pairs: what both covariances are made of."""

    count: int = 0
    total: Wide = field(default_factory=lambda: np.zeros(PATCH_SIZE))
    squares: Wide = field(default_factory=lambda: np.zeros((PATCH_SIZE, PATCH_SIZE)))
    differences: Wide = field(default_factory=lambda: np.zeros((PATCH_SIZE, PATCH_SIZE)))

    def add(self, clean: Array, captured: Array) -> None:
        """Adds pairs of patches, (n, PATCH_SIZE) each."""
        both, apart = np.concatenate([clean, captured]), clean - captured
        self.count += len(clean)
        self.total += both.sum(0)
        self.squares += both.T @ both
        self.differences += apart.T @ apart

    def covariances(self) -> tuple[Wide, Wide, Wide]:
        """Mean, total covariance and covariance within a sound."""
        mean = self.total / (2 * self.count)
        return (
            mean,
            self.squares / (2 * self.count) - np.outer(mean, mean),
            self.differences / (2 * self.count),
        )


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
    return [sound for sound in found if len(sound) >= SLICE]


def pairs(sound: Array, others: list[Array], rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """(clean, captured) patches of the same instants, (n, PATCH_SIZE) each."""
    for first in range(0, len(sound) - SLICE + 1, SLICE):
        clean = sound[first : first + SLICE]
        if np.mean(clean**2) < 1e-7:
            continue
        clean_bands = contrast(band_powers(clean)[0])
        for _ in range(ROUNDS):
            other = others[rng.integers(len(others))]
            start = int(rng.integers(0, len(other) - SLICE + 1))
            yield _pair(clean, clean_bands, other[start : start + SLICE], rng)


def _pair(clean: Array, bands: Array, other: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """One capture of a slice: cut to 6 to 12 s, up to 20 ms off, up to a quarter tone and 2 % of tempo away."""
    cut = int(rng.integers(0, SLICE // 2 // HOP)) * HOP
    captured = disguise(clean, other, rng)[cut:]
    captured = np.roll(captured, int(rng.integers(-HOP, HOP + 1)))
    scale, pitch = rng.uniform(0.98, 1.02), rng.uniform(-0.25, 0.25)
    captured_bands = contrast(band_powers(captured, (pitch,), scale)[0])
    # The middles of the two patches coincide: ``middle`` in frames of the cut at its own hop, ``reference`` at the true one.
    middle = np.arange(PATCH // 2, len(captured_bands) - PATCH // 2, STEP)
    reference = np.round(middle / scale).astype(np.int64) + cut // HOP
    inside = reference + PATCH // 2 <= len(bands)
    starts = PATCH // 2
    return patches(bands, reference[inside] - starts), patches(captured_bands, middle[inside] - starts)


def discriminant(moments: Moments) -> tuple[Wide, Wide, Wide]:
    """Mean, whitened discriminant directions (PATCH_SIZE, BITS) and their ratios of total to within covariance."""
    mean, total, within = moments.covariances()
    _, basis = scipy.linalg.eigh(total, subset_by_index=[PATCH_SIZE - COMPONENTS, PATCH_SIZE - 1])
    total, within = basis.T @ total @ basis, basis.T @ within @ basis
    within += SHRINKAGE * np.trace(within) / COMPONENTS * np.eye(COMPONENTS)
    ratios, directions = scipy.linalg.eigh(total, within, subset_by_index=[COMPONENTS - BITS, COMPONENTS - 1])
    directions /= np.sqrt(np.einsum("ij,ik,kj->j", directions, total, directions))
    return mean, basis @ directions, ratios


def quantising_rotation(values: Wide) -> Wide:
    """The rotation (BITS, BITS) after which the signs of ``values`` (n, BITS) lose least."""
    rotation = np.linalg.qr(np.random.default_rng(SEED).standard_normal((BITS, BITS)))[0]
    for _ in range(ROTATIONS):
        left, _, right = np.linalg.svd(values.T @ np.sign(values @ rotation))
        rotation = left @ right
    return np.asarray(rotation)


def learn(found: list[Array]) -> tuple[dict[str, Array], dict[str, object]]:
    """The arrays of the model and the figures of its card."""
    rng, moments, kept = np.random.default_rng(SEED), Moments(), []
    for sound in found:
        for clean, captured in pairs(sound, found, rng):
            moments.add(clean, captured)
            kept.append(captured[:: max(1, 2 * len(captured) // 30)])
    mean, directions, ratios = discriminant(moments)
    sample = np.concatenate(kept)
    sample = sample[rng.permutation(len(sample))[:KEPT]]
    projection = directions @ quantising_rotation((sample - mean) @ directions)
    figures: dict[str, object] = {
        "pairs": moments.count,
        "hours": round(sum(map(len, found)) / SAMPLE_RATE / 3600, 2),
        "titles": len(found),
        "discriminant_ratio_first_median_last": [
            round(float(r), 1) for r in (ratios[-1], np.median(ratios), ratios[0])
        ],
    }
    return {"mean": mean.astype(np.float32), "projection": projection.astype(np.float16)}, figures


def main() -> None:
    """Trains and writes audio-3.npz and its card."""
    parser = argparse.ArgumentParser(description="Learns the projection behind the audio codes.")
    parser.add_argument("media", type=Path, help="folder with MANIFEST.csv")
    parser.add_argument("--out", type=Path, default=Path("fingerprint/models"))
    arguments = parser.parse_args()
    begun = time.monotonic()
    arrays, figures = learn(sounds(arguments.media))
    np.savez_compressed(arguments.out / "audio-3.npz", allow_pickle=False, **arrays)
    card = {"algorithm": "audio/3", "seed": SEED, "seconds": round(time.monotonic() - begun), **figures}
    (arguments.out / "audio-3.json").write_text(json.dumps(card, indent=2) + "\n")
    print(json.dumps(card))


if __name__ == "__main__":
    main()
