"""Where else in its work a short stretch may lie: every place is compared, not only those that had votes.

Of pictures that hardly move the nearest codes are any few of hundreds that are about as near, and their votes are spread
over as many places; the true one is told by how well all codes agree along it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint, unpack
from matching.align import Line
from matching.sparse import sparse
from matching.verify import ASTRAY, SLACK, Rows, Side, Stretch, line_of

PLACES = 6  # told of one stretch
BLOCK = 4096  # codes that are compared at once: those of a film, spelled out, are many times what is stored


def places(side: Side, reference: Fingerprint, found: Stretch) -> list[Line]:
    """The PLACES lines of the stretch's time scale along which its seconds agree best with the reference, less its own."""
    made = side.query.fingerprint
    inside = (made.times >= found.query_start - 1e-6) & (made.times <= found.query_end + 1e-6)
    rows = np.flatnonzero(inside & ~made.weak)[:: sparse(made)]
    columns = np.flatnonzero(~reference.weak)
    if not len(rows) or not len(columns):
        return []
    offsets = reference.times[columns] - found.time_scale * made.times[rows[0]]
    agreed = _agreement(side.part(rows), reference, columns, offsets, found.time_scale)
    kept = [found.offset]
    for at in np.argsort(-agreed, kind="stable"):
        if all(abs(offsets[at] - other) > ASTRAY for other in kept):
            kept.append(float(offsets[at]))
            if len(kept) > PLACES:
                break
    return [replace(line_of(found), offset=offset) for offset in kept[1:]]


def _agreement(
    side: Side, reference: Fingerprint, columns: Rows, offsets: NDArray[np.float64], time_scale: float
) -> NDArray[np.float64]:
    """Mean similarity of the side's codes along each line beyond chance, in deviations; 0 where the reference has none."""
    mean, deviation = side.chance
    blocks = (reference.codes[columns[i : i + BLOCK]] for i in range(0, len(columns), BLOCK))
    similar = np.concatenate([side.weights @ unpack(codes).T for codes in blocks], axis=1)
    above = (similar - mean) / deviation
    times = reference.times[columns]
    edges = (times[1:] + times[:-1]) / 2
    agreed = np.zeros(len(offsets))
    for second, deviations in zip(side.times, above, strict=True):
        sought = time_scale * second + offsets
        nearest = np.searchsorted(edges, sought)
        agreed += np.where(np.abs(times[nearest] - sought) <= SLACK * time_scale, deviations[nearest], 0)
    return agreed / len(above)
