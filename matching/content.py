"""Where a stream holds anything: silence and black are neither the work nor another one."""

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Fingerprint

FEWEST = 4  # codes that hold something, under which nothing can be found
FILLED = 0.5  # of a stream's codes, from which there is something in it
EMPTY = {
    "audio": "sound: silent throughout, or too quiet to tell what it is",
    "video": "pictures: blank throughout, or too dark or flat to tell what they are",
}


class Content:
    """When there is something in a stream: the times of its codes and which of them are not weak."""

    def __init__(self) -> None:
        self._times: list[NDArray[np.float64]] = []
        self._strong: list[NDArray[np.bool_]] = []

    def add(self, fingerprint: Fingerprint, start: float) -> None:
        """More of it, from ``start`` on."""
        self._times.append(fingerprint.times + start)
        self._strong.append(~fingerprint.weak)

    def join(self, other: "Content") -> None:
        """What is in another stream as well."""
        self._times += other._times
        self._strong += other._strong

    def __len__(self) -> int:
        return sum(map(len, self._times))

    @property
    def empty(self) -> bool:
        """Whether there are codes of it, and something in so few of them, of many, that nothing can be found."""
        strong = sum(int(some.sum()) for some in self._strong)
        return len(self) > 0 and strong < min(FEWEST, FILLED * len(self))

    def filled(self, first: float, last: float) -> bool:
        """Whether there is something in at least FILLED of it between two times."""
        inside = [s[(t >= first) & (t <= last)] for t, s in zip(self._times, self._strong, strict=True)]
        strong = np.concatenate([np.zeros(0, np.bool_), *inside])
        return bool(len(strong)) and bool(strong.mean() >= FILLED)
