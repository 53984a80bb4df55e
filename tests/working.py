"""Workers for tests: real processes beside the app, and how to wait for what they do."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient

from matching.engine import Engine
from service.crew import WORKER, Command

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
GIVEN = ("data", "database", "allow_hosts", "evidence_match", "evidence_total")  # settings that they are told
PATIENCE = 180.0  # seconds: on a busy machine a worker takes long to load its models


class Workers:
    """Worker processes of a service."""

    def __init__(self, app: FastAPI, command: Command = WORKER) -> None:
        settings = app.state.settings
        given = {name: str(getattr(settings, name)) for name in GIVEN}
        self._given = {f"WHORL_{name.upper()}": value for name, value in given.items()}
        self._command = command
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """One more worker; it takes a few seconds until it does jobs."""
        environment = {**os.environ, **self._given}
        self.running.append(subprocess.Popen(self._command, env=environment))
        return self.running[-1]

    def stop(self) -> None:
        """Ends them all at once."""
        for one in self.running:
            one.send_signal(signal.SIGKILL)
            one.wait()
        self.running.clear()


@contextmanager
def workers(app: FastAPI, count: int = 1, command: Command = WORKER) -> Iterator[Workers]:
    """Workers of a service, or watchers."""
    started = Workers(app, command)
    try:
        for _ in range(count):
            started.start()
        yield started
    finally:
        started.stop()


def register(app: FastAPI, *names: str) -> None:
    """Registers originals of the samples."""
    settings = app.state.settings
    with Engine(settings.data, database=settings.database_url) as engine:
        for name in names:
            engine.register(SAMPLES / "originals" / name)


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
