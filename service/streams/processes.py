"""Members spread over all cores: in processes that each work at some, and are started again when they should die or hang.

Members come and go while all others go on. Where one kills its process again and again, those that shared it are parted in
halves, each with a process of its own, until the one is alone, and given up: it disturbs the others no longer.

Nobody here waits until a process reads what it is sent: it may itself wait until what it sent is read.
"""

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from index.catalog import CatalogError
from service.streams.group import Group, Member, Tell
from service.terminal import say
from service.workers import spawned

DEATHS = 12  # of the processes that one was in, after which it is given up: more than it takes to be alone
FORGIVEN = 600.0  # seconds of life after which they count no longer
MOST = 8  # processes beyond one a core that may come of parting
ENDING = 10.0  # seconds that a process has to write where it is
TURN = 0.2  # seconds that an idle process waits for something to do
BEAT = 1.0  # seconds between two signs of life of a process
OPENING = 600.0  # seconds that it may need before the first: an index may be large
SILENT = 90.0  # seconds without one after which it hangs: a locked database may well be waited for half a minute, twice
STEP = (
    1.0  # seconds of silence that count between two looks at most: this process itself may have stood still
)
HANG_UP = "hang up"
READ = 100  # words of each process that are heard at once

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

    def __init__(self, open_: Open, given: Any, count: int, tell: Tell | None = None) -> None:
        """``tell`` is told what happens to each member, in this process; ``open_(given)`` is called in the others."""
        self._open, self._given, self._count, self._tell = open_, given, count, tell
        self._processes: list[_Process] = []
        self._looked = time.monotonic()

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
            self._processes.append(self._begun())

    def _begun(self) -> "_Process":
        return _Process(self._open, self._given, self._tell is not None)

    def drop(self, name: str) -> None:
        """Ends with a member, if it is there."""
        for process in self._processes:
            if name in process.held:
                process.drop(name)

    def wait(self, seconds: float) -> Iterator[Over]:
        """Those that are over within so many seconds; returns early where there is one."""
        if not self._processes:
            time.sleep(seconds)
        for _ in range(READ):
            speaking = {process.connection: process for process in self._processes}
            ready = wait(list(speaking), seconds)
            for connection in ready:
                yield from self._heard(speaking[connection])  # type: ignore[index]  # wait gives back what it was given
            if not ready:
                break
            seconds = 0.0
        yield from self._hanging()

    def _hanging(self) -> Iterator[Over]:
        """Ends those that have long given no sign of life."""
        before, self._looked = self._looked, time.monotonic()
        for process in list(self._processes):
            process.silence += min(self._looked - before, STEP)
            if process.silence > SILENT:
                say(f"a process gave no sign of life for {SILENT:.0f} s")
                process.kill()
                yield from self._died(process)

    def close(self) -> None:
        """Ends all, letting them write where they are."""
        for process in self._processes:
            process.hang_up()  # they notice, and stop, all at once
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
        process.silence = 0.0
        if word == "event" and self._tell is not None:
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
            self._processes.append(self._begun())
            self._give({name: left[name] for name in half}, self._processes[-1])


class _Process:
    """A process and the members in it, by name.

    silence  seconds since its last sign of life; below 0 while it is opening what it needs
    """

    def __init__(self, open_: Open, given: Any, telling: bool) -> None:
        self.held: dict[str, _Held] = {}
        self.silence = -OPENING
        self._process, self.connection = spawned(_serve, open_, given, telling)
        self._unsent: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, name="sender", daemon=True)
        self._sender.start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def add(self, name: str, held: _Held) -> None:
        self.held[name] = held
        held.since = time.monotonic()
        self._unsent.put(("add", name, held.what))

    def drop(self, name: str) -> None:
        del self.held[name]
        self._unsent.put(("drop", name, None))

    def _send_all(self) -> None:
        """Sends what is to be sent, each when there is room for it, until this or the other process hangs up."""
        with suppress(OSError):
            while (said := self._unsent.get())[0] != HANG_UP:
                self.connection.send(said)

    def hang_up(self) -> None:
        """Says that nothing more will come; who is sending is not waited for."""
        self._unsent.put((HANG_UP, "", None))
        with suppress(OSError), socket.socket(fileno=os.dup(self.connection.fileno())) as ours:
            ours.shutdown(socket.SHUT_RDWR)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """Ends it, letting it write where it is."""
        self.hang_up()
        self._process.join(ENDING)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._sender.join()
        self.connection.close()


def _serve(connection: Connection, open_: Open, given: Any, telling: bool) -> None:
    """The life of a process: until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError, ConnectionResetError, EOFError):
        try:
            with open_(given) as begin:
                _work(connection, begin, telling)
        except CatalogError as error:
            connection.send(("catalog", "", str(error)))


def _work(connection: Connection, begin: Begin, telling: bool) -> None:
    def tell(name: str, event: Any) -> None:
        if telling:
            connection.send(("event", name, event))

    group, beat = Group(), _Beat(connection)
    try:
        while True:
            beat()
            while connection.poll(0.0 if len(group) else TURN):
                _heed(connection, group, begin)
                beat()
            for name, error in group.turn(tell, beat).items():
                connection.send(("over", name, _reason(error)))
    finally:
        group.close()


class _Beat:
    """Signs of life, as often as there are to be any."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._last = connection, float("-inf")

    def __call__(self) -> None:
        if time.monotonic() - self._last >= BEAT:
            self._last = time.monotonic()
            self._connection.send(("beat", "", None))


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
