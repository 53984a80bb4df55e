"""Whether a stretch of sound is this very recording: its spectral peaks are sought in the capture, along the stretch's line.

Another reading of the same words in the same voice has its peaks elsewhere. What of them is still there stands out of what
the capture shows at the same peaks later or earlier and higher or lower, however little of the work is left under what is
played over it.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Disguise, Fingerprint
from fingerprint.media import Clip
from fingerprint.peaks import Points, points, prominence
from fingerprint.spectrum import BINS, FRAME, HOP, SAMPLE_RATE, Array, spectra
from matching.verify import Stretch

BESIDE = 0.5  # seconds of a code to either side of its time, which a stretch ends with
LONGEST = 20.0  # seconds, the middle ones, that are looked at: they are enough
FEWEST = 12  # peaks under which nothing can be said
LOW, HIGH = -1.0, 3.0  # nepers between which a prominence counts: no one peak may speak for all
# What is tried about the line that the codes lie on: frames, semitones, and frames of drift at the ends.
SHIFTS = np.arange(-3, 4)
BENDS = np.array([-0.34, -0.17, 0.0, 0.17, 0.34])
DRIFTS = np.arange(-2, 3)
MOST_DRIFT = 0.02  # of the time scale
# What is not the line any more: frames later or earlier, of these at most so many, and semitones higher or lower.
AWAY, DELAYS = 8, 256
TRANSPOSED = np.concatenate([np.arange(-18, -4), np.arange(5, 19)]) / 6
STEADY = 0.05  # nepers added to the deviation of what is not the line: of few peaks it may be small by chance

Frames = NDArray[np.int64]


class Heard:
    """What a capture shows at the peaks of references."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip

    @cached_property
    def _capture(self) -> Array:
        samples = np.concatenate([np.zeros(0, np.float32), *self._clip.samples()])
        return (
            np.clip(prominence(spectra(samples)), LOW, HIGH)
            if len(samples) >= FRAME
            else np.zeros((0, BINS), np.float32)
        )

    def readings(self, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> tuple[float | None, ...]:
        """One: by how many deviations what is shown at the peaks on the line exceeds what is shown at them later or earlier,
        and at them higher or lower: the geometric mean of the two, for the same words in the same voice have the one,
        another tune in the same key the other. None where there are too few peaks.
        """
        if not len(self._capture):
            return (None,)
        middle = (aligned.query_start + aligned.query_end) / 2
        half = min((aligned.query_end - aligned.query_start) / 2 + BESIDE, LONGEST / 2)
        edge = FRAME / 2 / SAMPLE_RATE
        first, last = (
            max(middle - half, edge),
            min(middle + half, edge + (len(self._capture) - 1) * HOP / SAMPLE_RATE),
        )
        scale, offset = aligned.time_scale, aligned.offset
        there = points(stored, scale * first + offset, scale * last + offset)
        if len(there[0]) < FEWEST:
            return (None,)
        begin, end = (round((time - edge) * SAMPLE_RATE / HOP) for time in (first, last))
        capture, placed = self._capture[begin : end + 1], _placed(there, scale, offset, first)
        return (_deviations(capture, placed, disguise.pitch),)

    def straightened(
        self, stored: Fingerprint, aligned: Stretch, disguise: Disguise, speeds: Sequence[float]
    ) -> Stretch:
        """As it is: codes of sound tell its speed."""
        return aligned


def _placed(there: Points, scale: float, offset: float, first: float) -> Points:
    """Reference seconds of peaks as frames of the query after ``first``."""
    return ((there[0] - offset) / scale - first) * SAMPLE_RATE / HOP, there[1]


def _deviations(shown: Array, there: Points, pitch: float) -> float:
    half = max(len(shown) / 2, 1.0)
    drifts = np.unique(np.clip(DRIFTS / half, -MOST_DRIFT, MOST_DRIFT))
    best, line, bend = -np.inf, there, pitch
    for drift in drifts:
        turned = half + (there[0] - half) * (1 + drift), there[1]
        levels = _levels(shown, turned, SHIFTS, pitch + BENDS)
        if levels.max() > best:
            best, line = float(levels.max()), turned
            bend = float(pitch + BENDS[levels.max(1).argmax()])
    delays = np.arange(AWAY, len(shown) - AWAY + 1)
    if not len(delays):
        return 0.0
    delays = delays[:: math.ceil(len(delays) / DELAYS)]
    elsewhere = _levels(shown, line, delays, np.array([bend])).ravel()
    transposed = _levels(shown, line, SHIFTS[::2], pitch + TRANSPOSED).max(1)
    later, higher = ((best - other.mean()) / (other.std() + STEADY) for other in (elsewhere, transposed))
    return math.sqrt(max(later, 0.0) * max(higher, 0.0))


def _levels(shown: Array, there: Points, shifts: Frames, pitches: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean prominence at the peaks, moved by so many frames (around the ends) and semitones: (pitches, shifts)."""
    frames = np.rint(there[0] + shifts[:, None]).astype(np.int64) % len(shown) * BINS
    every = shown.ravel()
    found = np.empty((len(pitches), len(shifts)))
    for row, pitch in enumerate(pitches):
        bins = np.minimum(np.rint(there[1] * 2 ** (pitch / 12)).astype(np.int64), BINS - 1)
        found[row] = every[frames + bins].mean(1)
    return found
