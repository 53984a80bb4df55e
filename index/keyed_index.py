"""The index of catalogs too large to scan: immutable keyed segments, and a small growing tail that is scanned."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint
from index.columns import Columns, check_algorithm, check_fits, join, seeds
from index.faiss_index import FaissIndex
from index.hits import Hits
from index.keyed_file import Segment

CHUNK = 1 << 20  # codes of a segment read at once
PROBED = 320  # lists looked into for each code of a query, on average
LISTS = (
    80_000,
    320_000,
)  # for a query that is searched for patiently: at once, and when no line is clear after that
WIDE = 16  # codes found for each of such a query: those that are nearest where it looks are not the nearest of all
CLEAR = 4  # registered codes on a line that strangers do not have
LINE = 1.0  # seconds of offset that a line takes


class KeyedIndex:
    """Looks where the codes are likeliest (``index/probes.py``): of 1.5e8 codes in 1 of 5000 for each of a query.

    Its recall is measured by ``whorl bench scale``; a segment of few codes is looked through whole, as the tail is.
    """

    def __init__(self, algorithm: str, width: int, segments: Sequence[Segment] = ()) -> None:
        self.algorithm = algorithm
        self.segments = list(segments)
        self.tail = FaissIndex(algorithm, width)
        self._width = width

    def __len__(self) -> int:
        return len(self.tail) + sum(int(self._counts(segment).sum()) for segment in self.segments)

    def add(self, ref_id: int, fingerprint: Fingerprint) -> None:
        """Adds a reference's codes that are not weak to the tail."""
        check_algorithm(fingerprint, self.algorithm, self._width)
        self.extend(seeds(ref_id, fingerprint))

    def extend(self, columns: Columns) -> None:
        """Adds many references to the tail at once."""
        check_fits(columns, self._held(columns), self._width)
        self.tail.extend(columns)

    def remove(self, ref_id: int) -> None:
        """Removes a reference: from the tail, or from what is shown of its segment."""
        for segment in self.segments:
            if ref_id in segment.holdings.ref_ids and ref_id not in segment.gone:
                segment.gone.add(ref_id)
                return
        self.tail.remove(ref_id)

    def search(
        self,
        query: Fingerprint,
        k: int,
        reliability: NDArray[np.float32] | None = None,
        patient: bool = False,
    ) -> Hits:
        """The k nearest registered codes of every query code, as far as they lie where it looks."""
        near = self.tail.search(query, k)
        if not self.segments or not len(query):
            return near
        if not patient:
            return _nearest(_join(self._filed(query, k, reliability, PROBED), near), k)
        for lists in LISTS:
            most = max(PROBED, lists // len(query))
            found = _once(_join(self._filed(query, max(k, WIDE), reliability, most), near))
            if _supported(found) >= CLEAR:
                break
        return found

    def _filed(self, query: Fingerprint, k: int, reliability: NDArray[np.float32] | None, most: int) -> Hits:
        """What is found in the segments, in ``most`` lists of each for a query code, on average."""
        codes = np.ascontiguousarray(query.codes)
        found = [segment.search(codes, reliability, k, most) for segment in self.segments]
        distances, labels = (
            np.concatenate([getattr(f, name) for f in found], axis=1) for name in ("distances", "labels")
        )
        rows, ranks = np.nonzero(labels >= 0)
        picked = labels[rows, ranks]
        times = (picked & 0xFFFFFFFF) / 1000
        return Hits(picked >> 32, query.times[rows], times, distances[rows, ranks])

    def columns(self) -> Columns:
        """All that the index holds, in the order of the segments, then the tail."""
        return join([*(self._columns(segment) for segment in self.segments), self.tail.columns()])

    def _held(self, columns: Columns) -> set[int]:
        """Those of the columns' references that a segment holds."""
        held: set[int] = set()
        for segment in self.segments:
            held |= set(np.intersect1d(columns.ref_ids, segment.holdings.ref_ids).tolist()) - segment.gone
        return held

    def _counts(self, segment: Segment) -> NDArray[np.int64]:
        """Codes of each of its references; none of those that are gone."""
        holdings = segment.holdings
        return np.where(np.isin(holdings.ref_ids, list(segment.gone)), 0, holdings.counts)

    def _columns(self, segment: Segment) -> Columns:
        chunks = list(segment.chunks(CHUNK))
        codes = np.concatenate([np.empty((0, self._width), np.uint8), *(chunk[0] for chunk in chunks)])
        labels = np.concatenate([np.empty(0, np.int64), *(chunk[1] for chunk in chunks)])
        order = np.argsort(labels, kind="stable")
        kept = ~np.isin(segment.holdings.ref_ids, list(segment.gone))
        ref_ids, counts = segment.holdings.ref_ids[kept], segment.holdings.counts[kept]
        return Columns(ref_ids, counts, (labels[order] & 0xFFFFFFFF) / 1000, codes[order])


def _join(one: Hits, other: Hits) -> Hits:
    ref_ids, query_times, ref_times, distances = (
        np.concatenate([getattr(one, name), getattr(other, name)])
        for name in ("ref_ids", "query_times", "ref_times", "distances")
    )
    return Hits(ref_ids, query_times, ref_times, distances)


def _picked(hits: Hits, rows: NDArray[np.int64]) -> Hits:
    return Hits(hits.ref_ids[rows], hits.query_times[rows], hits.ref_times[rows], hits.distances[rows])


def _once(hits: Hits) -> Hits:
    """Each registered code once, beside the query code that it is nearest to; in query order, near first.

    Query codes lie closer than registered ones: a stranger that happens to be near one of them is near its neighbours too,
    and would have their votes as well.
    """
    order = np.lexsort((hits.query_times, hits.distances, hits.ref_times, hits.ref_ids))
    ref_ids, times = hits.ref_ids[order], hits.ref_times[order]
    first = np.ones(len(order), bool)
    first[1:] = (ref_ids[1:] != ref_ids[:-1]) | (times[1:] != times[:-1])
    kept = _picked(hits, order[first])
    return _picked(kept, np.lexsort((kept.distances, kept.query_times)))


def _supported(hits: Hits) -> int:
    """Registered codes that are hit along the best line, about."""
    offsets = np.rint((hits.ref_times - hits.query_times) / LINE).astype(np.int64)
    _, counts = np.unique(hits.ref_ids << 32 | offsets & 0xFFFFFFFF, return_counts=True)
    return int(counts.max(initial=0))


def _nearest(hits: Hits, k: int) -> Hits:
    """The k nearest of each query time, in query order, near first; of equals those that came first."""
    order = np.lexsort((hits.distances, hits.query_times))
    times = hits.query_times[order]
    ranks = np.arange(len(times)) - np.searchsorted(times, times)
    return _picked(hits, order[ranks < k])
