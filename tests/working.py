"""Workers for tests: real processes beside the app, and how to wait for what they do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from matching.engine import Engine

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
PATIENCE = 60.0  # seconds


class Workers:
    """Worker processes over a data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """One more worker; it takes a few seconds until it does jobs."""
        environment = {**os.environ, "WHORL_DATA": str(self.data)}
        self.running.append(subprocess.Popen([sys.executable, "-m", "service.jobs.worker"], env=environment))
        return self.running[-1]

    def stop(self) -> None:
        """Ends them all at once."""
        for one in self.running:
            one.send_signal(signal.SIGKILL)
            one.wait()
        self.running.clear()


@contextmanager
def workers(data: Path, count: int = 1) -> Iterator[Workers]:
    """Workers over a data directory."""
    started = Workers(data)
    try:
        for _ in range(count):
            started.start()
        yield started
    finally:
        started.stop()


def registered(data: Path) -> Path:
    """A data directory in which all originals of the samples are registered."""
    with Engine(data) as engine:
        for path in sorted((SAMPLES / "originals").iterdir()):
            engine.register(path)
    return data


def ended(
    client: TestClient | httpx.Client, job: dict[str, Any], states: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The job once it is over, or in one of these states."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        now: dict[str, Any] = client.get(f"/v1/jobs/{job['id']}").json()
        if now["state"] in (states or ("done", "failed", "cancelled")):
            return now
        time.sleep(0.05)
    raise AssertionError(f"job is {now['state']} after {PATIENCE} s: {now}")
