"""Many streams in one process: each gets its turn, and load is shed before any falls behind.

A stream's own troubles stay its own: it is fetched in its own thread and decoded in its own process.
"""

import time
from collections.abc import Callable, Sequence

from evidence.answer import Json, printable
from matching.engine import Engine
from service.streams.errors import StreamError
from service.streams.levels import LEVELS
from service.streams.watching import Options, Watch

BUSY, IDLE = (
    0.5,
    0.1,
)  # how full the fullest queue of a live stream is, when there is too much to do, or little
SUSTAINED, RELIEVED = 2.0, 20.0  # seconds that it must be so
SHARE = 0.35  # of the time that hunts for disguises may take
REST = 0.02  # seconds of sleep when nothing has come

Tell = Callable[[Json], None]


class Group:
    """Streams that share a process."""

    def __init__(self, urls: Sequence[str], engine: Engine, options: Options) -> None:
        self._watches: list[Watch] = []
        self._unbegun: list[Json] = []
        for url in dict.fromkeys(urls):
            try:
                self._watches.append(Watch(url, engine, options))
            except StreamError as error:
                failure = {"code": error.code, "message": printable(str(error))}
                self._unbegun.append({"event": "error", "stream": printable(url), "error": failure})
        self._load = Load()

    def run(self, tell: Tell) -> bool:
        """Watches until all streams have ended; whether any failed. Raises CatalogError."""
        failed = bool(self._unbegun)
        for event in self._unbegun:
            tell(event)
        try:
            for watch in self._watches:
                watch.start()
            while self._watches:
                failed |= self._turn(tell)
        finally:
            self.close()
        return failed

    def _turn(self, tell: Tell) -> bool:
        """One turn of all; whether one failed."""
        some = failed = False
        alone = len(self._watches) == 1
        for watch in list(self._watches):
            for event in watch.poll(0.2 if alone else 0.0):
                tell(event)
                watch.told(event)
                some = True
            if watch.done:
                failed |= watch.error is not None
                watch.close()
                self._watches.remove(watch)
        self._balance()
        if not some and not alone and max((w.crowd for w in self._watches), default=0.0) == 0.0:
            time.sleep(REST)
        return failed

    def _balance(self) -> None:
        live = [watch for watch in self._watches if watch.live]
        level = self._load.level(max((watch.crowd for watch in live), default=0.0), time.monotonic())
        for watch in live:
            watch.shed(level, SHARE / len(self._watches))

    def close(self) -> None:
        """Stops watching; the states stay."""
        for watch in self._watches:
            watch.close()


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
