"""Runs a program and measures it with all processes that it starts, by what Linux tells in /proc."""

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
EVERY = 0.05  # seconds between two looks
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


@dataclass(frozen=True, slots=True)
class Run:
    """What a program took.

    code     its exit status
    wall     seconds from its start to its end
    cpu      seconds of CPU of it and of all processes it started
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


def run(command: list[str], given: str = "") -> Run:
    """Runs a program and all it starts to their end, with ``given`` as its input; its output is dropped.

    The caller may have no other child processes meanwhile: they would be waited for too.
    """
    begun, memory = time.monotonic(), list[tuple[float, int]]()
    _adopt_orphans()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None, "asked for by PIPE"
    process.stdin.write(given.encode())
    process.stdin.close()
    wall = cpu = 0.0
    while True:
        try:
            ended, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return Run(process.returncode, wall, cpu, memory)
        if ended:
            cpu += usage.ru_utime + usage.ru_stime
        if ended == process.pid:
            process.returncode, wall = os.waitstatus_to_exitcode(status), time.monotonic() - begun
        if not ended:
            memory.append((time.monotonic() - begun, sum(map(_resident, _family(process.pid)))))
            time.sleep(EVERY)


def _adopt_orphans() -> None:
    """Lets a process that outlives its parent become a child of this one, so that its CPU is counted too."""
    failed = ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)
    if failed:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed: benchmarks need Linux")
