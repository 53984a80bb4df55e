"""How far something has been read, for whoever waits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerprint.media import Frame, MediaFile

Progress = Callable[[float], None]
HASHED = 0.02  # of the time that a file takes: what hashing it is about, as progress


def hashing(progress: Progress) -> tuple[Progress, Progress]:
    """What is told how far a file has been hashed, and then how far it has been examined."""
    return lambda part: progress(HASHED * part), lambda part: progress(HASHED + (1 - HASHED) * part)


@dataclass(frozen=True, slots=True)
class Watched:
    """A medium that tells how far it has been read, as a fraction of its duration; with one of its sound tracks."""

    media: MediaFile
    progress: Progress
    track: int = 0

    @property
    def name(self) -> str:
        """Its file name."""
        return self.media.name

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.media.duration

    @property
    def kinds(self) -> frozenset[str]:
        """What it holds."""
        return self.media.kinds

    def samples(self) -> Iterator[NDArray[np.float32]]:
        """Its sound; tells how far it is."""
        read = 0
        for chunk in self.media.samples(self.track):
            read += len(chunk)
            self.progress(min(1.0, read / 8000 / max(self.duration, 1e-3)))
            yield chunk

    def frames(self, rate: float) -> Iterator[Frame]:
        """Its pictures; tells how far it is."""
        for frame in self.media.frames(rate):
            self.progress(min(1.0, frame.time / max(self.duration, 1e-3)))
            yield frame
