"""What sources give: pieces of a stream as they were fetched, and the clock that all of it runs on."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from service.streams.fetch import Record


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one track, to be decoded after those before it.

    track    "main" or "audio": each has a decoder of its own
    arrived  unix time when it was whole
    fresh    whether a decoder must begin anew with it
    head     what a decoder that begins with it must see first; not part of the evidence's segment itself
    seconds  that it lasts, as its list says; 0 where nobody says
    missing  seconds lost just before it
    order    its place in the list, to go on after it; -1 where there is none
    label    its URL, or what stands for one
    whole    whether it is all there is, to be read at any place
    """

    track: str
    data: bytes = field(repr=False)
    arrived: float
    fresh: bool = False
    head: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    missing: float = 0.0
    order: int = -1
    label: str = ""
    record: Record | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A playlist or manifest as it was at a time: for the evidence."""

    url: str
    text: bytes = field(repr=False)
    record: Record


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to a stream and is no match: a drop-out, a reconnection, load that is shed.

    code  one word for programs; ``text`` the same for people
    """

    code: str
    text: str


Item = Piece | Listed | Note


class Source(Protocol):
    """An open stream: it gives pieces until it ends, and raises StreamError when it cannot go on.

    live  whether it goes on whether or not anybody keeps up with it
    """

    @property
    def live(self) -> bool: ...  # noqa: D102

    def items(self, clock: "Clock") -> Iterator[Item]:
        """Pieces, lists and notes, as they come."""
        ...

    def places(self) -> dict[str, int]:
        """Where it is, by track: given to the same source after a restart it goes on there."""
        ...


class StoppedError(Exception):
    """Somebody closed the stream while it was waiting."""


class Clock:
    """Time, and waiting that ends when the stream is closed; tests make it run faster."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def wall(self) -> float:
        """Unix time."""
        return time.time()

    def now(self) -> float:
        """Seconds that only ever rise."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Waits. Raises StoppedError."""
        if self._stopped.wait(max(seconds, 0.0)):
            raise StoppedError

    def stop(self) -> None:
        """Ends all waiting."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped.is_set()
