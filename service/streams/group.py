"""Many streams in one process: each gets its turn, and load is shed before any falls behind.

A stream's own troubles stay its own: it is fetched in its own thread and decoded in its own process.
"""

import time
from collections.abc import Callable
from typing import Protocol

from evidence.answer import Json
from index.catalog import CatalogError
from service.streams.levels import LEVELS
from service.terminal import say

BUSY, IDLE = (
    0.5,
    0.1,
)  # how full the fullest queue of a live stream is, when there is too much to do, or little
SUSTAINED, RELIEVED = 2.0, 20.0  # seconds that it must be so
SHARE = 0.35  # of the time that hunts for disguises may take
REST = 0.02  # seconds of sleep when nothing has come

Tell = Callable[[str, Json], None]  # the name of a member, and what happened to it


class Member(Protocol):
    """Something endless that is worked at, such as a stream that is watched."""

    @property
    def error(self) -> Exception | None:
        """Why it cannot go on, if so."""
        ...

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        ...

    @property
    def live(self) -> bool:
        """Whether it goes on whether or not anybody keeps up."""
        ...

    @property
    def crowd(self) -> float:
        """How much waits to be done, from 0 to 1."""
        ...

    def start(self) -> None:
        """Begins."""
        ...

    def poll(self, seconds: float) -> list[Json]:
        """What happened within so many seconds."""
        ...

    def told(self, event: Json) -> None:
        """An event of ``poll`` has been told."""
        ...

    def shed(self, level: int, share: float) -> None:
        """From now on does as LEVELS say; hunts for disguises take ``share`` of the time at most."""
        ...

    def close(self) -> None:
        """Stops."""
        ...


class Group:
    """Members that share a process, by name; they come and go while it runs."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._load = Load()

    def __len__(self) -> int:
        return len(self._members)

    def add(self, name: str, member: Member) -> None:
        """Adds one, and starts it."""
        self._members[name] = member
        member.start()

    def drop(self, name: str) -> None:
        """Stops one, if it is there."""
        member = self._members.pop(name, None)
        try:
            if member is not None:
                member.close()
        except CatalogError as error:
            say(f"{name}: where it is cannot be written, so it will go on a little earlier: {error}")

    def turn(self, tell: Tell, beat: Callable[[], None] = lambda: None) -> dict[str, Exception | None]:
        """One turn of all, with a ``beat`` after each; those that are over, and why where that is an error."""
        some, over = False, dict[str, Exception | None]()
        alone = len(self._members) == 1
        for name, member in list(self._members.items()):
            try:
                for event in member.poll(0.2 if alone else 0.0):
                    tell(name, event)
                    member.told(event)
                    some = True
                if member.done:
                    over[name] = member.error
            except (BrokenPipeError, ConnectionResetError):
                raise  # who is told has gone
            except Exception as error:  # a fault of ours, which this one brought out: an error of it alone
                over[name] = error
            if name in over:
                self.drop(name)
            beat()
        self._balance()
        if not some and not alone and max((m.crowd for m in self._members.values()), default=0.0) == 0.0:
            time.sleep(REST)
        return over

    def _balance(self) -> None:
        live = [member for member in self._members.values() if member.live]
        level = self._load.level(max((member.crowd for member in live), default=0.0), time.monotonic())
        for member in live:
            member.shed(level, SHARE / len(self._members))

    def close(self) -> None:
        """Stops all; their states stay."""
        for name in list(self._members):
            self.drop(name)


class Load:
    """How much is shed: more as soon as there has been too much to do for a while, less when there has long been little."""

    def __init__(self) -> None:
        self._level, self._busy, self._idle = 0, 0.0, 0.0
        self._last: float | None = None

    def level(self, crowd: float, now: float) -> int:
        """The level of shedding, of LEVELS, at a time (s) with the fullest queue so full (0 to 1)."""
        passed = now - (now if self._last is None else self._last)
        self._last = now
        self._busy = self._busy + passed if crowd >= BUSY else 0.0
        self._idle = self._idle + passed if crowd <= IDLE else 0.0
        if self._busy >= SUSTAINED and self._level + 1 < len(LEVELS):
            self._level, self._busy = self._level + 1, 0.0
        elif self._idle >= RELIEVED and self._level:
            self._level, self._idle = self._level - 1, 0.0
        return self._level
