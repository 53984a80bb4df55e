"""Audio codes "audio/1": 256 bits of a learned projection of 1.28 s of spectrogram."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import PLAIN, Codes, Disguise, Fingerprint, Query, pack
from fingerprint.media import Media
from fingerprint.spectrum import (
    HOP,
    PATCH,
    SAMPLE_RATE,
    Array,
    band_powers,
    contrast,
    frame_time,
    patches,
)

REFERENCE_STEP = 12  # frames between stored codes: 240 ms, 133 bytes a second
QUERY_STEP = (
    2  # frames between a query's codes: 40 ms, for the error of a code doubles with 16 ms of misalignment
)
BLOCK = 250 * REFERENCE_STEP * HOP  # samples of a reference worked on at once: 60 s
MARGIN = 10 * REFERENCE_STEP * HOP  # samples around a block that its frames' context reaches into: 2.4 s
WEAK_POWER = 2e-9  # mean band power of a patch (noise of -60 dBFS) under which it counts as silence


def _speed(scale: float) -> Disguise:
    """A recording played faster: pitch and tempo rise together."""
    return Disguise(pitch=float(12 * np.log2(scale)), time_scale=scale)


# Codes hold to about a quarter tone and 2 % of tempo; beyond that the query's side tries these, likeliest first.
HYPOTHESES: tuple[Disguise, ...] = (
    *(_speed(scale) for scale in (1.04, 0.96, 1.02, 0.98, 1.06, 0.94, 1.08, 0.92)),
    *(Disguise(pitch=pitch) for pitch in (1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1.5, -1.5)),
    *(Disguise(time_scale=scale) for scale in (1.05, 0.95, 1.1, 0.9)),
    *(
        Disguise(pitch=p, time_scale=s)
        for s in (1.05, 0.95, 1.1, 0.9)
        for p in (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
    ),
)


@lru_cache(maxsize=1)
def _model() -> tuple[Array, Array]:
    """Mean patch (PATCH_SIZE,) through the projection, and the projection (PATCH_SIZE, 256)."""
    with (files("fingerprint") / "models" / "audio-1.npz").open("rb") as stored, np.load(stored) as arrays:
        projection = arrays["projection"].astype(np.float32)
        return arrays["mean"] @ projection, projection


def project(bands: Array, starts: NDArray[np.int64]) -> Array:
    """The projections (n, 256) whose signs are the codes of the patches that start at the given frames."""
    offset, projection = _model()
    return np.asarray(patches(bands, starts) @ projection - offset)


def _quiet(powers: Array, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which patches are silence."""
    total = np.concatenate([[0.0], np.cumsum(powers.mean(1), dtype=np.float64)])
    return np.asarray((total[starts + PATCH] - total[starts]) / PATCH < WEAK_POWER)


def _starts(frames: int, step: int) -> NDArray[np.int64]:
    return np.arange(0, max(frames - PATCH + 1, 0), step)


def _blocks(chunks: Iterable[Array]) -> Iterator[tuple[int, Array]]:
    """Stretches of BLOCK samples with MARGIN on both sides (less at the ends), each with the number of its first sample."""
    held, first, complete = np.zeros(0, np.float32), 0, BLOCK + MARGIN
    for chunk in chunks:
        held = np.concatenate([held, chunk])
        while len(held) > complete:
            yield first, held[:complete]
            drop = complete - 2 * MARGIN
            held, first, complete = held[drop:], first + drop, BLOCK + 2 * MARGIN
    yield first, held


class AudioExtractor:
    """Sound to codes: the middle of each code is its time."""

    algorithm = "audio/1"
    kind = "audio"
    span = ((PATCH - 1) * HOP) / SAMPLE_RATE
    window = 60.0
    rate = 0.0
    tolerance = 0.02

    def reference(self, media: Media) -> Fingerprint:
        """A code every 240 ms."""
        times: list[NDArray[np.float64]] = []
        codes: list[Codes] = []
        weak: list[NDArray[np.bool_]] = []
        done = 0
        for first, samples in _blocks(media.samples()):
            powers = band_powers(samples)[0]
            starts = _starts(len(powers), REFERENCE_STEP)
            # All but the last block leave their last MARGIN to the next one, which sees it with its context.
            last = first + len(samples) - MARGIN if len(samples) >= BLOCK + MARGIN else np.inf
            whole = starts + first // HOP
            ours = (whole >= done) & (whole * HOP < last)
            starts, done = starts[ours], int(whole[ours][-1]) + REFERENCE_STEP if ours.any() else done
            times.append(frame_time(whole[ours] + (PATCH - 1) / 2))
            codes.append(pack(project(contrast(powers), starts)))
            weak.append(_quiet(powers, starts))
        return _fingerprint(
            media.duration, np.concatenate(times), np.concatenate(codes), np.concatenate(weak)
        )

    def queries(self, media: Media) -> Iterator[Query]:
        """A code every 40 ms: as heard, then with each pitch and tempo undone."""
        samples = np.concatenate([np.zeros(0, np.float32), *media.samples()])
        yield _query(samples, media.duration, PLAIN)
        for disguise in HYPOTHESES:
            yield _query(samples, media.duration, disguise)


def _query(samples: Array, duration: float, disguise: Disguise) -> Query:
    scale = disguise.time_scale
    powers = band_powers(samples, (disguise.pitch,), scale)[0]
    starts = _starts(len(powers), QUERY_STEP)
    reliability = project(contrast(powers), starts)
    times = frame_time(starts + (PATCH - 1) / 2, scale)
    return Query(
        _fingerprint(duration, times, pack(reliability), _quiet(powers, starts)), reliability, disguise
    )


def _fingerprint(
    duration: float, times: NDArray[np.float64], codes: Codes, weak: NDArray[np.bool_]
) -> Fingerprint:
    """Times are kept to the millisecond, as they are stored."""
    return Fingerprint(
        AudioExtractor.algorithm, duration, np.minimum(np.round(times, 3), duration), codes, weak
    )
