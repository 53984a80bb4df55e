"""Matching by fingerprint while the caller waits: a process a core, each with the catalog's index in memory.

No media is decoded here, only codes are compared; hostile bytes are refused by ``fingerprint.exchange``.
"""

import os
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from evidence.answer import Json
from service.settings import Settings
from service.workers import cores

WAITING = 256  # questions that may wait for a process
LONGEST = 3600.0  # seconds of a capture that is searched for while the caller waits

_engine: object = None


class BusyError(Exception):
    """Too many questions wait already."""


class Matcher:
    """Answers questions in processes of its own, which are started with the first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._waiting = 0

    def ask(self, body: bytes) -> "Future[Json]":
        """The answer to the fingerprint in ``body``, or ValueError for what is none. Raises BusyError."""
        with self._lock:
            if self._waiting >= WAITING:
                raise BusyError(f"{WAITING} questions wait already")
            self._waiting += 1
            try:
                answer = self._started().submit(_answer, body)
            except BrokenProcessPool:  # a process was killed: the others go with it
                self._pool = None
                answer = self._started().submit(_answer, body)
        answer.add_done_callback(self._answered)
        return answer

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = get_context("spawn")  # a database belongs to the process that opened it
            self._pool = ProcessPoolExecutor(cores(), context, _begin, (self._settings, os.getpid()))
        return self._pool

    def _answered(self, _: object) -> None:
        with self._lock:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _begin(settings: Settings, parent: int) -> None:
    global _engine
    from matching.engine import Engine
    from service.terminal import say

    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _engine = Engine(settings.data, note=say, database=settings.database_url)
    _engine.warm()


def _end_with(parent: int) -> None:
    """A parent that is killed tells nobody."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _answer(body: bytes) -> Json:
    """The answer of `whorl match --json`, with ``searched``: only copies that are not disguised were looked for."""
    from fingerprint.exchange import unpacked
    from fingerprint.storage import StorageError
    from matching.engine import Engine
    from service.examining import told

    assert isinstance(_engine, Engine)
    try:
        made = unpacked(body)
        if not made.queries:
            raise ValueError("it holds nothing to ask with: make it by `whorl fingerprint --query`")
        if made.duration > LONGEST:
            raise ValueError(
                f"{made.duration:.0f} s are longer than the {LONGEST:.0f} that can be asked at once"
            )
        answer = _engine.match(made)
    except StorageError as error:
        raise ValueError(str(error)) from None
    return told(_engine, answer) | {"searched": "plain"}
