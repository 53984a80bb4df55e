"""`whorl serve` as an operator sees it: one command, a key at the first start, an end when it is told to."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest
from typer.testing import CliRunner

from service import crew
from service.cli import app
from service.crew import Crew

ROOT = Path(__file__).parents[1]


class Serving:
    """A `whorl serve` of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        command = [
            sys.executable,
            "-m",
            "service.cli",
            "--data",
            str(folder / "data"),
            "serve",
            "--port",
            "0",
            *options,
        ]
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err)
        wait_for(lambda: "http://" in self.said or self.process.poll() is not None)
        found = re.search(r"http://[\w.:]+:\d+", self.said)
        assert found, self.said
        self.address = found[0]

    @property
    def said(self) -> str:
        """What it logged."""
        return (self._folder / "err").read_text()

    @property
    def key(self) -> str:
        """The key that it printed, if any."""
        return (self._folder / "out").read_text().strip()

    def get(self, path: str) -> httpx.Response:
        """An answer to the administrator."""
        return httpx.get(f"{self.address}{path}", headers={"Authorization": f"Bearer {self.key}"}, timeout=30)

    def end(self) -> None:
        """Tells it to end, and waits."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.said
        assert "Traceback" not in self.said


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Serving]:
    started = Serving(folder, *options)
    try:
        yield started
        started.end()
    finally:
        started.process.kill()
        started.process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_first_start_prints_a_key_and_the_next_none(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as first:
        assert first.key.startswith("whorl_")
        assert first.get("/health/ready").json() == {"status": "ok"}
    with serving(tmp_path, "--workers", "0") as second:
        assert second.key == ""


def test_logs_are_json_lines_with_the_id_of_the_request(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as running:
        answer = running.get("/v1/me")
    lines = [json.loads(line) for line in running.said.splitlines()]
    (line,) = [line for line in lines if line.get("path") == "/v1/me"]
    assert (line["status"], line["request"], line["actor"]) == (
        200,
        answer.headers["X-Request-ID"],
        "first start",
    )
    assert running.key not in running.said
    assert lines[-1]["message"] == "ended"


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as running, ThreadPoolExecutor(1) as pool:
        assert running.get("/health/ready").status_code == 200
        sending = Event()

        def slowly() -> Iterator[bytes]:
            yield b'{"title": '
            sending.set()
            time.sleep(1.0)
            yield b'"Faust"}'

        headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
        asked = pool.submit(
            httpx.post, f"{running.address}/v1/works", content=slowly(), headers=headers, timeout=30
        )
        assert sending.wait(30)
        time.sleep(0.3)  # it has come in
        running.process.send_signal(signal.SIGTERM)
        assert asked.result().status_code == 201


def test_a_worker_that_dies_is_started_again_and_all_end_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "PAUSE", 0.0)
    # What notes its process and waits stands for a worker.
    program = f"import os, time; open('{tmp_path}/' + str(os.getpid()), 'w'); time.sleep(600)"
    with Crew([(sys.executable, "-c", program)] * 2, dict(os.environ)) as started:
        first = started.pids
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
        os.kill(first[0], signal.SIGKILL)
        wait_for(lambda: len(started.pids) == 2 and started.pids[0] != first[0])
        assert started.pids[1] == first[1]
        last = started.pids
    assert [pid for pid in {*first, *last} if Path(f"/proc/{pid}").exists()] == []


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as running:
        port = running.address.rsplit(":", 1)[1]
        command = [
            sys.executable,
            "-m",
            "service.cli",
            "--data",
            str(tmp_path / "data"),
            "serve",
            "--port",
            port,
        ]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_key_is_made_on_the_machine(data: Path) -> None:
    made = CliRunner().invoke(app, ["key", "import", "--role", "holder", "--organisation", "Prana-Film"])
    assert re.fullmatch(r"whorl_[0-9a-f]{16}_[\w-]{43}\n", made.output)
    wrong = CliRunner().invoke(app, ["key", "import", "--role", "king"])
    assert wrong.exit_code == 2
    assert "no role 'king'" in wrong.output


@pytest.mark.parametrize("options", [["--port", "x"], ["--workers", "-1"]])
def test_wrong_settings_are_named(data: Path, options: list[str]) -> None:
    result = CliRunner().invoke(app, ["serve", *options])
    assert result.exit_code == 2
    assert options[0].lstrip("-") in result.output
