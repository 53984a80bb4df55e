"""Stretches of windows -> segments on the capture's time axis -> one Match for each reference."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fingerprint.extractor import Extractor
from index.catalog import Reference
from matching.score import NO_MATCH, REVIEW, verdict
from matching.search import Found
from matching.segment import Match, Segment

SAME_LINE = 0.5  # seconds by which the ends of two stretches may miss each other's line and still be one
GAP = 3.0  # seconds that one stretch may be silent, black or spoilt


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment of a reference, with the number of chance matches at least as good."""

    ref_id: int
    segment: Segment
    expected: float


def place(
    found: Found, extractor: Extractor, start: float, length: float, expected: float, reference_length: float
) -> Placed:
    """A stretch of the window that begins at ``start`` and is ``length`` seconds long, on the capture's time axis.

    A code tells of ``span`` seconds around its time. Where a stretch ends inside the capture its last codes are already half
    outside, and their times are its ends; where no code lies beyond, it reaches half a span further.
    """
    line = found.stretch
    before, after = (
        extractor.span / 2 * (q or r) for q, r in zip(line.at_query_edges, line.at_ref_edges, strict=True)
    )
    first = max(line.query_start - before, -line.offset / line.time_scale, 0.0)
    last = min(line.query_end + after, (reference_length - line.offset) / line.time_scale, length)
    segment = Segment(
        kind=extractor.kind,
        query_start=start + first,
        query_end=start + last,
        ref_start=line.time_scale * first + line.offset,
        ref_end=line.time_scale * last + line.offset,
        disguise=replace(found.disguise, time_scale=line.time_scale),
        score=found.score,
    )
    return Placed(line.ref_id, segment, expected)


def joined(placed: Iterable[Placed]) -> list[Placed]:
    """The same with stretches of one line, cut by windows or gaps, made one."""
    whole: list[Placed] = []
    for part in sorted(placed, key=lambda p: (p.ref_id, p.segment.query_start)):
        for i, earlier in enumerate(whole):
            if _continues(earlier, part):
                whole[i] = _one(earlier, part)
                break
        else:
            whole.append(part)
    return whole


def _continues(earlier: Placed, later: Placed) -> bool:
    one, two = earlier.segment, later.segment
    if earlier.ref_id != later.ref_id or one.kind != two.kind or one.disguise.mirror != two.disguise.mirror:
        return False
    if not two.query_start - one.query_start >= -1e-6 or two.query_start - one.query_end > GAP:
        return False
    scale = max(one.time_scale, two.time_scale)
    foretold = one.ref_end + scale * (two.query_start - one.query_end)
    return abs(foretold - two.ref_start) <= SAME_LINE and two.ref_end > one.ref_start


def _one(earlier: Placed, later: Placed) -> Placed:
    one, two = earlier.segment, later.segment
    best = earlier if earlier.expected <= later.expected else later
    last = one if one.query_end >= two.query_end else two
    seconds = last.query_end - one.query_start
    disguise = best.segment.disguise
    if seconds > 0 and last is two:
        disguise = replace(disguise, time_scale=(last.ref_end - one.ref_start) / seconds)
    segment = replace(
        best.segment,
        query_start=one.query_start,
        query_end=last.query_end,
        ref_start=one.ref_start,
        ref_end=last.ref_end,
        disguise=disguise,
    )
    return Placed(earlier.ref_id, segment, best.expected)


def matches(
    placed: Iterable[Placed], reference: Callable[[int], Reference], faintest: float = REVIEW
) -> tuple[Match, ...]:
    """One Match for each reference that chance does not explain, best first, with those of its segments that it does not.

    Of a reference that chance does explain, its best segment is told of when it is expected at most ``faintest`` times.
    """
    by_reference: dict[int, list[Placed]] = {}
    for part in sorted(placed, key=lambda p: p.expected):
        told = by_reference.setdefault(part.ref_id, [])
        if verdict(part.expected) is not None or (not told and part.expected <= faintest):
            told.append(part)
    found = [_match(reference(ref_id), parts) for ref_id, parts in by_reference.items() if parts]
    return tuple(sorted(found, key=lambda match: (match.expected_false_matches, match.reference.id)))


def _match(reference: Reference, parts: list[Placed]) -> Match:
    expected = min(part.expected for part in parts)
    segments = sorted((part.segment for part in parts), key=lambda s: (s.query_start, s.kind))
    return Match(reference, tuple(segments), expected, verdict(expected) or NO_MATCH)
