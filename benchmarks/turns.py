"""Where else in a title an excerpt of its sound is: the turns of a loop, told by the samples themselves.

Whoever finds the excerpt at one of these places is right about what is heard, and nothing in the copy says which it is from.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate, find_peaks

from benchmarks.audio_attacks import RATE, Sound

SAME = 0.95  # normalised correlation of samples, from which it is the same sound played again: a tenth of its power differs
APART = 0.25  # seconds between two turns at least


def turns(sound: Sound, begin: int, size: int) -> tuple[float, ...]:
    """Seconds at which the ``size`` samples from ``begin`` on are heard again, ascending, without their own place."""
    taken = sound[begin : begin + size]
    alike = np.abs(correlate(sound, taken, "valid", "fft")) / (_loudness(sound, len(taken)) + 1e-9)
    alike /= np.linalg.norm(taken) + 1e-9
    # Padded, for what is highest at an end is a peak too.
    peaks, _ = find_peaks(np.pad(alike, 1), height=SAME, distance=round(APART * RATE))
    return tuple(at / RATE for at in (peaks - 1).tolist() if abs(at - begin) >= APART * RATE)


def _loudness(sound: Sound, size: int) -> NDArray[np.float64]:
    """The norm of every ``size`` samples in a row."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    return np.asarray(np.sqrt(np.maximum(energy[size:] - energy[:-size], 0.0)))
