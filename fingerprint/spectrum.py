"""Samples -> log-frequency spectrogram -> patches: pure functions of arrays.

The front end follows Haitsma and Kalker (ISMIR 2002) in using log-spaced bands, so that a change of pitch is a shift of the
bands and a change of tempo a change of the hop: a disguise is undone on the query's side by asking for other bands or hops.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8000
FRAME = 1024  # samples, 128 ms
HOP = 160  # samples, 20 ms
BINS = FRAME // 2
BANDS = 64
LOWEST, HIGHEST = 60.0, 3800.0  # Hz: from basses, which noise leaves, to what a telephone passes
CONTEXT = 61  # frames, 1.2 s: the running mean over it cancels equalisers, rooms and microphones
PATCH = 64  # frames, 1.28 s: what one code describes
PATCH_SIZE = BANDS * PATCH // 2
QUIET = 1e-11  # band power that the noise of 16-bit sound stays well below

Array = NDArray[np.float32]

_WINDOW = np.hanning(FRAME).astype(np.float32)
_WINDOW /= np.sqrt(np.sum(_WINDOW**2) * FRAME / 2)
_BLOCK = 128  # frames a transform takes at once: keeps the work in the cache and the memory flat


def frame_starts(samples: int, time_scale: float = 1.0) -> NDArray[np.int64]:
    """First sample of each frame, ``round(i * HOP / time_scale)``, for all frames that fit into ``samples``."""
    count = int((samples - FRAME) * time_scale // HOP) + 1 if samples >= FRAME else 0
    starts = np.round(np.arange(count) * (HOP / time_scale)).astype(np.int64)
    return starts[starts <= samples - FRAME]


def frame_time(frame: NDArray[np.floating] | float, time_scale: float = 1.0) -> NDArray[np.float64]:
    """Seconds of the middle of (possibly fractional) frames: ``(frame * HOP / time_scale + FRAME / 2) / SAMPLE_RATE``."""
    return np.asarray((np.asarray(frame, np.float64) * (HOP / time_scale) + FRAME / 2) / SAMPLE_RATE)


@lru_cache(maxsize=64)
def filter_bank(pitch: float = 0.0) -> Array:
    """Triangular bands, log-spaced, each summing to 1, raised by ``pitch`` semitones: (FRAME / 2 + 1, BANDS)."""
    edges = LOWEST * (HIGHEST / LOWEST) ** (np.arange(BANDS + 2) / (BANDS + 1)) * 2 ** (pitch / 12)
    bins = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE)[:, None]
    middle, resolution = edges[1:-1], SAMPLE_RATE / FRAME
    low, high = np.minimum(edges[:-2], middle - resolution), np.maximum(edges[2:], middle + resolution)
    bank = np.clip(np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)), 0, None)
    return np.asarray(bank / (bank.sum(0) + 1e-9), np.float32)


def powers(samples: Array, time_scale: float = 1.0) -> Iterator[tuple[slice, Array]]:
    """The power spectra of all frames, some at a time: which frames, and (frames, FRAME / 2 + 1).

    A full-scale sine gives about 1 in its bin.
    """
    starts = frame_starts(len(samples), time_scale)
    if not len(starts):
        return
    every = np.lib.stride_tricks.sliding_window_view(samples, FRAME)
    # Frames at equal steps are seen where they lie; others are copied first.
    framed = every[::HOP] if time_scale == 1 else every
    for first in range(0, len(starts), _BLOCK):
        block = slice(first, min(first + _BLOCK, len(starts)))
        spectrum = np.fft.rfft(framed[block if time_scale == 1 else starts[block]] * _WINDOW, axis=1)
        yield block, np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def spectra(samples: Array) -> Array:
    """The power spectra of all frames below half the sample rate: (frames, BINS)."""
    found = np.empty((len(frame_starts(len(samples))), BINS), np.float32)
    for block, spectrum in powers(samples):
        found[block] = spectrum[:, :BINS]
    return found


def band_powers(samples: Array, pitches: tuple[float, ...] = (0.0,), time_scale: float = 1.0) -> list[Array]:
    """Mean power in each band of each frame, (frames, BANDS), for each assumed pitch; a full-scale sine gives about 1."""
    bank = np.concatenate([filter_bank(pitch) for pitch in pitches], axis=1)
    found = np.empty((len(frame_starts(len(samples), time_scale)), bank.shape[1]), np.float32)
    for block, spectrum in powers(samples, time_scale):
        np.matmul(spectrum, bank, out=found[block])
    return [found[:, i * BANDS : (i + 1) * BANDS] for i in range(len(pitches))]


def running_mean(values: Array, width: int = CONTEXT) -> Array:
    """Mean over ``width`` rows around each row, over those that exist at the ends: (n, m) -> (n, m)."""
    n, half = len(values), width // 2
    total = np.zeros((n + 2 * half + 1, values.shape[1]))  # its row i sums the rows of values before i - half
    total[half + 1 : half + 1 + n] = values
    np.cumsum(total, 0, out=total)
    first, last = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)
    return np.asarray((total[2 * half + 1 :] - total[:n]) / (last - first)[:, None], np.float32)


def contrast(powers: Array) -> Array:
    """Log band powers minus their running mean: what changes, whatever the room and the equaliser; (frames, BANDS).

    The floor under the logarithm follows the local level, so that neither gain nor faint noise matters.
    """
    level = running_mean(powers.mean(1, keepdims=True))
    logs = np.log(powers + 1e-3 * level + QUIET)
    return np.asarray(logs - running_mean(logs), np.float32)


def patches(bands: Array, starts: NDArray[np.int64]) -> Array:
    """The PATCH frames from each start, pairs of frames averaged, mean 0 and length 1: (len(starts), PATCH_SIZE)."""
    if not len(starts):
        return np.zeros((0, PATCH_SIZE), np.float32)
    pairs = (bands[:-1] + bands[1:]) / 2
    views = np.lib.stride_tricks.sliding_window_view(pairs, PATCH - 1, axis=0)[starts, :, ::2]
    flat = views.reshape(len(starts), PATCH_SIZE)
    flat -= flat.mean(1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6
    return np.asarray(flat, np.float32)
