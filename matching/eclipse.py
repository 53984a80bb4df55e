"""Which of the stretches found are told: of those that are of the same seconds, what a better one explains away is not."""

from matching.found import Expected, Found
from matching.order import Rating, best_first
from matching.verify import Stretch

OVERLAP = 0.5  # of the shorter of two stretches, of one work of the lesser, from which they tell of the same seconds
ECLIPSED = 0.75  # of another's score over the same seconds, under which a stretch is only its likeness
SAME = 0.9  # of another's similarity, from which a shorter stretch is the same material
REPEATED = 0.9  # of its evidence, from which the same seconds are elsewhere in the same reference too


def without_eclipsed(found: list[Found], expected: Expected) -> list[Found]:
    """Best first (``matching.order``).

    Less those that tell of the same seconds as a much better one: a sequel, a loop, itself disguised. What is in another
    place of the same reference as well is kept: a loop, a repeated chorus.
    """
    kept: list[Found] = []
    for candidate in best_first(found, lambda f: _rating(f, expected)):
        rivals = [f for f in kept if _same_seconds(f.stretch, candidate.stretch)]
        if not any(_eclipses(f, candidate) for f in rivals):
            kept.append(candidate)
    return kept


def _rating(found: Found, expected: Expected) -> Rating:
    one = found.stretch
    span = (one.query_start, one.query_end)
    return Rating(one.ref_id, expected(found), one.evidence, span, one.time_scale * span[0] + one.offset)


def _eclipses(better: Found, candidate: Found) -> bool:
    """Of the same seconds: whether the better one explains the candidate away."""
    one, other = better.stretch, candidate.stretch
    if one.ref_id != other.ref_id:
        return candidate.score < ECLIPSED * better.score and not _shares(one, other)
    return other.evidence < REPEATED * one.evidence or not _elsewhere(one, other)


def _shares(whole: Stretch, piece: Stretch) -> bool:
    """Whether the score of a piece is less for its length alone, as that of a theme which other episodes have too."""
    short, long = (s.query_end - s.query_start for s in (piece, whole))
    return short < ECLIPSED * long and piece.similarity >= SAME * whole.similarity


def _elsewhere(one: Stretch, other: Stretch) -> bool:
    """Of one reference: whether they are of seconds of it that have little in common."""
    (a, b), (c, d) = (
        (s.time_scale * s.query_start + s.offset, s.time_scale * s.query_end + s.offset) for s in (one, other)
    )
    return min(b, d) - max(a, c) <= OVERLAP * min(b - a, d - c)


def _same_seconds(better: Stretch, candidate: Stretch) -> bool:
    """Of one work what the better one leaves of a longer candidate is told: it may hold the same work once more."""
    shared = min(better.query_end, candidate.query_end) - max(better.query_start, candidate.query_start)
    lengths = [s.query_end - s.query_start for s in (candidate, better)]
    return shared > OVERLAP * (lengths[0] if better.ref_id == candidate.ref_id else min(lengths))
