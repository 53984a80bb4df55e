"""Which codes of a fingerprint are looked up: few tell as much as all, where neighbours are alike."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint

# Seconds between the codes of a bare query that are looked up, then where these do not explain it: sounds 200 ms apart meet
# stored ones, 240 ms apart, in every phase.
QUICK = (0.2, 0.08)
SPARSE = 0.24  # seconds between the codes of a disguised query that are looked up: enough to rank disguises


def spacing(fingerprint: Fingerprint) -> float:
    """Seconds from a code to the next."""
    return fingerprint.duration / len(fingerprint)


def steps(fingerprint: Fingerprint) -> list[int]:
    """Every how many-th code is QUICK seconds from the one before; all at once where they are few anyway."""
    counts = [max(1, round(seconds / spacing(fingerprint))) for seconds in QUICK]
    return counts if counts[-1] > 1 else [1]


def sparse(fingerprint: Fingerprint) -> int:
    """Every how many-th code lies SPARSE from the one before."""
    return max(1, round(SPARSE / spacing(fingerprint)))


def part_of(fingerprint: Fingerprint, rows: NDArray[np.int64]) -> Fingerprint:
    """Some of its codes."""
    return replace(
        fingerprint, times=fingerprint.times[rows], codes=fingerprint.codes[rows], weak=fingerprint.weak[rows]
    )
