"""Processes that each do one job at a time, so that all cores work, and a job that kills or hangs one fails alone."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

from fingerprint.media import Limits, MediaError
from index.database import CatalogError
from service.terminal import say

Handler = Callable[
    [Any, Callable[[float], None]], Any
]  # a job, and who is told how much of it is done -> its result
Make = Callable[[Any], Handler]  # makes the handler in the worker's process, of what the workers were given

PATIENCE = (
    5.0  # times the silence of a decoder, after which a worker without a sign of life is taken for hung
)
STARTING = 120.0  # seconds that a worker may take to import what it needs: disks of seized drives are slow
SPEAKS = 0.5  # seconds at least between a worker's signs of life


class WorkerError(Exception):
    """No worker can be started."""


@dataclass(frozen=True, slots=True)
class Done:
    """A job and its result, or why it has none."""

    job: Any
    result: Any = None
    failure: tuple[str, str] | None = (
        None  # as in MediaError: a code, and a reason that follows the file's name
    )


class Workers:
    """Up to ``count`` processes, started when they are needed. Use it in a ``with`` block."""

    def __init__(self, count: int, make: Make, given: Any, silence: float) -> None:
        """``silence`` is in seconds: a worker that gives no sign of life for so long is killed."""
        self._count, self._make, self._given, self._silence = count, make, given, silence
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end(kill=True)

    @property
    def free(self) -> bool:
        """Whether a job can be given."""
        return len(self.jobs) < self._count

    @property
    def jobs(self) -> list[Any]:
        """The jobs that are being done."""
        return [worker.job for worker in self._workers if worker.busy]

    @property
    def parts(self) -> list[float]:
        """How much of each of the jobs is done, as a fraction."""
        return [worker.part for worker in self._workers if worker.busy]

    def give(self, job: Any) -> None:
        """Has a job done. There must be a free worker."""
        for worker in self._workers:
            if not worker.busy and not worker.running:
                worker.end()  # died of something else: it must not take a job with it
        self._bury()
        idle = next((worker for worker in self._workers if not worker.busy), None)
        if idle is None:
            idle = _Worker(self._make, self._given)
            self._workers.append(idle)
        idle.give(job)

    def wait(self, seconds: float) -> list[Done]:
        """The jobs that are done, or failed, within the next ``seconds``; returns early when there is one."""
        busy = {worker.connection: worker for worker in self._workers if worker.busy}
        told = [busy[connection].hear() for connection in wait(list(busy), seconds)]  # type: ignore[index]  # its own
        for worker in self._workers:
            patience = self._silence if worker.ready else max(self._silence, STARTING)
            if worker.busy and time.monotonic() - worker.heard > patience:
                worker.end(kill=True)
                told.append(worker.failed("timeout", f"gave no sign of life for {patience:.0f} s"))
        self._bury()
        return [done for done in told if done is not None]

    def _bury(self) -> None:
        """Forgets those that have ended."""
        self._workers = [worker for worker in self._workers if worker.alive]


class _Worker:
    """One process and what it is doing."""

    def __init__(self, make: Make, given: Any) -> None:
        self._process, self.connection = spawned(_serve, make, given)
        self.alive, self.ready, self.busy, self.part, self.job = True, False, False, 0.0, None
        self.heard = time.monotonic()

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process.is_alive()

    def give(self, job: Any) -> None:
        self.job, self.busy, self.part, self.heard = job, True, 0.0, time.monotonic()
        with suppress(BrokenPipeError):  # it has died: ``hear`` will tell
            self.connection.send(job)

    def hear(self) -> Done | None:
        """What it says; None when that is no result."""
        self.heard = time.monotonic()
        try:
            word, said = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._died()
        if word == "part":
            self.ready, self.part = True, said
            return None
        self.busy = False
        return Done(self.job, said) if word == "done" else Done(self.job, failure=said)

    def failed(self, code: str, reason: str) -> Done:
        """The end of its job by a fault."""
        self.busy = False
        return Done(self.job, failure=(code, reason))

    def end(self, kill: bool = False) -> int | None:
        """Ends it, and gives its exit status."""
        if kill:
            self._process.kill()
        self._process.join()
        self.connection.close()
        self.alive = False
        return self._process.exitcode

    def _died(self) -> Done:
        status = self.end()
        self.busy = False
        if not self.ready:
            raise WorkerError(f"a worker ended with status {status} before it began: see above")
        name = signal.Signals(-status).name if status and status < 0 else f"status {status}"
        return self.failed("crashed", f"crashed the process that examined it ({name})")


def spawned(work: Callable[..., None], *given: Any) -> tuple[SpawnProcess, Connection]:
    """A process that does ``work(connection, *given)``, and the other end of its connection."""
    context = get_context("spawn")  # a decoder and a database belong to the process that opened them
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, *given), daemon=True)
    # Ctrl-C reaches the whole group; the parent alone decides what it means.
    with _undisturbed():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    theirs.close()
    return process, ours


@contextmanager
def _undisturbed() -> Iterator[None]:
    """An interruption waits until the end: another thread may take the signal, whatever this one blocks."""
    if threading.current_thread() is not threading.main_thread():
        yield  # nothing is interrupted there
        return
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if interrupted:
            signal.raise_signal(signal.SIGINT)


def _serve(connection: Connection, make: Make, given: Any) -> None:
    """The life of a worker: jobs one after the other, until the parent hangs up."""
    handle, spoken = make(given), 0.0

    def tell(part: float) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= SPEAKS:
            spoken = time.monotonic()
            connection.send(("part", part))

    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job, spoken = connection.recv(), 0.0
            tell(0.0)
            connection.send(_answered(handle, job, tell))


def _answered(handle: Handler, job: Any, tell: Callable[[float], None]) -> tuple[str, Any]:
    try:
        return "done", handle(job, tell)
    except BrokenPipeError:
        raise  # the parent has gone
    except Exception as error:
        found = problem(error)
        return "failed", (found.code, found.reason)


def problem(error: Exception, name: str = "") -> MediaError:
    """Any error as one of the file ``name`` alone, so that the others go on.

    The traceback of a fault of ours, which a file brought out, goes to stderr for whoever mends it.
    """
    if isinstance(error, MediaError):
        return error
    if isinstance(error, OSError):
        return MediaError("unreadable", name, f"cannot be read: {error.strerror}")
    if isinstance(error, CatalogError):
        return MediaError("catalog", name, str(error))
    for line in "".join(traceback.format_exception(error)).splitlines():
        say(line)
    return MediaError("crashed", name, f"could not be examined ({type(error).__name__}: {error})")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def patience(limits: Limits) -> float:
    """Seconds without a sign of life after which a worker is taken for hung."""
    return PATIENCE * limits.silence
