"""Hits: pairs of similar codes, as columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import PLAIN, Disguise


@dataclass(frozen=True, slots=True)
class Hits:
    """Pairs of a query's code and a similar registered code; all columns are (m,).

    ref_ids      int64: the reference
    query_times  float64, seconds in the query
    ref_times    float64, seconds in the reference
    distances    int32: Hamming distance in bits
    """

    ref_ids: NDArray[np.int64]
    query_times: NDArray[np.float64]
    ref_times: NDArray[np.float64]
    distances: NDArray[np.int32]
    disguise: Disguise = PLAIN

    def __len__(self) -> int:
        return len(self.ref_ids)

    def nearest(self, k: int) -> "Hits":
        """The first k of each query time, of hits in query order, near first."""
        first = np.flatnonzero(np.diff(self.query_times, prepend=-np.inf) > 0)
        kept = np.arange(len(self)) - np.repeat(first, np.diff(first, append=len(self))) < k
        return Hits(
            self.ref_ids[kept],
            self.query_times[kept],
            self.ref_times[kept],
            self.distances[kept],
            self.disguise,
        )
