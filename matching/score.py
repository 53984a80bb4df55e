"""Scores -> expected false matches: how often chance alone gives a score as high, in a search as large.

The excess of unrelated queries' best scores over a high threshold falls exponentially, as the maximum over many
alignments does when their tail does (Karlin and Altschul, PNAS 1990; Pickands, 1975). A capture of an unregistered
episode of a registered series meets more likeness than that, and no more of it in a larger catalog:

    expected(score) = query seconds * reference codes * density * exp(-(score - threshold) / scale)
                    + query seconds * sibling_rate * exp(-(score - sibling_threshold) / sibling_scale)
                    + query seconds * in_step_rate * exp(-(score - in_step_threshold) / in_step_scale)

The last are the few titles of a series whose pictures move in step, made by one machine along one path: these have a tail of
their own, for nothing but their score tells them from a copy.

Each stage of disguises has numbers of its own; what all of them may give by chance is shared out among them (weighted
Bonferroni), for a plain copy is likelier than one under the two-hundredth disguise. So has each of a few lengths of query,
for two seconds are never as like a loop as ten may be; between two lengths the logarithm is interpolated.
``benchmarks.calibrate`` fits the numbers on real media and writes them with the run that made them.
"""

import json
import math
from bisect import bisect
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

MATCH = 1e-2  # expected false matches up to which a match is called one
REVIEW = 0.03  # and up to which a person should look
NO_MATCH = "no-match"  # what chance explains
SMALLEST = 50_000  # codes a smaller catalog counts as, to be cautious: what sound scores was fitted on 27,000
TRIAL = 10.0  # seconds of the longest windows that null models are fitted on

# By which what confirms a stretch multiplies what is unrelated, and titles of its series.
Factors = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NullModel:
    """Fitted on windows of one length of media that do not hold each other.

    seconds    the length; a shorter query counts as this long, for its ends are tried everywhere too
    threshold  the score above which the tail of unrelated media was fitted
    density    scores of at least that, for each second of query and each registered code
    scale      by how much the score must rise for e times fewer of them
    sibling_*  the same of titles of one series; its rate is for each second of query, and holds the share of queries
               that are assumed to be such (``benchmarks.calibrate``)
    in_step_*  the same of those of them that move in step; of sound there are none
    """

    seconds: float
    threshold: float
    density: float
    scale: float
    sibling_threshold: float
    sibling_rate: float
    sibling_scale: float
    in_step_threshold: float = 0.0
    in_step_rate: float = 0.0
    in_step_scale: float = 1.0

    def expected_false_matches(
        self,
        score: float,
        query_seconds: float,
        reference_codes: int,
        sibling_seconds: float | None = None,
        factors: Factors = (1.0, 1.0),
    ) -> float:
        """Chance matches at least as good in a query of this length against this many registered codes.

        ``sibling_seconds`` are those that titles of a registered series count for, where they are fewer.
        """
        seconds, codes = max(query_seconds, self.seconds), max(reference_codes, SMALLEST)
        unrelated = seconds * codes * self.density * _tail(score - self.threshold, self.scale)
        seconds = seconds if sibling_seconds is None else sibling_seconds
        siblings = seconds * self.sibling_rate * _tail(score - self.sibling_threshold, self.sibling_scale)
        in_step = seconds * self.in_step_rate * _tail(score - self.in_step_threshold, self.in_step_scale)
        return unrelated * factors[0] + siblings * factors[1] + in_step


def _tail(excess: float, scale: float) -> float:
    return math.exp(min(max(-excess / scale, -700.0), 20.0))


def _shipped(algorithm: str) -> Any:
    path = files("matching") / "models" / f"{algorithm.replace('/', '-')}.json"
    return json.loads(path.read_text())


@dataclass(frozen=True, slots=True)
class Calibration:
    """How an algorithm's scores are made and what they mean.

    exactness  how much it weighs that codes are the same and not only alike (``matching.rate.score``)
    stages     the null models of what is found as captured, and of each stage of disguises: the more are tried, the higher
               chance reaches. Each stage has one for each length of query that it was fitted on, shortest first
    weights    how the false matches that are put up with are shared out among the stages; they sum to 1
    anew       similarity under which what keeps another tempo may be spoken or played anew (``matching.doubt``)
    """

    exactness: float
    anew: float
    stages: tuple[tuple[NullModel, ...], ...]
    weights: tuple[float, ...]

    @property
    def heard(self) -> bool:
        """Whether it is of sound: pictures are not spoken or played anew."""
        return self.anew > 0

    def expected_false_matches(
        self,
        score: float,
        stage: int,
        query_seconds: float,
        reference_codes: int,
        sibling_seconds: float | None = None,
        factors: Factors = (1.0, 1.0),
    ) -> float:
        """Chance matches at least as good, in all stages together: a stage of little weight must show the more for it."""
        shorter, longer, share = _around(self.stages[stage], query_seconds)
        few, many = (
            model.expected_false_matches(score, query_seconds, reference_codes, sibling_seconds, factors)
            for model in (shorter, longer)
        )
        return math.pow(few, 1 - share) * math.pow(many, share) / self.weights[stage]


def _around(models: tuple[NullModel, ...], seconds: float) -> tuple[NullModel, NullModel, float]:
    """The models of the lengths below and above this one, and how far it is from the lower to the upper, 0 to 1."""
    place = bisect([model.seconds for model in models], seconds)
    shorter, longer = models[max(place - 1, 0)], models[min(place, len(models) - 1)]
    between = longer.seconds - shorter.seconds
    return shorter, longer, (seconds - shorter.seconds) / between if between else 0.0


def calibration(algorithm: str) -> Calibration:
    """The shipped calibration of an algorithm."""
    stored = _shipped(algorithm)
    stages = tuple(tuple(NullModel(**model) for model in stage) for stage in stored["stages"])
    return Calibration(stored["exactness"], stored["anew"], stages, tuple(stored["weights"]))


def verdict(expected_false_matches: float) -> str | None:
    """ "match", "review", or None for what chance explains."""
    if expected_false_matches <= MATCH:
        return "match"
    return "review" if expected_false_matches <= REVIEW else None
