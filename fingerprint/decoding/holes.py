"""Stretches in which a stream gave nothing, though its packets or its time stamps say that there was something."""

from dataclasses import dataclass


@dataclass(slots=True)
class Holes:
    """How long they are together, and where the longest is.

    seconds     of all of them
    start, end  of the longest, in seconds of media time
    """

    seconds: float = 0.0
    start: float = 0.0
    end: float = 0.0

    def add(self, start: float, end: float) -> None:
        """One more, in seconds of media time."""
        self.seconds += end - start
        if end - start > self.end - self.start:
            self.start, self.end = start, end

    def told(self) -> list[float]:
        """For the parent."""
        return [self.seconds, self.start, self.end]
