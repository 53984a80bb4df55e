"""Many streams over all cores: processes that each watch some of them, started again when they should die."""

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

from evidence.answer import Json, printable
from fingerprint.media import Limits
from index.catalog import CatalogError
from matching.engine import Engine
from service.streams.group import Group
from service.streams.journal import StreamJournal
from service.streams.watching import Options
from service.terminal import say
from service.workers import cores

JOURNAL = "streams.db"
DEATHS = 5  # of a process, after which its streams count as failed

Tell = Callable[[Json], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What a process needs: the data directory, the decoders' limits, how to watch, and which streams."""

    data: Path
    limits: Limits
    options: Options
    urls: tuple[str, ...]


def supervise(urls: Sequence[str], data: Path, limits: Limits, options: Options, tell: Tell) -> bool:
    """Watches all streams until they have ended; whether any failed. Raises CatalogError."""
    urls = list(dict.fromkeys(urls))
    count = min(cores(), len(urls))
    tasks = [Task(data, limits, options, tuple(urls[i::count])) for i in range(count)]
    if count == 1:
        return _watched(tasks[0], tell)
    return _spread(tasks, tell)


def _watched(task: Task, tell: Tell) -> bool:
    """Watches in this process."""
    with Engine(task.data, task.limits, note=say) as engine:
        journal = StreamJournal(task.data / JOURNAL, engine.catalog.uuid)
        try:
            options = replace(task.options, journal=journal, limits=task.limits)
            return Group(task.urls, engine, options).run(tell)
        finally:
            journal.close()


def _spread(tasks: Sequence[Task], tell: Tell) -> bool:
    processes = [_Process(task) for task in tasks]
    failed = False
    try:
        while live := {p.connection: p for p in processes if p.alive}:
            for connection in wait(list(live)):
                failed |= live[connection].hear(tell)  # type: ignore[index]  # wait gives back what it was given
    finally:
        for process in processes:
            process.end()
    return failed


class _Process:
    """A process and the streams that it watches."""

    def __init__(self, task: Task) -> None:
        self._task, self._deaths, self._failed = task, 0, set[str]()
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")  # a decoder and a database belong to the process that opened them
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._task), daemon=True)
        # Ctrl-C reaches the whole group; the parent alone decides what it means.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()
        self.alive = True

    def hear(self, tell: Tell) -> bool:
        """Passes on what it says; whether a stream of its failed for good."""
        try:
            word, said = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._died(tell)
        if word == "event":
            self._failed |= {said["stream"]} if said["event"] == "error" else set()
            tell(said)
            return False
        self.end()
        if word == "catalog":
            raise CatalogError(said)
        return bool(said)

    def _died(self, tell: Tell) -> bool:
        """Starts it again: what it watched goes on where it was."""
        self.end()
        self._deaths += 1
        left = tuple(url for url in self._task.urls if printable(url) not in self._failed)
        if self._deaths <= DEATHS and left:
            say(f"a process that watched {len(left)} streams died and is started again")
            self._task = replace(self._task, urls=left)
            self._start()
            return bool(self._failed)
        for url in left:
            failure = {"code": "crashed", "message": f"{printable(url)}: crashed the process that watched it"}
            tell({"event": "error", "stream": printable(url), "error": failure})
        return True

    def end(self) -> None:
        """Ends it, letting it write where it is."""
        if not self.alive:
            return
        self.alive = False
        with suppress(OSError):
            self.connection.close()  # it notices, and stops
        self._process.join(10.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(connection: Connection, task: Task) -> None:
    """The life of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def tell(event: Json) -> None:
        connection.send(("event", event))

    with suppress(BrokenPipeError, ConnectionResetError):
        try:
            connection.send(("done", _watched(task, tell)))
        except CatalogError as error:
            connection.send(("catalog", str(error)))
