"""Scores of a benchmark: how much is found, how sure and how well placed.

Counts are kept beside rates, so that figures of several groups can be pooled; a mean of means is never taken.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

Z95 = 1.959964  # of the normal distribution, for an interval of 95 %


@dataclass(frozen=True, slots=True)
class Count:
    """So many of so many."""

    hits: int
    total: int

    @property
    def rate(self) -> float:
        """hits / total, in [0, 1]; 0 where nothing was counted."""
        return self.hits / self.total if self.total else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's interval of 95 % for the rate (E. B. Wilson, 1927); (0, 1) where nothing was counted."""
        if not self.total:
            return 0.0, 1.0
        n, p, z = self.total, self.rate, Z95
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - reach), min(1.0, middle + reach)


def counted(outcomes: Iterable[bool]) -> Count:
    """How many of the outcomes are true."""
    values = list(outcomes)
    return Count(sum(values), len(values))


@dataclass(frozen=True, slots=True)
class Prediction:
    """One claim of the system: the higher the score the surer; ``right`` where it is true."""

    score: float
    right: bool


def threshold(wrong: Sequence[float], allowed: int = 0) -> float:
    """The score to be exceeded so that at most ``allowed`` wrong scores pass; -inf if all may."""
    return sorted(wrong, reverse=True)[allowed] if allowed < len(wrong) else -math.inf


def recall_at(copies: Sequence[Prediction], strangers: Sequence[float], allowed: int = 0) -> Count:
    """Copies found when at most ``allowed`` strangers pass.

    copies     for each copy the best claim; where nothing was claimed, one with score -inf that is not right
    strangers  for each stranger the best score; -inf where nothing was claimed
    With ``allowed = 0`` this is the recall at zero false matches. The false positive rate is
    ``allowed / len(strangers)``: its denominator is the number of stranger queries.
    """
    limit = threshold(strangers, allowed)
    return counted(copy.right and copy.score > limit for copy in copies)


def micro_average_precision(claims: Iterable[Prediction], truths: int) -> float:
    """µAP in [0, 1]: all claims of all queries in one list, best first.

    ``sum over right claims of precision(rank) / truths``, with the claims of equal score taken together
    (as in the image similarity challenge, M. Douze et al., 2021). ``truths`` counts the claims that should
    be made.
    """
    ranked = sorted(claims, key=lambda claim: -claim.score)
    total, right, seen = 0.0, 0, 0
    while seen < len(ranked):
        tied = [claim for claim in ranked[seen:] if claim.score == ranked[seen].score]
        found = sum(claim.right for claim in tied)
        right, seen = right + found, seen + len(tied)
        total += found * right / seen
    return total / truths if truths else 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a query and the stretch of a reference it is, all in seconds."""

    query_start: float
    query_end: float
    ref_start: float
    ref_end: float

    @property
    def seconds(self) -> float:
        """Duration in the query."""
        return max(0.0, self.query_end - self.query_start)

    def ref_at(self, query_time: float) -> float:
        """The reference's second that a query's second is, on the line through both ends."""
        scale = (self.ref_end - self.ref_start) / (self.query_end - self.query_start) if self.seconds else 1.0
        return self.ref_start + scale * (query_time - self.query_start)


def offset_error(found: Span, true: Span) -> float:
    """Seconds of the reference between what was found and the truth, at the middle of what was found."""
    middle = (found.query_start + found.query_end) / 2
    return abs(found.ref_at(middle) - true.ref_at(middle))


def end_errors(found: Span, true: Span) -> tuple[float, float]:
    """Seconds of the query by which the start and the end of what was found miss the truth's."""
    return abs(found.query_start - true.query_start), abs(found.query_end - true.query_end)


def ref_overlap(one: Span, other: Span) -> float:
    """Seconds of the reference that both cover."""
    return max(0.0, min(one.ref_end, other.ref_end) - max(one.ref_start, other.ref_start))


def overlap(one: Span, other: Span) -> float:
    """Seconds of the query that both cover."""
    return max(0.0, min(one.query_end, other.query_end) - max(one.query_start, other.query_start))


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of errors in seconds: how many there are, their median and the value that nine in ten do not exceed."""

    number: int
    median: float
    p90: float


def quantiles(errors: Sequence[float]) -> Quantiles:
    """NaN for both where there are no errors."""
    if not errors:
        return Quantiles(0, math.nan, math.nan)
    return Quantiles(len(errors), float(np.median(errors)), float(np.quantile(errors, 0.9)))


@dataclass(frozen=True, slots=True)
class Seconds:
    """Of stretches on one axis of time.

    right    found and true
    claimed  found
    true     that should have been found
    """

    right: float
    claimed: float
    true: float

    @property
    def precision(self) -> float:
        """right / claimed; 1 where nothing was claimed."""
        return self.right / self.claimed if self.claimed else 1.0

    @property
    def recall(self) -> float:
        """right / true; 1 where there was nothing to find."""
        return self.right / self.true if self.true else 1.0

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.right + other.right, self.claimed + other.claimed, self.true + other.true)


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """Found stretches against true ones, on the query's time and on the references' (S. He et al., VCSL, CVPR 2022).

    precision = precision on the query's axis * precision on the references'; recall likewise
    """

    query: Seconds
    reference: Seconds

    @property
    def precision(self) -> float:
        """In [0, 1]: of what is claimed, what is so."""
        return self.query.precision * self.reference.precision

    @property
    def recall(self) -> float:
        """In [0, 1]: of what is so, what is claimed."""
        return self.query.recall * self.reference.recall

    def __add__(self, other: "SegmentScore") -> "SegmentScore":
        return SegmentScore(self.query + other.query, self.reference + other.reference)


NO_SEGMENTS = SegmentScore(Seconds(0.0, 0.0, 0.0), Seconds(0.0, 0.0, 0.0))


def segment_score(found: Sequence[tuple[str, Span]], true: Sequence[tuple[str, Span]]) -> SegmentScore:
    """Found stretches against true ones, each with its reference's name; neither overlap among themselves.

    What a found and a true stretch of one reference share counts when they share seconds of both axes.
    """
    shared = [(overlap(f, t), ref_overlap(f, t)) for name, f in found for other, t in true if name == other]
    right = [(query, reference) for query, reference in shared if query and reference]
    return SegmentScore(
        Seconds(sum(q for q, _ in right), sum(f.seconds for _, f in found), sum(t.seconds for _, t in true)),
        Seconds(
            sum(r for _, r in right),
            sum(f.ref_end - f.ref_start for _, f in found),
            sum(t.ref_end - t.ref_start for _, t in true),
        ),
    )


def poisson_bounds(count: int) -> tuple[float, float]:
    """The exact interval of 95 % for the mean of a Poisson variable of which ``count`` was seen (F. Garwood, 1936)."""
    low = float(scipy.stats.chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0
    return low, float(scipy.stats.chi2.ppf(0.975, 2 * count + 2)) / 2


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Chance matches that were claimed beside those that were seen.

    limit     expected false matches up to which a claim is counted
    claimed   queries * limit: how many there should be if what is claimed is so
    observed  how many there were
    """

    limit: float
    claimed: float
    observed: int

    @property
    def ratio(self) -> float:
        """observed / claimed: 1 where the claims are honest, less where they are cautious."""
        return self.observed / self.claimed


def reckoned(expected: Sequence[float], queries: int, limits: Sequence[float]) -> list[Reckoning]:
    """The expected false matches of all false claims in so many queries, counted up to each limit."""
    return [
        Reckoning(limit, queries * limit, sum(value <= limit for value in expected))
        for limit in limits
        if queries
    ]
