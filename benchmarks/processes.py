"""Runs a program and measures it with all processes that it starts, by what Linux tells in /proc."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
EVERY = 0.05  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Run:
    """What a program took.

    code     its exit status
    wall     seconds from its start to its end
    cpu      seconds of CPU of it and of all processes it started and waited for
    memory   (seconds since the start, bytes resident in all its processes together) at every look; pages that
             two of them share are counted twice
    """

    code: int
    wall: float
    cpu: float
    memory: list[tuple[float, int]]

    @property
    def peak(self) -> int:
        """The most bytes resident at once, as far as the looks saw."""
        return max((size for _, size in self.memory), default=0)


def _family(pid: int) -> Iterator[int]:
    """A process and all it has started, those that have just ended left out."""
    try:
        children = Path(f"/proc/{pid}/task").glob("*/children")
        started = [int(child) for path in children for child in path.read_text().split()]
    except OSError:
        return
    yield pid
    for child in started:
        yield from _family(child)


def _resident(pid: int) -> int:
    """Bytes of a process in memory; 0 when it has just ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def run(command: list[str], given: str = "", environment: dict[str, str] | None = None) -> Run:
    """Runs a program to its end, with ``given`` on its standard input and its output thrown away."""
    begun, memory = time.monotonic(), list[tuple[float, int]]()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
    )
    assert process.stdin is not None, "asked for by PIPE"
    process.stdin.write(given.encode())
    process.stdin.close()
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        now = time.monotonic() - begun
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            return Run(process.returncode, now, usage.ru_utime + usage.ru_stime, memory)
        memory.append((now, sum(_resident(pid) for pid in _family(process.pid))))
        time.sleep(EVERY)
