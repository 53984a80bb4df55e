"""Lines -> aligned stretches: every stored code along the line is compared, the line is bent straight, its ends are found.

The score of a stretch is its mean similarity in units of what chance gives *these* two sequences. With s_i the similarity of
code i of the query to its partner, mu_i and sigma_i its mean and deviation over unrelated codes, and q and r the likenesses
of the codes of each sequence among themselves, chance gives the sum of (s_i - mu_i) the variance

    sum over i, j of  sigma_i * sigma_j * q_ij * r_ij

for two sequences that have nothing to do with each other. A metronome against a loop, or one still picture against another,
has all likenesses near 1: however long they are, they count as one code. This is what makes them comparable with music.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint, Query, unpack
from matching.align import Line, time_scales

Array = NDArray[np.float32]
Rows = NDArray[np.int64]
Background = tuple[NDArray[np.float64], NDArray[np.float64]]

BENT = 0.01  # of time scale: the first step of straightening
STRANGE = 6e-3  # of the evidence, for each BENT that a line is turned away from what was assumed
WORTH = 1.5  # deviations above chance from which a pair speaks for the stretch and below which against it
ENDING = 0.5  # of the usual evidence of a stretch, below which its ends are cut
ASTRAY = 1.0  # seconds by which what hardly moves may mislead the vote for an offset
HOLE = 4.0  # seconds at least of something else inside a copy: an insert, a dubbed scene
LEFT = 1.0  # seconds at least of a copy that holes leave
LOST = 0.4  # of a copy's usual similarity, in deviations of chance, under which a code speaks for a hole
REACH = 3.0  # seconds of reference beyond the line's ends that bending it may need
SLACK = 0.16  # seconds at most between a stored code's place in the query and the query's nearest code
EDGE = 0.5  # seconds at the very ends of a sequence, the codes of which may be spoilt by what they do not see
LEAST = 1.0  # seconds of pairs without which there is nothing to score; two pairs at least


def background(signs: Array) -> Background:
    """The mean (bits,) and covariance (bits, bits) of codes (m, bits) in {-1, +1}."""
    mean = signs.mean(0, dtype=np.float64)
    centred = signs - mean
    return mean, centred.T @ centred / len(signs)


def only(query: Query, rows: Rows) -> Query:
    """Some of the query's codes."""
    made = query.fingerprint
    kept = replace(made, times=made.times[rows], codes=made.codes[rows], weak=made.weak[rows])
    return Query(kept, query.reliability[rows], query.disguise)


class Side:
    """The query's side of many alignments: its codes as weights, and what chance gives each of them."""

    def __init__(self, query: Query, background: Background) -> None:
        """``background``: of codes that have nothing to do with any query."""
        self.query = query
        self.times = query.fingerprint.times
        self._background = background

    @cached_property
    def weights(self) -> Array:
        """(n, bits), each row's absolute values summing to 1: an uncertain bit counts less."""
        squashed = np.tanh(self.query.reliability)
        return np.asarray(squashed / (np.abs(squashed).sum(1, keepdims=True) + 1e-9))

    @cached_property
    def chance(self) -> tuple[Array, Array]:
        """Mean and deviation (n, 1) of each code's similarity to unrelated ones.

        Of weights w these are ``w . mean`` and ``sqrt(w . covariance . w)`` of the background.
        """
        mean, covariance = self._background
        weights = self.weights.astype(np.float64)
        variance = ((weights @ covariance) * weights).sum(1, keepdims=True)
        deviation = np.sqrt(np.maximum(variance, 0.0)) + 1e-6
        return np.asarray(weights @ mean[:, None], np.float32), np.asarray(deviation, np.float32)

    def part(self, rows: Rows) -> "Side":
        """The same of some of the codes."""
        made = Side(only(self.query, rows), self._background)
        mean, deviation = self.chance
        made.__dict__["weights"] = self.weights[rows]
        made.__dict__["chance"] = (mean[rows], deviation[rows])
        return made

    @cached_property
    def unit(self) -> Array:
        """The weights with rows of length 1: their products are likenesses."""
        return np.asarray(self.weights / (np.linalg.norm(self.weights, axis=1, keepdims=True) + 1e-9))

    def nearest(self, times: NDArray[np.float64]) -> tuple[Rows, NDArray[np.bool_]]:
        """Row of the code nearest to each time, and whether it is near enough."""
        rows = np.searchsorted((self.times[1:] + self.times[:-1]) / 2, times)
        return rows, np.abs(self.times[rows] - times) <= SLACK


