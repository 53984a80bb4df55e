"""What is told first: that it is this work chance decides; where in it, of places for the same seconds, evidence does.

What chance gives under one disguise, mirrored say, is no measure of how well a place agrees beside one under another.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from matching.score import MATCH

ALIKE = 0.5  # of the longer of two, from which they are places for the same seconds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rating:
    """What decides about one.

    of        what it must have in common with another place for the same seconds: work, stream
    expected  how often chance gives as much
    evidence  (``matching.verify.Stretch``)
    span      seconds of the capture, from and to
    place     second of the work: of equals the first is told first
    """

    of: Hashable
    expected: float
    evidence: float
    span: tuple[float, float]
    place: float


def best_first(some: Sequence[T], rate: Callable[[T], Rating]) -> list[T]:
    """By what chance gives; of matches that are places for the same seconds by evidence, as surely as the surest of them."""
    rated = [(rate(one), one) for one in some]
    sure = [rating for rating, _ in rated if rating.expected <= MATCH]

    def order(pair: tuple[Rating, T]) -> tuple[float, float, float, float]:
        one = pair[0]
        surer = (other.expected for other in sure if one.expected <= MATCH and _alike(one, other))
        return min(surer, default=one.expected), -one.evidence, one.span[0], one.place

    return [one for _, one in sorted(rated, key=order)]


def _alike(one: Rating, other: Rating) -> bool:
    (a, b), (c, d) = one.span, other.span
    return one.of == other.of and min(b, d) - max(a, c) > ALIKE * max(b - a, d - c)
