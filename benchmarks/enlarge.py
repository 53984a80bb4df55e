"""Codes of catalogs larger than any collection at hand: made of real ones, and shown to behave like them.

A made stretch is the mean of MIXED real ones of different titles, scaled to their variance: sums of projections keep the
covariance of the bits and the autocorrelation in time, and with MIXED of them no made stretch is nearer to a real
one than two unrelated real titles are to each other. Fewer would be: of 2, a fifth of all queries have a made
neighbour at half the distance of the nearest real stranger.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import registered, titles
from fingerprint.audio import QUERY_STEP, REFERENCE_STEP
from fingerprint.extractor import Extractor
from fingerprint.fingerprint import Codes, pack
from fingerprint.media import open_media, windows

MIXED, AT_ONCE = 16, 4  # real stretches in a made one: AT_ONCE mixtures of AT_ONCE each
POOL = 2048  # mixtures that are mixed again
STRETCH = {"audio": 94, "video": 40}  # codes: a minute of sound; the video clips are short
STEP = 32  # of the integers in which mixtures are kept, for a standard deviation
LAGS = (1, 2, 4, 8, 16, 24)
PROBED = 150  # real codes whose neighbours are compared

Projections = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Real:
    """A title's source and its projections (n, bits) at the spacing of stored codes, weak ones left out."""

    source: str
    projections: Projections


def real(media: Path, extractor: Extractor) -> Iterator[Real]:
    """The registered titles of the extractor's kind."""
    for title in registered(titles(media)):
        if title.kind == extractor.kind:
            with open_media(media / title.file) as opened:
                parts = [
                    _spaced(extractor, clip)
                    for _, clip in windows(opened, extractor.kind, extractor.window, extractor.rate)
                ]
            if parts:
                yield Real(title.source, np.concatenate(parts))


def _spaced(extractor: Extractor, clip: Any) -> Projections:
    query = next(extractor.queries(clip))
    step = {"audio": REFERENCE_STEP // QUERY_STEP, "video": 2}[extractor.kind]
    return query.reliability[::step][~query.fingerprint.weak[::step]]


class Enlarger:
    """Makes any number of codes, always the same for a seed."""

    def __init__(self, found: list[Real], stretch: int, seed: int) -> None:
        self._rng, self.stretch = np.random.default_rng(seed), stretch
        everything = np.concatenate([title.projections for title in found])
        mean = everything.mean(0)
        self._long = [title.projections - mean for title in found if len(title.projections) > stretch]
        self._pool = np.stack([self._mixture() for _ in range(POOL)])
        self._threshold = np.asarray(np.round(-mean * STEP * np.sqrt(AT_ONCE)), np.int16)

    def _mixture(self) -> NDArray[np.int8]:
        chosen = self._rng.choice(len(self._long), AT_ONCE, replace=False)
        mixed = sum(_part(self._long[i], self.stretch, self._rng) for i in chosen) / np.sqrt(AT_ONCE)
        return np.asarray(np.clip(np.round(STEP * mixed), -127, 127), np.int8)

    def codes(self, stretches: int) -> Codes:
        """(stretches * stretch, width): the next ones."""
        made = [self._made() for _ in range(stretches)]
        return np.concatenate(made)

    def _made(self) -> Codes:
        chosen = self._rng.integers(0, POOL, AT_ONCE)
        total = self._pool[chosen[0]].astype(np.int16)
        for i in chosen[1:]:
            total += self._pool[i]
        return np.packbits(total > self._threshold, axis=1)


def _part(projections: Projections, size: int, rng: np.random.Generator) -> Projections:
    begin = int(rng.integers(len(projections) - size))
    return projections[begin : begin + size]


def likeness(found: list[Real], enlarger: Enlarger, seed: int) -> dict[str, Any]:
    """How real and made codes look from real ones of other sources: distances, nearest neighbours, and along time."""
    rng = np.random.default_rng(seed)
    own = [pack(title.projections) for title in found]
    codes = np.concatenate(own)
    names = sorted({title.source for title in found})
    sources = np.repeat([names.index(title.source) for title in found], [len(part) for part in own])
    asked = rng.choice(len(codes), PROBED, replace=False)
    real_distances = [hamming_to(codes[i], codes[sources != sources[i]]) for i in asked]
    fewest = min(len(row) for row in real_distances)
    made = enlarger.codes(-(-fewest // enlarger.stretch))[:fewest]
    made_distances = [hamming_to(codes[i], made) for i in asked]
    pieces = [part[: enlarger.stretch] for part in own if len(part) >= enlarger.stretch]
    made_pieces = np.split(
        made[: len(made) // enlarger.stretch * enlarger.stretch], len(made) // enlarger.stretch
    )
    thinned = [rng.choice(row, fewest, replace=False) for row in real_distances]
    return {"codes": fewest, "real": _looks(thinned, pieces), "made": _looks(made_distances, made_pieces)}


def hamming_to(code: Codes, codes: Codes) -> NDArray[np.int64]:
    """Bits in which each of (n, width) differs from one, (n,)."""
    words = np.ascontiguousarray(codes).view(np.uint64) ^ np.ascontiguousarray(code).view(np.uint64)
    return np.asarray(np.bitwise_count(words).sum(1, dtype=np.int64))


def _looks(distances: list[NDArray[np.int64]], pieces: list[Codes]) -> dict[str, Any]:
    most = 8 * pieces[0].shape[1] + 1
    shares = np.cumsum(sum(np.bincount(row, minlength=most) for row in distances)) / sum(map(len, distances))
    nearest = [int(row.min()) for row in distances]
    return {
        "distances": {
            f"{q:g}": int(np.searchsorted(shares, q)) for q in (1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9)
        },
        "nearest": {f"{q:g}": float(np.quantile(nearest, q)) for q in (0.05, 0.25, 0.5, 0.75, 0.95)},
        "along_time": {lag: _apart(pieces, lag) for lag in LAGS},
    }


def _apart(pieces: list[Codes], lag: int) -> float:
    """Mean share of the bits that differ between codes so many apart."""
    differing = [np.bitwise_count(piece[lag:] ^ piece[:-lag]).mean() / 8 for piece in pieces]
    return round(float(np.mean(differing)), 4)