@dataclass(frozen=True, slots=True)
class Stretch:
    """An aligned stretch: the line and its times from first to last code.

    likeness        what both share throughout, in deviations of chance
    motion          what both share in how they change, in deviations of chance
    similarity      mean similarity of the codes: 1 for the same bits, 0 for unrelated ones
    at_query_edges  whether it begins, ends with the query, but for EDGE seconds
    at_ref_edges    the same of the reference
    distinct        different codes that the reference has there: 1 for a picture that stands still
    holes           seconds of the query, from and to, inside of it in which something else is heard or seen
    """

    ref_id: int
    time_scale: float
    offset: float
    query_start: float
    query_end: float
    likeness: float
    motion: float
    similarity: float
    at_query_edges: tuple[bool, bool]
    at_ref_edges: tuple[bool, bool]
    distinct: float
    holes: tuple[tuple[float, float], ...] = ()

    @property
    def evidence(self) -> float:
        """What both share throughout and in how they change, together: of one capture and one work it tells places apart."""
        return float(np.hypot(self.likeness, max(self.motion, 0.0)))


def parts(whole: Stretch) -> list[Stretch]:
    """What the holes of a stretch leave of it; each part keeps its scores, for all of them are on one line.

    Less than LEFT of something longer is nothing; all of a short query or of a short reference is.
    """
    if not whole.holes and (all(whole.at_query_edges) or all(whole.at_ref_edges)):
        return [whole]
    starts = [whole.query_start, *(last for _, last in whole.holes)]
    ends = [*(first for first, _ in whole.holes), whole.query_end]
    return [
        replace(
            whole,
            query_start=start,
            query_end=end,
            at_query_edges=_outer(whole.at_query_edges, i, len(starts)),
            at_ref_edges=_outer(whole.at_ref_edges, i, len(starts)),
            holes=(),
        )
        for i, (start, end) in enumerate(zip(starts, ends, strict=True))
        if end - start >= LEFT
    ]


def _outer(edges: tuple[bool, bool], i: int, count: int) -> tuple[bool, bool]:
    return edges[0] and i == 0, edges[1] and i == count - 1


def line_of(aligned: Stretch) -> Line:
    """The line of a stretch, about its middle."""
    middle = (aligned.query_start + aligned.query_end) / 2
    return Line(aligned.ref_id, aligned.time_scale, aligned.offset, middle, 0.0)


def on_time(line: Line, aligned: Stretch) -> bool:
    """Whether the middle of the line is inside the stretch."""
    return aligned.query_start <= line.middle <= aligned.query_end


def apart(line: Line, aligned: Stretch) -> float:
    """Seconds of reference between the two at the line's middle."""
    return abs((line.time_scale - aligned.time_scale) * line.middle + line.offset - aligned.offset)


def on(line: Line, aligned: Stretch) -> bool:
    """Whether the line is that of a stretch that is known already."""
    return line.ref_id == aligned.ref_id and on_time(line, aligned) and apart(line, aligned) < 1.0


class Partner:
    """The reference's side: its codes within reach of a line; how many of them are EDGE and LEAST seconds."""

    def __init__(self, reference: Fingerprint, first: float, last: float) -> None:
        begin, end = np.searchsorted(reference.times, [first, last])
        self.times = reference.times[begin:end]
        self.weak = reference.weak[begin:end]
        self.signs = unpack(reference.codes[begin:end])
        self.edges = (bool(begin == 0), bool(end == len(reference)))
        spacing = max(float(np.median(np.diff(self.times))), 0.01) if len(self.times) > 1 else LEAST
        self.edge, self.fewest = max(1, round(EDGE / spacing)), max(2, round(LEAST / spacing))


def stretch(
    side: Side, reference: Fingerprint, line: Line, tolerance: float, brief: bool = False
) -> Stretch | None:
    """The best stretch along the line or one near it; None when too few codes meet there.

    ``brief``: its likeness and motion are asked for, and neither how distinct it is nor its holes.
    """
    last = line.offset + line.time_scale * side.query.fingerprint.duration
    partner = Partner(reference, line.offset - REACH, last + REACH)
    if len(partner.times) < partner.fewest or not len(side.times):
        return None
    mean, deviation = side.chance
    evidence = (side.weights @ partner.signs.T - mean) / deviation - WORTH
    evidence[side.query.fingerprint.weak] = 0
    evidence[:, partner.weak] = 0
    scale, offset = _straighten(side, partner, evidence, line, tolerance)
    return _scored(side, partner, evidence, line.ref_id, scale, offset, brief)


