"""The workers of `whorl serve`: as many processes as were asked for, each started again when it dies."""

import logging
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Self

log = logging.getLogger("whorl.crew")

PATIENCE = 30.0  # seconds that a worker has to end when it is told to
LOOK = 0.5  # seconds between two looks
PAUSE = 5.0  # seconds that pass between two starts of one that dies at once: a fault that lasts must not fill the log


class Crew:
    """Keeps ``count`` processes of a command running. Use it in a ``with`` block."""

    def __init__(self, count: int, environment: dict[str, str], command: tuple[str, ...] = ()) -> None:
        self._command = command or (sys.executable, "-m", "service.jobs.worker")
        self._environment, self._over = environment, threading.Event()
        self._running = [self._start() for _ in range(count)]
        self._started = [time.monotonic()] * count
        self._watch = threading.Thread(target=self._keep, name="crew", daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()
        for one in self._running:
            one.terminate()
        until = time.monotonic() + PATIENCE
        for one in self._running:
            _wait(one, until)

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [one.pid for one in self._running if one.poll() is None]

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C on the terminal is for the service, which tells the workers in its turn.
        return subprocess.Popen(self._command, env=self._environment, start_new_session=True)

    def _keep(self) -> None:
        while not self._over.wait(LOOK):
            for place, one in enumerate(self._running):
                if one.poll() is not None and time.monotonic() - self._started[place] > PAUSE:
                    log.error("a worker died and is started again", extra={"told": {"code": one.returncode}})
                    self._running[place], self._started[place] = self._start(), time.monotonic()


def _wait(process: subprocess.Popen[bytes], until: float) -> None:
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:  # its job is taken up by the next start
        process.kill()
        process.wait()
