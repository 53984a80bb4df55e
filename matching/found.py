"""What a search finds: stretches with the disguise they were found under, and what several of them explain."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Disguise, Fingerprint
from matching.align import Line
from matching.sparse import spacing
from matching.verify import Stretch

UNEXPLAINED = 2.0  # seconds without a certain stretch for which disguises are tried; of a shorter clip LARGELY is enough
LARGELY = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch and the disguise under which it was found.

    stage  0 as captured or under a disguise known of the capture, then the extractor's stages
    score  evidence beyond what decoys give
    """

    stretch: Stretch
    disguise: Disguise
    stage: int
    score: float


Expected = Callable[[Found], float]


def shifted(found: Found, seconds: float) -> Found:
    """The same, so much later in the query."""
    one = found.stretch
    moved = replace(
        one,
        query_start=one.query_start + seconds,
        query_end=one.query_end + seconds,
        offset=one.offset - one.time_scale * seconds,
    )
    return replace(found, stretch=moved)


def covered(line: Line, found: list[Found]) -> bool:
    """Whether the line's middle lies within one of the stretches."""
    return any(f.stretch.query_start <= line.middle <= f.stretch.query_end for f in found)


def _outside(fingerprint: Fingerprint, found: list[Found]) -> NDArray[np.bool_]:
    """Which strong codes no stretch explains; a stretch explains a second around it too."""
    outside = ~fingerprint.weak
    for f in found:
        outside &= (fingerprint.times < f.stretch.query_start - 1) | (
            fingerprint.times > f.stretch.query_end + 1
        )
    return outside


def explained(fingerprint: Fingerprint, found: list[Found], start: float, seconds: float) -> bool:
    """Whether the stretches leave too little of the ``seconds`` from ``start`` on to look further."""
    inside = (fingerprint.times >= start) & (fingerprint.times <= start + seconds)
    left = np.count_nonzero(_outside(fingerprint, found) & inside) * spacing(fingerprint)
    return bool(left < min(UNEXPLAINED, LARGELY * seconds))
