"""Segments -> one Match for each reference, and how matches relate: what one second of a capture is, is told once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from index.catalog import Reference
from matching.join import Placed
from matching.order import Rating, best_first
from matching.score import MATCH, NO_MATCH, REVIEW, verdict
from matching.segment import Match, Replaced, Segment

COVERED = 0.8  # of its seconds, from which a segment or a match counts as inside of others
LEFT = 0.5  # of its seconds that others must leave of a segment for it to be told
REPLACED = 3.0  # seconds at least of another stream than the work's
ASTRAY = 0.4  # seconds of the work between what two streams of the capture are, from which they contradict each other
# Expected at most so often, a segment may contradict the better ones of the other stream: shifted sound. A film is like
# itself in many places: that the work is known makes a worse one in another place no likelier to be right. Of copies of
# pictures above it three in a hundred are told at another place of their work, of those below it one.
SHIFTED = MATCH / 10

Span = tuple[float, float]
Filled = Callable[[str, int | None, float, float], bool]


def matches(
    placed: Iterable[Placed],
    reference: Callable[[int], Reference],
    filled: Filled,
    faintest: float = REVIEW,
) -> tuple[Match, ...]:
    """One Match for each reference that chance does not explain, best first, with those of its segments that it does not.

    ``filled(kind, reference or None for the capture, from, to)`` tells whether there is something in that stream in those
    seconds: where a stream is missing, silent or black on either side nothing was replaced.
    Of a reference that chance does explain, its best segment is told of when it is expected at most ``faintest`` times.
    """
    by_reference: dict[int, list[Placed]] = {}
    faint: dict[int, Placed] = {}
    for part in sorted(placed, key=lambda p: p.expected):
        if verdict(part.expected) is not None:
            by_reference.setdefault(part.ref_id, []).append(part)
        elif part.expected <= faintest and part.ref_id not in by_reference:
            faint.setdefault(part.ref_id, part)
    found = [_match(reference(ref_id), _consistent(parts)) for ref_id, parts in by_reference.items()]
    related = _related(sorted(found, key=lambda match: (match.expected_false_matches, match.reference.id)))
    segments = {ref_id: [part.segment for part in parts] for ref_id, parts in by_reference.items()}
    whole = [replace(match, replaced=_replaced(match, _same(match, segments), filled)) for match in related]
    return (*whole, *(_match(reference(ref_id), [part]) for ref_id, part in faint.items()))


def _consistent(parts: Sequence[Placed]) -> list[Placed]:
    """The parts of one reference, best first, without those that are not sure themselves and contradict whatever is better
    of most of their seconds: of sound that loops every turn is, and a picture agrees with one.
    """
    kept: list[Placed] = []
    for part in parts:
        beside = [(apart, p.segment) for p in kept if (apart := _apart(p.segment, part.segment)) is not None]
        agreed = [(p.query_start, p.query_end) for apart, p in beside if apart < ASTRAY]
        span = (part.segment.query_start, part.segment.query_end)
        agrees = _seconds(outside(span, agreed)) <= (1 - LEFT) * _seconds([span])
        if part.expected <= SHIFTED or not beside or agrees:
            kept.append(part)
    return kept


def _apart(one: Segment, other: Segment) -> float | None:
    """Seconds of the work between what they make sound and picture of the same seconds; None where they share none."""
    first = max(one.query_start, other.query_start)
    last = min(one.query_end, other.query_end)
    if one.kind == other.kind or last <= first:
        return None
    return abs(_along(one, (first + last) / 2) - _along(other, (first + last) / 2))


def _same(match: Match, segments: dict[int, list[Segment]]) -> list[Segment]:
    """All that is of this work or tied with it, segments that are not told among them."""
    return [segment for i in (match.reference.id, *match.tied_with) for segment in segments[i]]


def _replaced(match: Match, same: Sequence[Segment], filled: Filled) -> tuple[Replaced, ...]:
    """Seconds of the capture in which one stream is the work's, and the other is not among the ``same``."""
    found: list[Replaced] = []
    for kind, other in (("audio", "video"), ("video", "audio")):
        own = spans(same, kind)
        for segment in (s for s in match.segments if s.kind == other):
            for first, last in outside((segment.query_start, segment.query_end), own):
                there = _cut(segment, first, last)
                if (
                    last - first >= REPLACED
                    and filled(kind, None, first, last)
                    and filled(kind, match.reference.id, there.ref_start, there.ref_end)
                ):
                    joins = bool(found) and found[-1].kind == kind and first - found[-1].query_end <= REPLACED
                    found.append(Replaced(kind, found.pop().query_start if joins else first, last))
    return tuple(sorted(found, key=lambda r: (r.query_start, r.kind)))