def agreement(side: Side, reference: Fingerprint, found: Stretch) -> float:
    """Mean similarity of the query's codes along a stretch that was found, in [-1, 1]; -1 where they do not meet."""
    partner = Partner(
        reference, found.offset, found.offset + found.time_scale * side.query.fingerprint.duration
    )
    if not len(partner.times) or not len(side.times):
        return -1.0
    times = (partner.times - found.offset) / found.time_scale
    rows, there = side.nearest(times)
    there &= (times >= found.query_start - 1e-6) & (times <= found.query_end + 1e-6)
    if not there.any():
        return -1.0
    return float((side.weights[rows[there]] * partner.signs[there]).sum(1).mean())


def _straighten(
    side: Side, partner: Partner, evidence: Array, line: Line, tolerance: float
) -> tuple[float, float]:
    """Time scale and offset near the line's with the most evidence: first shifted, then turned about the best stretch."""
    assumed = side.query.disguise.time_scale
    near, far = np.arange(-0.4, 0.401, 0.04), np.arange(-ASTRAY, ASTRAY + 0.001, 0.04)
    scales = np.repeat([line.time_scale, assumed], [len(near), len(far)])
    shifted = line.offset + line.time_scale * line.middle + np.concatenate([near, far])
    offsets = shifted - scales * line.middle
    sums, ends_of = _runs(side, partner, evidence, scales, offsets)
    best = int(np.argmax(_fair(side, sums, scales)))
    scale, offset = float(scales[best]), float(offsets[best])
    span = partner.times[[*ends_of(best)]]
    for step, width in ((BENT, tolerance), (BENT / 4, 3 * BENT / 4)):
        scale, offset, span = _turn(side, partner, evidence, scale, offset, span, step, min(width, tolerance))
    return scale, offset


