"""Two lanes of time on one scale: where seconds of a capture and of an original lie on a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from evidence.answer import Json

SCALE = 1000  # width of a timeline in its own units


@dataclass(frozen=True, slots=True)
class Axis:
    """A lane of a timeline: the seconds from ``start`` on, ``span`` of them over SCALE units."""

    start: float
    span: float

    def x(self, seconds: float) -> float:
        """Where a second lies: ``SCALE * (seconds - start) / span``."""
        return round(SCALE * (seconds - self.start) / self.span, 1)

    @property
    def ticks(self) -> list[float]:
        """Round seconds to be labelled, six or seven at most."""
        steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 36000)
        step = next((s for s in steps if self.span / s <= 6), 86400 * ceil(self.span / 86400 / 6))
        first = int(-(-self.start // step))
        count = int((self.start + self.span) // step) - first + 1
        return [float((first + i) * step) for i in range(count)]


def axes(duration: float, segments: Sequence[Json]) -> tuple[Axis, Axis]:
    """The lanes of query and reference on one scale, so that a change of speed is seen as a slant."""
    first = min(segment["ref_start"] for segment in segments)
    last = max(segment["ref_end"] for segment in segments)
    span = max(duration, 1.1 * (last - first), 1.0)
    return Axis(0.0, span), Axis(max(0.0, (first + last - span) / 2), span)
