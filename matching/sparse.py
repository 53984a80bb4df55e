"""Which codes of a fingerprint are looked up: few tell as much as all, where neighbours are alike."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint

# Seconds between the codes of a bare query that are looked up, then where these do not explain it: of sounds 200 and 120 ms
# apart some are within 20 ms of a stored one, 640 ms apart, in whatever phase; of those 80 ms apart all may be 40 ms off.
QUICK = (0.2, 0.12)
SPARSE = 0.24  # seconds between the codes of a disguised query that are looked up: enough to rank disguises
SPARSE_SOUND = 0.12  # the same of sound: of three of these one is within 20 ms of a stored one


def spacing(fingerprint: Fingerprint) -> float:
    """Seconds from a code to the next."""
    return fingerprint.duration / len(fingerprint)


def steps(fingerprint: Fingerprint) -> list[int]:
    """Every how many-th code is QUICK seconds from the one before; all at once where they are few anyway."""
    counts = [max(1, round(seconds / spacing(fingerprint))) for seconds in QUICK]
    return counts if counts[-1] > 1 else [1]


def looked_up_every(algorithm: str) -> float:
    """Seconds between the codes of a disguised query that are looked up."""
    return SPARSE_SOUND if algorithm.startswith("audio/") else SPARSE


def sparse(fingerprint: Fingerprint) -> int:
    """Every how many-th code is looked up."""
    return max(1, round(looked_up_every(fingerprint.algorithm) / spacing(fingerprint)))


def part_of(fingerprint: Fingerprint, rows: NDArray[np.int64]) -> Fingerprint:
    """Some of its codes."""
    return replace(
        fingerprint, times=fingerprint.times[rows], codes=fingerprint.codes[rows], weak=fingerprint.weak[rows]
    )
