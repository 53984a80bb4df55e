"""Which seconds of a stream its bytes are, as its decoder tells: lists may be wrong, and most streams have none."""

from bisect import bisect_left, bisect_right

from fingerprint.feed import Offset


class Spans:
    """The offsets that were told of one track, in order.

    reached  second of the stream up to which they lead
    """

    def __init__(self) -> None:
        self._offsets: list[Offset] = []
        self.reached = 0.0

    def tell(self, offset: Offset) -> None:
        """The next one."""
        self._offsets.append(offset)
        self.reached = max(self.reached, offset.end)

    def find(self, first: int, last: int) -> tuple[float, float | None] | None:
        """The seconds at which bytes from ``first`` to before ``last`` begin and end.

        No end where not all of them are decoded, and None where none are.
        """
        before = self._before(first)
        if before + 1 == len(self._offsets):
            return None
        begin, end = self._offsets[before].begin if before >= 0 else 0.0, self.end(last)
        return begin, None if end is None else max(begin, end)

    def end(self, last: int) -> float | None:
        """The second at which the bytes before ``last`` end; None where not all of them are decoded."""
        behind = bisect_left(self._offsets, last, key=_byte)
        return self._offsets[behind].end if behind < len(self._offsets) else None

    def forget(self, first: int) -> None:
        """Nothing before a byte will be asked for."""
        del self._offsets[: max(self._before(first), 0)]

    def _before(self, first: int) -> int:
        """Which offset is the last that is not behind a byte; -1 where there is none."""
        return bisect_right(self._offsets, first, key=_byte) - 1


def _byte(offset: Offset) -> int:
    return offset.byte
