"""`whorl serve` as a process of its own: started, asked over HTTP, killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

TICKS = os.sysconf("SC_CLK_TCK")
STARTING = 120.0  # seconds


def _processes() -> dict[int, list[str]]:
    """The fields of /proc/PID/stat behind the name, by process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
    return found


def family(pid: int) -> dict[int, list[str]]:
    """A process and all that descend from it."""
    everything, members = _processes(), [pid]
    for member in members:
        members += [one for one, stat in everything.items() if int(stat[1]) == member]
    return {member: everything[member] for member in members if member in everything}


class Served:
    """A service over a data directory, on one port however often it is started."""

    def __init__(self, data: Path, workers: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._data, self._workers, self.key = data, workers, ""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts it, and waits until it is ready."""
        command = [sys.executable, "-m", "service.cli", "--data", str(self._data)]
        environment = {**os.environ, "WHORL_REQUESTS_A_MINUTE": "1000000", "WHORL_JOBS_AT_ONCE": "100000"}
        arguments = ["serve", "--port", str(self.port), "--workers", str(self._workers)]
        log = (self._data / "serve.log").open("a")
        self.process = subprocess.Popen(
            [*command, *arguments], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        if not self.key and self.process.stdout is not None:
            self.key = self.process.stdout.readline().strip()
        deadline = time.monotonic() + STARTING
        while not self._lives():
            if time.monotonic() > deadline:
                raise RuntimeError("the service does not start: see serve.log in its data directory")
            time.sleep(0.1)

    def _lives(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health/live", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def client(self) -> httpx.Client:
        """Asks it, with the administrator's key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=60)

    def members(self) -> dict[int, list[str]]:
        """All its processes."""
        return family(self.process.pid) if self.process is not None else {}

    def workers(self) -> list[int]:
        """The processes that do jobs."""
        return [pid for pid in self.members() if b"service.jobs.worker" in _command(pid)]

    def cpu(self) -> float:
        """CPU seconds of all its processes, with those of children that have ended."""
        return sum(sum(map(int, stat[11:15])) for stat in self.members().values()) / TICKS

    def resident(self) -> int:
        """Bytes in memory of all its processes."""
        return sum(int(stat[21]) for stat in self.members().values()) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """Kills the API alone; its workers must see for themselves."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def end(self) -> None:
        """Ends everything."""
        members = list(self.members())
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def started(data: Path, workers: int) -> Iterator[Served]:
    """A service, and its end."""
    served = Served(data, workers)
    try:
        served.start()
        yield served
    finally:
        served.end()


Json = dict[str, Any]


def stated(client: httpx.Client, path: str) -> Json:
    """What a GET gives, asked again while the service is away."""
    while True:
        try:
            answer = client.get(path)
            if answer.status_code < 500:
                found: Json = json.loads(answer.text)
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.2)
