"""Scores -> expected false matches: how often chance alone gives a score as high, in a search as large.

The excess of unrelated queries' best scores over a high threshold falls exponentially, as the maximum over many alignments does
when their tail does (Karlin and Altschul, PNAS 1990; Pickands, 1975):

    expected(score) = (query seconds * reference seconds) * density * exp(-(score - threshold) / scale)

``benchmarks.calibrate`` fits the three numbers on real unrelated media and writes them with the run that made them.
"""

import json
import math
from dataclasses import dataclass
from importlib.resources import files

MATCH = 1e-3  # expected false matches up to which a match is called one
REVIEW = 0.3  # and up to which a person should look
SHORTEST = 10.0  # seconds a shorter query counts as: its ends are tried everywhere too


@dataclass(frozen=True, slots=True)
class NullModel:
    """Fitted on unrelated media: how many scores of at least ``threshold`` a square second of search gives, and how fast they thin out."""

    threshold: float
    density: float
    scale: float

    def expected_false_matches(self, score: float, query_seconds: float, reference_seconds: float) -> float:
        """Chance matches at least as good in a query of this length against a catalog of this size; at most 1 a query second."""
        searched = max(query_seconds, SHORTEST) * max(reference_seconds, 1.0)
        exponent = math.log(searched * self.density) - (score - self.threshold) / self.scale
        return math.exp(max(-700.0, min(exponent, math.log(max(query_seconds, 1.0)))))


def null_model(algorithm: str) -> NullModel:
    """The shipped null model of an algorithm's scores."""
    path = files("matching") / "models" / f"{algorithm.replace('/', '-')}.json"
    fitted = json.loads(path.read_text())["null_model"]
    return NullModel(fitted["threshold"], fitted["density"], fitted["scale"])


def verdict(expected_false_matches: float) -> str | None:
    """"match", "review", or None for what chance explains."""
    if expected_false_matches <= MATCH:
        return "match"
    return "review" if expected_false_matches <= REVIEW else None
