"""A stretch -> is it this very recording, this very picture? What is stored beside the codes is sought in the capture.

Codes are made to bear with changes, and so with another reading of the same words, another scene on the same set. Peaks of
sound and cells of pictures are not: they lie where they lay, and what moves in a picture moves as it did. How far they stand
out along the line of a stretch, beside what the capture shows of them elsewhere, is told in readings.

The higher the better: ``factor = exp(intercept - sum of slope * reading)``, within limits, is how likely chance is to show
so much beside how likely a copy is. Multiplied by such a ratio of densities, an expected number of false matches stays what
it says, whatever copies were taken to be like: for all x, chance brings the product below x by its own density times x over
the ratio, which is x times the density of copies, and that sums to x.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Protocol

from fingerprint.extractor import CONFIRMED_BY, Extractor
from fingerprint.fingerprint import Disguise, Fingerprint
from fingerprint.media import Clip
from matching.align import Line
from matching.found import Found
from matching.score import Factors
from matching.verify import Stretch

Readings = tuple[float | None, ...]

# Expected false matches above which nothing is asked: of sound no such copy was made a match; of pictures it is not known,
# but a large catalog gives many, which details can tell from copies.
HOPELESS = {"audio": 10.0, "video": 1e3}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How readings tell copies from what chance gives: fitted by ``benchmarks.confirm``.

    slopes, intercept  of the logarithm of chance's density over that of copies, by readings
    missing            what counts in place of slope times reading where there is too little for a reading; None where
                       nothing can be said without it
    smallest, largest  factors: what lies beyond what the fit has seen is not taken at its word
    """

    slopes: tuple[float, ...]
    missing: tuple[float | None, ...]
    intercept: float
    smallest: float
    largest: float

    def factor(self, readings: Readings) -> float:
        """By what the expected false matches of a stretch are multiplied."""
        logarithm = self.intercept
        for slope, missing, reading in zip(self.slopes, self.missing, readings, strict=True):
            told = missing if reading is None else slope * reading
            if told is None:
                return 1.0
            logarithm -= told
        return math.exp(min(max(logarithm, math.log(self.smallest)), math.log(self.largest)))


@lru_cache
def confirmations(algorithm: str) -> tuple[Confirmation, Confirmation]:
    """The shipped ones of what confirms codes: of what is unrelated, and of titles of a series.

    In the same words another reading has its peaks elsewhere; on the same set the cells of the next scene stand where they
    stood, and only how it moves tells it apart.
    """
    stored = json.loads((files("matching") / "models" / f"{algorithm.replace('/', '-')}.json").read_text())
    unrelated, siblings = (_confirmation(stored[name]) for name in ("unrelated", "siblings"))
    return unrelated, siblings


def _confirmation(stored: dict[str, Any]) -> Confirmation:
    slopes, missing = (tuple(stored[name]) for name in ("slopes", "missing"))
    return Confirmation(slopes, missing, stored["intercept"], stored["smallest"], stored["largest"])


class Look(Protocol):
    """What a capture shows of what is stored of references."""

    def readings(self, stored: Fingerprint, aligned: Stretch, disguise: Disguise) -> Readings:
        """How far what is stored stands out along a stretch, the higher the more; None where too little is there to tell."""
        ...

    def straightened(
        self, stored: Fingerprint, aligned: Stretch, disguise: Disguise, speeds: Sequence[float]
    ) -> Stretch:
        """The stretch on the line that what is stored fits best, of those near its own; ``speeds`` are the time scales that
        other streams have there.
        """
        ...


def _heard(clip: Clip) -> Look:
    from matching.by_peaks import Heard

    return Heard(clip)


def _shown(clip: Clip) -> Look:
    from matching.by_details import Shown

    return Shown(clip)


# Made on first use: what they need takes time to load.
LOOKS: dict[str, Callable[[Clip], Look]] = {"audio": _heard, "video": _shown}


class Witness:
    """What a capture shows of references, beside their codes."""

    def __init__(self, clip: Clip, extractor: Extractor, stored: Callable[[int], Fingerprint | None]) -> None:
        """``stored`` gives what confirms a reference's codes by id; None where there is nothing of it."""
        self._clip, self._kind, self._stored = clip, extractor.kind, stored
        self._models = confirmations(CONFIRMED_BY[extractor.algorithm])
        self._known: dict[tuple[Stretch, Disguise], Factors | None] = {}

    @cached_property
    def _look(self) -> Look:
        return LOOKS[self._kind](self._clip)

    def factors(self, found: Found, chance: float = 0.0) -> Factors | None:
        """By what the expected false matches of a stretch are multiplied; None where nothing can be said.

        Nothing is asked where ``chance`` gives so many that it could not make a match of it.
        """
        if chance > HOPELESS[self._kind]:
            return None
        key = found.stretch, found.disguise
        if key not in self._known:
            self._known[key] = self._told(*key)
        return self._known[key]

    def straightened(self, found: Found, others: Sequence[Line]) -> Found:
        """The same on the line, of those near its own, that what is stored of the reference fits best; ``others`` are the
        lines of other streams there.
        """
        stored = self._stored(found.stretch.ref_id)
        if stored is None:
            return found
        speeds = [line.time_scale for line in others]
        line = self._look.straightened(stored, found.stretch, found.disguise, speeds)
        return replace(found, stretch=line)

    def _told(self, aligned: Stretch, disguise: Disguise) -> Factors | None:
        stored = self._stored(aligned.ref_id)
        readings = () if stored is None else self._look.readings(stored, aligned, disguise)
        if all(reading is None for reading in readings):
            return None
        unrelated, siblings = (model.factor(readings) for model in self._models)
        return unrelated, siblings
