"""Spectral peaks "audio-peaks/3": the points of a recording that stand out of what is near in time and in pitch.

Peaks outlast what is played over them (Wang, ISMIR 2003). They are not searched for here: codes find the line of a copy, and
peaks along it tell whether it is this very recording, which codes, made to bear with changes, cannot.
"""

import math

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes, Fingerprint, Times
from fingerprint.spectrum import BINS, HOP, QUIET, SAMPLE_RATE, Array, frame_time, running_mean

ALGORITHM = "audio-peaks/3"
SLOT = 32  # frames, 640 ms as between codes: what one row of a fingerprint holds the peaks of
MOST = 20  # peaks of a slot, the highest: 63 bytes a second, 42 as stored
WIDTH = 2 * MOST  # bytes of a row
LOWEST, HIGHEST = 15, 500  # bins: 117 to 3900 Hz
AROUND = (25, 13)  # frames and bins, 0.5 s by 100 Hz: the surroundings that a point's level is told against
NEAR = (5, 9)  # frames and bins in which nothing is higher than a peak
FAINT = 1e-3  # of the local level: what lies below says nothing
LEAST = 0.5  # nepers of power above its surroundings, from which a point can be a peak
NONE = 0  # in place of a peak where a slot has fewer: bin 0 is none

Points = tuple[Times, NDArray[np.float64]]  # seconds and bins


def prominence(powers: Array) -> Array:
    """How far each point lies above its surroundings, in nepers of power: (frames, BINS) -> the same."""
    import cv2  # takes long to import

    level = running_mean(powers.mean(1, keepdims=True))
    logs = np.log(powers + FAINT * level + QUIET)
    return np.asarray(logs - cv2.blur(logs, AROUND[::-1], borderType=cv2.BORDER_REPLICATE), np.float32)


def rows(powers: Array, slots: NDArray[np.int64]) -> Codes:
    """The peaks of the slots that begin at the given frames: (len(slots), WIDTH) uint8.

    Each is a 16-bit number, frames after the one before (the first: after the slot begins) times 512 plus bin,
    little-endian: small steps fold to fewer bytes.
    """
    import cv2

    found = np.zeros((len(slots), MOST), "<u2")
    if not len(slots):
        return found.view(np.uint8)
    above = prominence(powers)[:, :HIGHEST]
    highest = cv2.dilate(above, np.ones(NEAR, np.uint8))
    frames, bins = np.nonzero((above == highest) & (above > LEAST))
    slot = np.searchsorted(slots, frames, side="right") - 1
    inside = (bins >= LOWEST) & (slot >= 0) & (frames < slots[slot] + SLOT)
    frames, bins, slot = frames[inside], bins[inside], slot[inside]
    order = np.lexsort((-above[frames, bins], slot))
    frames, bins, slot = frames[order], bins[order], slot[order]
    rank = np.arange(len(slot)) - np.searchsorted(slot, slot)
    kept = rank < MOST
    found[slot[kept], rank[kept]] = (frames[kept] - slots[slot[kept]]) * BINS + bins[kept]
    found.sort(axis=1)
    found[:, 1:] -= found[:, :-1] // BINS * BINS
    return found.view(np.uint8)


def fingerprint(duration: float, slots: NDArray[np.int64], found: Codes) -> Fingerprint:
    """Of rows and the frames that their slots begin at; weak where a slot has no peak."""
    last = math.floor(duration * 1000) / 1000  # the middle of the last slot may lie beyond the end
    times = np.minimum(np.round(frame_time(slots + (SLOT - 1) / 2), 3), last)
    return Fingerprint(ALGORITHM, duration, times, found, np.asarray(~found.any(1)))


def points(stored: Fingerprint, first: float, last: float) -> Points:
    """The peaks from ``first`` to ``last`` seconds: their times (n,) in seconds, ascending, and their bins (n,).

    At most MOST of each slot, and none that lies outside of its own: whoever hands in a fingerprint may have made them up.
    """
    half = SLOT * HOP / SAMPLE_RATE / 2
    begin, end = np.searchsorted(stored.times, [first - half, last + half])
    slots, kept = np.unique(
        np.rint((stored.times[begin:end] - frame_time((SLOT - 1) / 2)) * SAMPLE_RATE / HOP / SLOT) * SLOT,
        return_index=True,
    )
    found = np.ascontiguousarray(stored.codes[begin:end][kept]).view("<u2")
    frames, bins = np.cumsum(found // BINS, axis=1), found % BINS
    is_peak = (bins != NONE) & (frames < SLOT)
    times = frame_time((slots[:, None] + frames)[is_peak])
    order = np.argsort(times, kind="stable")
    inside = order[(times[order] >= first) & (times[order] <= last)]
    return times[inside], bins[is_peak][inside].astype(np.float64)
