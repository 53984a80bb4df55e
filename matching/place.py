"""Where else in its work a short stretch may lie: every place is compared, not only those that had votes.

Of pictures that hardly move the nearest codes are any few of hundreds that are about as near, and their votes are spread
over as many places; the true one is told by how well all codes agree along it.
"""

from dataclasses import replace

import numpy as np

from fingerprint.fingerprint import Fingerprint, Times, unpack
from matching.align import Line
from matching.verify import ASTRAY, SLACK, Array, Rows, Side, Stretch, line_of

PLACES = 6  # told of one stretch
BLOCK = 4096  # codes that are compared at once: those of a film, spelled out, are many times what is stored


def places(side: Side, reference: Fingerprint, found: Stretch) -> list[Line]:
    """The PLACES lines of the stretch's time scale along which its seconds agree best with the reference, less its own."""
    made = side.query.fingerprint
    inside = (made.times >= found.query_start - 1e-6) & (made.times <= found.query_end + 1e-6)
    rows = np.flatnonzero(inside & ~made.weak)
    columns = np.flatnonzero(~reference.weak)
    if not len(rows) or not len(columns):
        return []
    # Of the query as many codes as are stored: between two stored ones nothing is alike. They are tried in every phase.
    step = max(1, round(_usual(reference) / found.time_scale / _usual(made)))
    above = _above(side.part(rows), reference, columns)
    phases = [
        _agreement(above[first::step], made.times[rows[first::step]], reference.times[columns], found)
        for first in range(min(step, len(rows)))
    ]
    offsets, agreed = (np.concatenate(values) for values in zip(*phases, strict=True))
    kept = [found.offset]
    for at in np.argsort(-agreed, kind="stable"):
        if all(abs(offsets[at] - other) > ASTRAY for other in kept):
            kept.append(float(offsets[at]))
            if len(kept) > PLACES:
                break
    return [replace(line_of(found), offset=offset) for offset in kept[1:]]


def _usual(fingerprint: Fingerprint) -> float:
    """Seconds from a code to the next, as a rule: times are whole milliseconds, and steps of 16.7 are of 16 and 17."""
    steps = np.diff(fingerprint.times)
    if not len(steps):
        return 1.0
    # One of the steps: of as many of 0.12 as of 0.16 s none lies in the middle.
    usual = np.percentile(steps, 50, method="lower")
    return max(float(steps[np.abs(steps - usual) < 1.5e-3].mean()), 0.01)


def _above(side: Side, reference: Fingerprint, columns: Rows) -> Array:
    """Similarity of each of the side's codes to each of these of the reference beyond chance, in deviations."""
    mean, deviation = side.chance
    blocks = (reference.codes[columns[i : i + BLOCK]] for i in range(0, len(columns), BLOCK))
    similar = np.concatenate([side.weights @ unpack(codes).T for codes in blocks], axis=1)
    return np.asarray((similar - mean) / deviation)


def _agreement(above: Array, seconds: Times, times: Times, found: Stretch) -> tuple[Times, Times]:
    """The offsets at which the first of the query's ``seconds`` meets each of the reference's ``times``, and the mean of
    ``above`` along each of these lines; 0 counts where the reference has nothing.
    """
    offsets = times - found.time_scale * seconds[0]
    edges = (times[1:] + times[:-1]) / 2
    agreed = np.zeros(len(offsets))
    for second, deviations in zip(seconds, above, strict=True):
        sought = found.time_scale * second + offsets
        nearest = np.searchsorted(edges, sought)
        agreed += np.where(
            np.abs(times[nearest] - sought) <= SLACK * found.time_scale, deviations[nearest], 0
        )
    return offsets, agreed / len(above)
