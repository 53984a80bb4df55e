"""The processes of `whorl serve` beside it: workers, the watcher, the deliverer; each is started again when it dies."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

log = logging.getLogger("whorl.crew")

PATIENCE = 30.0  # seconds that a worker has to end when it is told to
LOOK = 0.5  # seconds between two looks
PAUSE = 5.0  # seconds that pass between two starts of one that dies at once: a fault that lasts must not fill the log


Command = tuple[str, ...]
WORKER: Command = (sys.executable, "-m", "service.jobs.worker")
DELIVERER: Command = (sys.executable, "-m", "service.webhooks.deliverer")
WATCHER: Command = (sys.executable, "-m", "service.watcher.watcher")


class Crew:
    """Keeps a process of each of the commands running. Use it in a ``with`` block."""

    def __init__(self, commands: Sequence[Command], environment: dict[str, str]) -> None:
        self._commands = commands
        self._environment, self._over = environment, threading.Event()
        self._running = [self._start(command) for command in commands]
        self._started = [time.monotonic()] * len(commands)
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

    def _start(self, command: Command) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C on the terminal is for the service, which tells these in its turn.
        return subprocess.Popen(command, env=self._environment, start_new_session=True)

    def _keep(self) -> None:
        while not self._over.wait(LOOK):
            for place, one in enumerate(self._running):
                if one.poll() is not None and time.monotonic() - self._started[place] > PAUSE:
                    command = self._commands[place]
                    told = {"code": one.returncode, "command": command[-1]}
                    log.error("a process died and is started again", extra={"told": told})
                    self._running[place], self._started[place] = self._start(command), time.monotonic()


def _wait(process: subprocess.Popen[bytes], until: float) -> None:
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:  # its job is taken up by the next start
        process.kill()
        process.wait()
