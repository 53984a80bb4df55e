"""Brute force in NumPy: slow, obviously right, the oracle the other indexes are tested against."""

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes, Fingerprint
from index.columns import Columns, check_algorithm, check_fits, empty, hits, join, only, seeds
from index.hits import Hits


class ExactIndex:
    """Every query code against every registered code."""

    def __init__(self, algorithm: str, width: int) -> None:
        self.algorithm = algorithm
        self._columns = empty(width)

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, ref_id: int, fingerprint: Fingerprint) -> None:
        """Adds a reference's codes that are not weak."""
        check_algorithm(fingerprint, self.algorithm, self._columns.codes.shape[1])
        self.extend(seeds(ref_id, fingerprint))

    def extend(self, columns: Columns) -> None:
        """Adds many references at once."""
        check_fits(columns, self._columns.ref_ids.tolist(), self._columns.codes.shape[1])
        self._columns = join([self._columns, columns])

    def remove(self, ref_id: int) -> None:
        """Removes a reference's codes."""
        kept = set(self._columns.ref_ids.tolist())
        kept.remove(ref_id)
        self._columns = only(self._columns, kept)

    def columns(self) -> Columns:
        """All that the index holds."""
        return self._columns

    def search(
        self,
        query: Fingerprint,
        k: int,
        reliability: NDArray[np.float32] | None = None,
        patient: bool = False,
    ) -> Hits:
        """The k nearest registered codes of every query code; of equally near ones those registered first."""
        check_algorithm(query, self.algorithm, self._columns.codes.shape[1])
        k = min(k, len(self))
        distances = np.empty((len(query), len(self)), np.int32)
        for row, code in zip(distances, query.codes, strict=True):
            row[:] = hamming(self._columns.codes, code)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return hits(query, self._columns, nearest, np.take_along_axis(distances, nearest, 1))


def hamming(codes: Codes, code: Codes) -> NDArray[np.int32]:
    """Bits in which each of ``codes`` (n, width) differs from ``code`` (width,), as (n,)."""
    differing: NDArray[np.int32] = np.bitwise_count(codes ^ code).sum(axis=1, dtype=np.int32)
    return differing
