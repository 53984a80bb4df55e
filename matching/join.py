"""Stretches of windows -> segments on the capture's time axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fingerprint.extractor import Extractor
from matching.align import Line
from matching.found import Found
from matching.segment import Segment

SAME_LINE = 0.5  # seconds by which the ends of two stretches may miss each other's line and still be one
GAP = 3.0  # seconds that one stretch may be silent, black or spoilt


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment of a reference, with the number of chance matches at least as good, and its evidence (`Stretch`)."""

    ref_id: int
    segment: Segment
    expected: float
    evidence: float


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
    return Placed(line.ref_id, segment, expected, line.evidence)


def line_of(placed: Placed, found: Found, start: float) -> Line | None:
    """The line of a segment in the window that begins at ``start``, around the seconds it shares with a stretch; or None."""
    segment = placed.segment
    first = max(segment.query_start - start, found.stretch.query_start)
    last = min(segment.query_end - start, found.stretch.query_end)
    if placed.ref_id != found.stretch.ref_id or first >= last:
        return None
    offset = segment.ref_start - segment.time_scale * (segment.query_start - start)
    return Line(placed.ref_id, segment.time_scale, offset, (first + last) / 2, 0.0)


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


def of_track(found: Iterable[Placed], track: int, known: Sequence[Placed]) -> list[Placed]:
    """What is to be told of a further sound track, beside what is ``known``."""
    stamped = [replace(part, segment=replace(part.segment, track=track)) for part in found]
    return [part for part in stamped if not any(_same(part, other) for other in known)]


def _same(one: Placed, other: Placed) -> bool:
    """Whether two tracks of sound are of the same work for most of the time of one: versions of one sound are told once."""
    a, b = one.segment, other.segment
    shared = min(a.query_end, b.query_end) - max(a.query_start, b.query_start)
    return one.ref_id == other.ref_id and a.kind == b.kind and 2 * shared > a.query_end - a.query_start


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
    return Placed(earlier.ref_id, segment, best.expected, max(earlier.evidence, later.evidence))
