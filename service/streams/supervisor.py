"""`whorl watch`: many streams over all cores, until all have ended."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from evidence.answer import Json
from fingerprint.media import Limits
from matching.engine import Engine
from service.streams.errors import StreamError
from service.streams.group import Group
from service.streams.journal import StreamJournal
from service.streams.processes import Begin, Processes
from service.streams.telling import failure
from service.streams.watching import Options, Watch
from service.terminal import say
from service.workers import cores

JOURNAL = "streams.db"

Tell = Callable[[Json], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What a process needs: the data directory, the decoders' limits, and how to watch."""

    data: Path
    limits: Limits
    options: Options


def supervise(urls: Sequence[str], data: Path, limits: Limits, options: Options, tell: Tell) -> bool:
    """Watches all streams until they have ended; whether any failed. Raises CatalogError."""
    urls, task = list(dict.fromkeys(urls)), Task(data, limits, options)
    count = min(cores(), len(urls))
    return _together(urls, task, tell) if count == 1 else _spread(urls, task, count, tell)


def together(urls: Sequence[str], begin: Begin, tell: Tell) -> bool:
    """Watches all in this process until they have ended; whether any failed."""
    group, failed = Group(), False
    try:
        for url in urls:
            try:
                group.add(url, begin(url))
            except StreamError as error:
                tell(failure(url, error.code, str(error)))
                failed = True
        while len(group):
            failed |= any(group.turn(lambda _, event: tell(event)).values())
    finally:
        group.close()
    return failed


def _together(urls: Sequence[str], task: Task, tell: Tell) -> bool:
    with _opened(task) as begin:
        return together(urls, begin, tell)


@contextmanager
def _opened(task: Task) -> Iterator[Begin]:
    with Engine(task.data, task.limits, note=say) as engine:
        journal = StreamJournal(task.data / JOURNAL, engine.catalog.uuid)
        options = replace(task.options, journal=journal, limits=task.limits)
        try:
            yield lambda url: Watch(url, engine, options)
        finally:
            journal.close()


def _spread(urls: Sequence[str], task: Task, count: int, tell: Tell) -> bool:
    told = set[str]()  # those that told why they failed

    def hear(url: str, event: Json) -> None:
        told.update([url] if event["event"] == "error" else [])
        tell(event)

    processes, failed = Processes(_opened, task, count, hear), False
    try:
        for url in urls:
            processes.add(url, url)
        while len(processes):
            for over in processes.wait(1.0):
                failed |= over.code is not None
                if over.code is not None and over.name not in told:
                    tell(failure(over.name, over.code, over.message))
    finally:
        processes.close()
    return failed
