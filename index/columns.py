"""Registered codes as columns, reference after reference: what an index holds and a segment stores."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes, Fingerprint, Times
from index.hits import Hits


@dataclass(frozen=True, slots=True)
class Columns:
    """The codes of r references, n in all; reference i owns ``counts[i]`` rows, after those of i - 1.

    ref_ids  (r,) int64
    counts   (r,) int64, 0 or more
    times    (n,) float64, seconds in the reference
    codes    (n, width) uint8
    """

    ref_ids: NDArray[np.int64]
    counts: NDArray[np.int64]
    times: Times
    codes: Codes

    def __len__(self) -> int:
        return len(self.times)


def seeds(ref_id: int, fingerprint: Fingerprint) -> Columns:
    """The codes of one reference that can start a match: weak ones cannot, and would answer every silence."""
    strong = ~fingerprint.weak
    codes = np.ascontiguousarray(fingerprint.codes[strong])
    return Columns(np.array([ref_id]), np.array([len(codes)]), fingerprint.times[strong], codes)


def empty(width: int) -> Columns:
    """No codes of no reference."""
    none = np.empty(0, np.int64)
    return Columns(none, none, np.empty(0), np.empty((0, width), np.uint8))


def join(parts: Sequence[Columns]) -> Columns:
    """The parts one after another; at least one."""
    return Columns(
        np.concatenate([part.ref_ids for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.codes for part in parts]),
    )


def only(columns: Columns, ref_ids: Collection[int]) -> Columns:
    """The rows of these references; the same object when that is all of them."""
    kept = np.isin(columns.ref_ids, list(ref_ids))
    if kept.all():
        return columns
    rows = np.repeat(kept, columns.counts)
    return Columns(columns.ref_ids[kept], columns.counts[kept], columns.times[rows], columns.codes[rows])


def check_fits(columns: Columns, held: Collection[int], width: int) -> None:
    """Raises ValueError when the codes have another width, or a reference is already held or comes twice."""
    if columns.codes.shape[1] != width:
        raise ValueError(
            f"codes of {columns.codes.shape[1]} bytes do not fit an index of codes of {width} bytes"
        )
    ref_ids, counts = np.unique(columns.ref_ids, return_counts=True)
    twice = [*ref_ids[counts > 1].tolist(), *(ref_id for ref_id in ref_ids.tolist() if ref_id in held)]
    if twice:
        raise ValueError(f"reference {twice[0]} is already in the index")


def check_algorithm(fingerprint: Fingerprint, algorithm: str, width: int) -> None:
    """Raises ValueError when the codes are not of the index's kind: their distances would mean nothing."""
    if (fingerprint.algorithm, fingerprint.width) != (algorithm, width):
        raise ValueError(
            f"codes of {fingerprint.algorithm!r} ({fingerprint.width} bytes) "
            f"do not belong in an index of {algorithm!r} ({width} bytes)"
        )


def hits(
    query: Fingerprint,
    columns: Columns,
    rows: NDArray[np.int64],
    distances: NDArray[np.int32],
) -> Hits:
    """The pairs as Hits, in query order, near first; of equals the one registered first.

    rows, distances  (len(query), k): rows of ``columns`` found for each query code; a row below 0 means none
    """
    order = np.lexsort((rows, distances), axis=1)
    rows, distances = np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)
    found = rows >= 0
    owners = np.searchsorted(np.cumsum(columns.counts), rows[found], side="right")
    query_times = np.broadcast_to(query.times[:, None], rows.shape)[found]
    return Hits(columns.ref_ids[owners], query_times, columns.times[rows[found]], distances[found])
