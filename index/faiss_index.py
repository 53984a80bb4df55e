"""The real index: FAISS scans the codes, the columns beside it say whose they are and when."""

import faiss
import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes, Fingerprint
from index.columns import Columns, check_algorithm, check_fits, empty, hits, join, seeds
from index.hits import Hits


class FaissIndex:
    """A flat binary index: exact, one pass over all codes; how many threads it takes is for the caller."""

    def __init__(self, algorithm: str, width: int) -> None:
        self.algorithm = algorithm
        self._width = width
        self._flat = faiss.IndexBinaryFlat(8 * width)
        self._held: set[int] = set()
        self._parts = [self._labels(empty(width))]

    def __len__(self) -> int:
        return int(self._flat.ntotal)

    def add(self, ref_id: int, fingerprint: Fingerprint) -> None:
        """Adds a reference's codes that are not weak."""
        check_algorithm(fingerprint, self.algorithm, self._width)
        self.extend(seeds(ref_id, fingerprint))

    def extend(self, columns: Columns) -> None:
        """Adds many references at once."""
        check_fits(columns, self._held, self._width)
        self._flat.add(columns.codes)
        self._held.update(columns.ref_ids.tolist())
        self._parts.append(self._labels(columns))

    def remove(self, ref_id: int) -> None:
        """Removes a reference's codes."""
        self._held.remove(ref_id)
        labels = self._joined()
        at = int(np.flatnonzero(labels.ref_ids == ref_id)[0])
        start, count = int(labels.counts[:at].sum()), int(labels.counts[at])
        self._flat.remove_ids(faiss.IDSelectorRange(start, start + count))
        self._parts = [
            Columns(
                np.delete(labels.ref_ids, at),
                np.delete(labels.counts, at),
                np.delete(labels.times, slice(start, start + count)),
                labels.codes,
            )
        ]

    def columns(self) -> Columns:
        """All that the index holds; the codes are a copy."""
        labels = self._joined()
        codes: Codes = self._flat.reconstruct_n(0, len(self))
        return Columns(labels.ref_ids, labels.counts, labels.times, codes)

    def search(
        self,
        query: Fingerprint,
        k: int,
        reliability: NDArray[np.float32] | None = None,
        patient: bool = False,
    ) -> Hits:
        """The k nearest registered codes of every query code."""
        check_algorithm(query, self.algorithm, self._width)
        labels = self._joined()
        k = min(k, len(self))
        if k == 0 or len(query) == 0:
            none = np.empty((len(query), 0), np.int64)
            return hits(query, labels, none, none.astype(np.int32))
        distances, rows = self._flat.search(np.ascontiguousarray(query.codes), k)
        return hits(query, labels, rows, distances)

    def _labels(self, columns: Columns) -> Columns:
        """The columns without their codes, of which FAISS keeps the one copy."""
        return Columns(columns.ref_ids, columns.counts, columns.times, np.empty((0, self._width), np.uint8))

    def _joined(self) -> Columns:
        # Joined when asked, not when added to: registering a folder would copy all columns once a file.
        if len(self._parts) > 1:
            self._parts = [join(self._parts)]
        return self._parts[0]


def on_threads(count: int) -> None:
    """Searches of this process run on so many threads; a forked process has none of the threads of its parent."""
    faiss.omp_set_num_threads(count)


def nearest(codes: Codes, asked: Codes, k: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Distances and rows (n, k) of the codes nearest to each of n that are asked for; rows below 0 mean none."""
    flat = faiss.IndexBinaryFlat(8 * codes.shape[1])
    flat.add(np.ascontiguousarray(codes))
    distances, rows = flat.search(np.ascontiguousarray(asked), k)
    return distances, rows
