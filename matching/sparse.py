"""Which codes of a fingerprint are looked up: few tell as much as all, where neighbours are alike."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint

# Seconds between the codes of a bare query that are looked up, then where these do not explain it: of sounds 200 and 120 ms
# apart some are within 20 ms of a stored one, 640 ms apart, in whatever phase; of those 80 ms apart all may be 40 ms off.
QUICK = (0.2, 0.12)


def spacing(fingerprint: Fingerprint) -> float:
    """Seconds from a code to the next."""
    return fingerprint.duration / len(fingerprint)


def steps(fingerprint: Fingerprint) -> list[int]:
    """Every how many-th code is QUICK seconds from the one before; all at once where they are few anyway."""
    counts = [max(1, round(seconds / spacing(fingerprint))) for seconds in QUICK]
    return counts if counts[-1] > 1 else [1]


def sparse(fingerprint: Fingerprint, every: float) -> int:
    """Every how many-th code is ``every`` seconds from the one before."""
    return max(1, round(every / spacing(fingerprint)))


def part_of(fingerprint: Fingerprint, rows: NDArray[np.int64]) -> Fingerprint:
    """Some of its codes."""
    return replace(
        fingerprint, times=fingerprint.times[rows], codes=fingerprint.codes[rows], weak=fingerprint.weak[rows]
    )
