"""A stretch -> is it this very recording, this very picture? What is stored beside the codes is sought in the capture.

Codes are made to bear with changes, and so with another reading of the same words, another scene on the same set. Peaks of
sound and cells of pictures are not: they lie where they lay. How far they stand out along the line of a stretch, beside
what the capture shows of them elsewhere, is told in deviations.

The more the better: ``factor = exp(intercept - slope * deviations)``, within limits, is how likely chance is to show so much
beside how likely a copy is. Multiplied by such a ratio of densities, an expected number of false matches stays what it
says, whatever copies were taken to be like: for all x, chance brings the product below x by its own density times x over the
ratio, which is x times the density of copies, and that sums to x.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Protocol

from fingerprint.extractor import CONFIRMED_BY, Extractor
from fingerprint.fingerprint import Disguise, Fingerprint
from fingerprint.media import Clip
from matching.found import Found
from matching.verify import Stretch

# Expected false matches above which nothing is asked: of sound no such copy was made a match; of pictures it is not known,
# but a large catalog gives many, which cells can tell from copies.
HOPELESS = {"audio": 10.0, "video": 1e3}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How deviations tell copies from chance: fitted by ``benchmarks.confirm``.

    slope, intercept   of the logarithm of chance's density over that of copies, by deviations
    smallest, largest  factors: what lies beyond what the fit has seen is not taken at its word
    siblings           whether they tell titles of one series apart too: in the same words another reading has its peaks
                       elsewhere, but what stands on a set stands there in the next scene
    """

    slope: float
    intercept: float
    smallest: float
    largest: float
    siblings: bool

    def factor(self, deviations: float) -> float:
        """By what the expected false matches of a stretch are multiplied."""
        logarithm = self.intercept - self.slope * deviations
        return math.exp(min(max(logarithm, math.log(self.smallest)), math.log(self.largest)))


@lru_cache
def confirmation(algorithm: str) -> Confirmation:
    """The shipped one of what confirms codes."""
    stored = json.loads((files("matching") / "models" / f"{algorithm.replace('/', '-')}.json").read_text())
    return Confirmation(*(stored[name] for name in (field.name for field in fields(Confirmation))))


class Look(Protocol):
    """What a capture shows of what is stored of references."""

    def deviations(self, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> float | None:
        """By how many deviations what is stored stands out along a stretch; None where too little is there to tell."""
        ...


def _heard(clip: Clip) -> Look:
    from matching.by_peaks import Heard

    return Heard(clip)


def _shown(clip: Clip) -> Look:
    from matching.by_cells import Shown

    return Shown(clip)


# Made on first use: what they need takes time to load.
LOOKS: dict[str, Callable[[Clip], Look]] = {"audio": _heard, "video": _shown}


class Witness:
    """What a capture shows of references, beside their codes."""

    def __init__(self, clip: Clip, extractor: Extractor, stored: Callable[[int], Fingerprint | None]) -> None:
        """``stored`` gives what confirms a reference's codes by id; None where there is nothing of it."""
        self._clip, self._kind, self._stored = clip, extractor.kind, stored
        self._model = confirmation(CONFIRMED_BY[extractor.algorithm])
        self._known: dict[tuple[Stretch, Disguise], float | None] = {}

    @cached_property
    def _look(self) -> Look:
        return LOOKS[self._kind](self._clip)

    @property
    def tells_siblings(self) -> bool:
        """Whether the factor is one of what titles of a series give by chance too."""
        return self._model.siblings

    def factor(self, found: Found, chance: float = 0.0) -> float | None:
        """By what the expected false matches of a stretch are multiplied; None where nothing can be said.

        Nothing is asked where ``chance`` gives so many that it could not make a match of it.
        """
        if chance > HOPELESS[self._kind]:
            return None
        key = found.stretch, found.disguise
        if key not in self._known:
            self._known[key] = self._told(*key)
        return self._known[key]

    def _told(self, aligned: Stretch, disguise: Disguise) -> float | None:
        stored = self._stored(aligned.ref_id)
        deviations = None if stored is None else self._look.deviations(stored, aligned, disguise)
        return None if deviations is None else self._model.factor(deviations)
