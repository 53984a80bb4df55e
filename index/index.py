"""The interface of what finds similar codes, and the registry of those that do."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint
from index.columns import Columns
from index.hits import Hits


class Index(Protocol):
    """Think of it as a bag of (code, reference, time): put fingerprints in, ask which codes lie nearest."""

    algorithm: str

    def add(self, ref_id: int, fingerprint: Fingerprint) -> None:
        """Adds a reference's codes, but for weak ones.

        Raises ValueError for another algorithm or width, or an id that is already in.
        """
        ...

    def remove(self, ref_id: int) -> None:
        """Removes a reference's codes; takes effect at once. Raises KeyError for an id that is not in."""
        ...

    def search(
        self,
        query: Fingerprint,
        k: int,
        reliability: NDArray[np.float32] | None = None,
        patient: bool = False,
    ) -> Hits:
        """The k nearest codes of every query code, or all there are; in query order, near first.

        reliability  (n, bits): the projections whose signs the query's codes are. An index that cannot look everywhere
                     looks where a code may have lain before its least sure bits were flipped.
        patient      such an index looks further while it sees no line, gives more than k codes where it has looked at
                     few, and each of them once, beside the query code that it is nearest to
        """
        ...

    def extend(self, columns: Columns) -> None:
        """Adds many references at once. Raises ValueError for another width, or an id that is already in."""
        ...

    def columns(self) -> Columns:
        """All that the index holds, to be saved; weak codes are not among it."""
        ...

    def __len__(self) -> int:
        """Number of codes that can be found: weak ones cannot."""
        ...


def _exact(algorithm: str, width: int) -> Index:
    from index.exact import ExactIndex

    return ExactIndex(algorithm, width)


def _faiss(algorithm: str, width: int) -> Index:
    from index.faiss_index import FaissIndex

    return FaissIndex(algorithm, width)


def _keyed(algorithm: str, width: int) -> Index:
    from index.keyed_index import KeyedIndex

    return KeyedIndex(algorithm, width)


INDEXES: dict[str, Callable[[str, int], Index]] = {"exact": _exact, "faiss": _faiss, "keyed": _keyed}