def _fair(side: Side, sums: Array, scales: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of evidence, a faster line's as if it met no more codes than the assumed one: a still picture's all agree."""
    return np.asarray(sums * np.minimum(1.0, side.query.disguise.time_scale / scales))


def _turn(
    side: Side,
    partner: Partner,
    evidence: Array,
    scale: float,
    offset: float,
    span: NDArray[np.float64],
    step: float,
    width: float,
) -> tuple[float, float, NDArray[np.float64]]:
    """The best of the lines turned by up to ``width`` about the middle of ``span`` (reference seconds)."""
    pivot = (float(span.mean()) - offset) / scale
    turns = time_scales(1.0, width, step)
    shifts = np.arange(-0.08, 0.081, 0.02 if step < BENT else 0.04)
    scales = np.repeat(scale * turns, len(shifts))
    offsets = scale * pivot + offset + np.tile(shifts, len(turns)) - scales * pivot
    sums, ends_of = _runs(side, partner, evidence, scales, offsets)
    # A still picture fits every line: of equals the one nearest to what was assumed is taken.
    bends = np.minimum(np.abs(scales / side.query.disguise.time_scale - 1) / BENT, 5)
    strangeness = STRANGE * (bends + np.abs(np.tile(shifts, len(turns))))
    best = int(np.argmax(_fair(side, sums, scales) * (1 - strangeness)))
    return float(scales[best]), float(offsets[best]), partner.times[[*ends_of(best)]]


def _along(
    side: Side, partner: Partner, evidence: Array, scales: NDArray[np.float64], offsets: NDArray[np.float64]
) -> tuple[Array, Rows, NDArray[np.bool_]]:
    """Evidence of each of the reference's codes on each line, 0 off the query; its row in the query; whether it has one."""
    rows, there = side.nearest((partner.times[None] - offsets[:, None]) / scales[:, None])
    return np.where(there, evidence[rows, np.arange(len(partner.times))], 0), rows, there


def _runs(
    side: Side, partner: Partner, evidence: Array, scales: NDArray[np.float64], offsets: NDArray[np.float64]
) -> tuple[Array, Callable[[int], tuple[int, int]]]:
    """For each line the largest sum of evidence over consecutive codes (Kadane); of one line, their first and last."""
    along, _, _ = _along(side, partner, evidence, scales, offsets)
    total = np.concatenate([np.zeros((len(along), 1), along.dtype), np.cumsum(along, 1)], axis=1)
    rise = total[:, 1:] - np.minimum.accumulate(total, axis=1)[:, :-1]
    ends = np.argmax(rise, 1)

    def span(line: int) -> tuple[int, int]:
        # The last of equal lowest points: a stretch does not begin with codes that say nothing.
        end = int(ends[line])
        return min(end - int(np.argmin(total[line, end::-1])), end), end

    return rise[np.arange(len(along)), ends], span


def _scored(
    side: Side,
    partner: Partner,
    evidence: Array,
    ref_id: int,
    scale: float,
    offset: float,
    brief: bool,
) -> Stretch | None:
    one = np.array([scale]), np.array([offset])
    begin, end = _runs(side, partner, evidence, *one)[1](0)
    along, rows, there = (values[0] for values in _along(side, partner, evidence, *one))
    # A copy is about as like its original at its ends as in its middle: what is much less so lies outside.
    usual = float(along[begin : end + 1].mean()) + WORTH
    less = evidence - max(0.0, ENDING * usual - WORTH) * (evidence != 0)
    begin, end = _runs(side, partner, less, *one)[1](0)
    taken = np.zeros(len(there), bool)
    taken[begin : end + 1] = True
    strong = taken & there & ~partner.weak & ~side.query.fingerprint.weak[rows]
    if strong.sum() < partner.fewest:
        return None
    times, columns = (partner.times[[begin, end]] - offset) / scale, np.flatnonzero(strong)
    near = np.flatnonzero(there)
    return Stretch(
        ref_id,
        scale,
        offset,
        float(times[0]),
        float(times[1]),
        _likeness(side, partner, evidence, rows[strong], columns),
        _motion(side, partner, rows[strong], columns),
        float((side.weights[rows[strong]] * partner.signs[strong]).sum(1).mean()),
        (bool(begin <= near[0] + partner.edge), bool(end >= near[-1] - partner.edge)),
        (
            partner.edges[0] and bool(begin <= partner.edge),
            partner.edges[1] and bool(end >= len(there) - 1 - partner.edge),
        ),
        1.0 if brief else _distinct(partner.signs[strong]),
        ()
        if brief
        else _holes((partner.times[strong] - offset) / scale, evidence[rows[strong], columns] + WORTH),
    )


def _distinct(signs: Array) -> float:
    """Codes (n, bits) over how many of them each is like: ``n / mean_i sum_j max(0, r_ij)``, from 1 to n."""
    alike = np.clip(signs @ signs.T / signs.shape[1], 0, None)
    return float(len(signs) / alike.sum(1).mean())


def _holes(times: NDArray[np.float64], similar: Array) -> tuple[tuple[float, float], ...]:
    """From and to of the runs of HOLE seconds or more, between codes that are alike, that chance explains.

    ``similar`` (n,): what is said for the codes at the query's ``times``, in deviations of chance. A copy that is merely
    drowned for a while is still more alike than chance.
    """
    lost = LOST * np.percentile(similar, 75) - similar
    total = np.concatenate([[0.0], np.cumsum(lost)])
    end = int(np.argmax(total[1:] - np.minimum.accumulate(total)[:-1]))
    begin = end - int(np.argmin(total[end::-1]))
    if times[end] - times[begin] < HOLE or similar[begin : end + 1].mean() >= WORTH / 2:
        return ()
    before, after = slice(0, begin), slice(end + 1, None)
    kept = [_holes(times[side], similar[side]) if len(times[side]) else () for side in (before, after)]
    return (*kept[0], (float(times[max(begin - 1, 0)]), float(times[min(end + 1, len(times) - 1)])), *kept[1])


def _likeness(side: Side, partner: Partner, evidence: Array, rows: Rows, columns: Rows) -> float:
    """The sum of similarities above chance, in deviations of what chance gives these two sequences."""
    deviation = side.chance[1][rows, 0].astype(np.float64)
    above = (evidence[rows, columns] + WORTH) * deviation
    query, reference = side.unit[rows], partner.signs[columns]
    alike = (query @ query.T) * (reference @ reference.T / reference.shape[1])
    return float(above.sum() / np.sqrt(max(deviation @ alike.astype(np.float64) @ deviation, 1e-9)))


def _motion(side: Side, partner: Partner, rows: Rows, columns: Rows) -> float:
    """The same of the codes less their means: what the two sequences share in how they change."""
    query, reference = side.weights[rows].astype(np.float64), partner.signs[columns].astype(np.float64)
    deviation = side.chance[1][rows, 0]
    # Bits are not independent: this is how much more a similarity varies than if they were.
    excess = np.mean(deviation**2 / (query**2).sum(1))
    query, reference = query - query.mean(0), reference - reference.mean(0)
    variance = excess * ((query @ query.T) * (reference @ reference.T)).sum() / reference.shape[1]
    return float((query * reference).sum() / np.sqrt(max(variance, 1e-12)))