def spans(segments: Iterable[Segment], *kinds: str) -> list[Span]:
    """Seconds of the capture that segments of these kinds are of."""
    return [(s.query_start, s.query_end) for s in segments if s.kind in kinds]


def outside(span: Span, others: Iterable[Span]) -> list[Span]:
    """The pieces of a span that no other one covers, in order."""
    pieces, reached = [], span[0]
    for first, last in sorted(others):
        if first > reached:
            pieces.append((reached, min(first, span[1])))
        reached = max(reached, last)
        if reached >= span[1]:
            break
    if reached < span[1]:
        pieces.append((reached, span[1]))
    return [(first, last) for first, last in pieces if last > first]


def _seconds(pieces: Iterable[Span]) -> float:
    return sum(last - first for first, last in pieces)


def _cut(segment: Segment, first: float, last: float) -> Segment:
    """The part of the segment from ``first`` to ``last`` in the capture."""
    ref_start, ref_end = _along(segment, first), _along(segment, last)
    return replace(segment, query_start=first, query_end=last, ref_start=ref_start, ref_end=ref_end)


def _along(segment: Segment, seconds: float) -> float:
    """The second of the reference that is at ``seconds`` of the capture."""
    return segment.ref_start + segment.time_scale * (seconds - segment.query_start)


def _match(reference: Reference, parts: Sequence[Placed]) -> Match:
    """Of each kind each second of the capture is in one segment at most, the best; what else it is like is a repeat."""
    told: list[Segment] = []
    repeats: list[Segment] = []
    for part in best_first(parts, _rating):
        segment = part.segment
        whole = (segment.query_start, segment.query_end)
        free = max(outside(whole, spans(told, segment.kind)), key=lambda s: s[1] - s[0], default=(0.0, 0.0))
        if free == whole:
            told.append(segment)
        elif _seconds([free]) >= LEFT * _seconds([whole]):
            told.append(_cut(segment, *free))
        else:
            repeats.append(segment)
    expected = min(part.expected for part in parts)
    ordered = (sorted(some, key=lambda s: (s.query_start, s.kind, s.ref_start)) for some in (told, repeats))
    told, repeats = ordered
    return Match(reference, tuple(told), expected, verdict(expected) or NO_MATCH, repeats=tuple(repeats))


def _rating(part: Placed) -> Rating:
    one = part.segment
    return Rating(one.kind, part.expected, part.evidence, (one.query_start, one.query_end), one.ref_start)


def _related(found: Sequence[Match]) -> tuple[Match, ...]:
    """The matches that explain the capture, with those that they explain, and those that are of the very same seconds."""
    lesser = [match for match in found if any(_explains(other, match) for other in found)]
    outer = [match for match in found if match not in lesser]
    also: dict[int, list[Match]] = {}
    for match in lesser:
        holder = next((other for other in outer if _explains(other, match)), None)
        if holder is None:
            outer.append(match)
        else:
            also.setdefault(holder.reference.id, []).append(match)
    outer.sort(key=found.index)
    return tuple(
        replace(
            match,
            also_in=tuple(also.get(match.reference.id, ())),
            tied_with=tuple(other.reference.id for other in outer if _tied(match, other)),
        )
        for match in outer
    )


def _explains(one: Match, other: Match) -> bool:
    """Whether all of the other is in this one, and more: an episode that is known by more than the theme of all episodes."""
    as_sure = one.verdict == "match" or other.verdict == "review"
    return as_sure and _holds(one, other) and not _as_much(other, one)


def _tied(one: Match, other: Match) -> bool:
    return (
        one is not other
        and (_holds(one, other) or _holds(other, one))
        and _as_much(one, other)
        and _as_much(other, one)
    )


def _holds(one: Match, other: Match) -> bool:
    """Whether every segment of the other is inside of this one's of the same kind."""
    return all(
        _seconds(outside((s.query_start, s.query_end), spans(one.segments, s.kind)))
        <= (1 - COVERED) * (s.query_end - s.query_start)
        for s in other.segments
    )


def _as_much(one: Match, other: Match) -> bool:
    """Whether this one is of nearly all the seconds that the other is of, in whatever stream."""
    mine, theirs = (spans(match.segments, "audio", "video") for match in (one, other))
    left = [piece for span in theirs for piece in outside(span, mine)]
    return _seconds(left) <= (1 - COVERED) * _seconds(theirs)
