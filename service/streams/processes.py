"""Members spread over all cores: in processes that each work at some, and are started again when they should die.

Members come and go while all others go on. Where one kills its process again and again, those that shared it are parted in
halves, each with a process of its own, until the one is alone, and given up: it disturbs the others no longer.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from index.catalog import CatalogError
from service.streams.group import Group, Member, Tell
from service.terminal import say

DEATHS = 12  # of the processes that one was in, after which it is given up: more than it takes to be alone
FORGIVEN = 600.0  # seconds of life after which they count no longer
MOST = 8  # processes beyond one a core that may come of parting
ENDING = 10.0  # seconds that a process has to write where it is
TURN = 0.2  # seconds that an idle process waits for something to do

Begin = Callable[[Any], Member]  # makes a member of what was given; raises StreamError, CatalogError
Open = Callable[[Any], AbstractContextManager[Begin]]  # opens what a process needs; raises CatalogError


@dataclass(slots=True)
class _Held:
    """A member, as it was given, how often its process died, and since when it lives."""

    what: Any
    deaths: int = 0
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Over:
    """A member that is over. ``code``: why it failed, "catalog" where it may be tried again; None where it ended."""

    name: str
    code: str | None = None
    message: str = ""


class Processes:
    """Up to ``count`` processes, started as they are needed. Use ``close`` at the end."""

    def __init__(self, open_: Open, given: Any, count: int, tell: Tell) -> None:
        """``tell`` is told what happens to each member, in this process; ``open_(given)`` is called in the others."""
        self._open, self._given, self._count, self._tell = open_, given, count, tell
        self._processes: list[_Process] = []

    def __len__(self) -> int:
        return sum(len(process.held) for process in self._processes)

    def __contains__(self, name: str) -> bool:
        return any(name in process.held for process in self._processes)

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [process.pid for process in self._processes]

    def add(self, name: str, what: Any) -> None:
        """Begins with a member, in the process that has the fewest."""
        self.ready()
        idlest = min(self._processes, key=lambda process: len(process.held))
        self._give({name: _Held(what, since=time.monotonic())}, idlest)
        self.ready()

    def ready(self) -> None:
        """Has a process wait for the next member, as long as there may be another one: starting takes seconds."""
        if len(self._processes) < self._count and all(process.held for process in self._processes):
            self._processes.append(_Process(self._open, self._given))

    def drop(self, name: str) -> None:
        """Ends with a member, if it is there."""
        for process in self._processes:
            if name in process.held:
                process.drop(name)

    def wait(self, seconds: float) -> Iterator[Over]:
        """Those that are over within so many seconds; returns early where there is one."""
        speaking = {process.connection: process for process in self._processes}
        if not speaking:
            time.sleep(seconds)
        for connection in wait(list(speaking), seconds):
            yield from self._heard(speaking[connection])  # type: ignore[index]  # wait gives back what it was given

    def close(self) -> None:
        """Ends all, letting them write where they are."""
        for process in self._processes:
            process.connection.close()  # they notice, and stop, all at once
        for process in self._processes:
            process.end()
        self._processes.clear()

    def _give(self, some: dict[str, _Held], process: "_Process") -> None:
        for name, held in some.items():
            process.add(name, held)

    def _heard(self, process: "_Process") -> Iterator[Over]:
        try:
            word, name, said = process.connection.recv()
        except (EOFError, ConnectionResetError):
            yield from self._died(process)
            return
        if word == "event":
            self._tell(name, said)
        elif word == "catalog":
            say(said)
            yield from (Over(member, "catalog", said) for member in process.held)
            process.held.clear()
        elif process.held.pop(name, None) is not None:  # else it was dropped meanwhile
            yield Over(name, *said)

    def _died(self, process: "_Process") -> Iterator[Over]:
        """What it had goes on where it was, in halves."""
        process.end()
        self._processes.remove(process)
        left = dict[str, _Held]()
        for name, held in process.held.items():
            forgiven = time.monotonic() - held.since > FORGIVEN
            held.deaths = 1 if forgiven else held.deaths + 1
            if held.deaths > DEATHS:
                yield Over(name, "crashed", "crashed the process that read it")
            else:
                left[name] = held
        if left:
            say(f"a process that had {len(left)} streams died and is started again")
        names = sorted(left, key=lambda name: left[name].deaths)
        halves = [names[::2], names[1::2]] if len(self._processes) < self._count + MOST else [names]
        for half in filter(None, halves):
            self._processes.append(_Process(self._open, self._given))
            self._give({name: left[name] for name in half}, self._processes[-1])


class _Process:
    """A process and the members in it, by name."""

    def __init__(self, open_: Open, given: Any) -> None:
        self.held: dict[str, _Held] = {}
        context = get_context("spawn")  # a decoder and a database belong to the process that opened them
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, open_, given), daemon=True)
        # Ctrl-C reaches the whole group; the parent alone decides what it means.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def add(self, name: str, held: _Held) -> None:
        self.held[name] = held
        held.since = time.monotonic()
        self._send("add", name, held.what)

    def drop(self, name: str) -> None:
        del self.held[name]
        self._send("drop", name, None)

    def _send(self, word: str, name: str, what: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has died: who hears it will know
            self.connection.send((word, name, what))

    def end(self) -> None:
        """Ends it, letting it write where it is."""
        with suppress(OSError):
            self.connection.close()
        self._process.join(ENDING)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(connection: Connection, open_: Open, given: Any) -> None:
    """The life of a process: until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError, ConnectionResetError, EOFError):
        try:
            with open_(given) as begin:
                _work(connection, begin)
        except CatalogError as error:
            connection.send(("catalog", "", str(error)))


def _work(connection: Connection, begin: Begin) -> None:
    group = Group()

    def tell(name: str, event: Any) -> None:
        connection.send(("event", name, event))

    try:
        while True:
            while connection.poll(0.0 if len(group) else TURN):
                _heed(connection, group, begin)
            for name, error in group.turn(tell).items():
                connection.send(("over", name, _reason(error)))
    finally:
        group.close()


def _heed(connection: Connection, group: Group, begin: Begin) -> None:
    word, name, what = connection.recv()
    if word == "drop":
        group.drop(name)
        return
    try:
        group.add(name, begin(what))
    except Exception as error:  # what is wrong with one is no other's
        connection.send(("over", name, _reason(error)))


def _reason(error: Exception | None) -> tuple[str | None, str]:
    if error is None:
        return None, ""
    if isinstance(error, CatalogError):
        return "catalog", str(error)
    code = getattr(error, "code", "crashed")
    return code, str(error) if code != "crashed" else f"{type(error).__name__}: {error}"
