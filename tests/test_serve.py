"""`whorl serve` as an operator sees it: one command, a key at the first start, an end when it is told to."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from service.cli import app

ROOT = Path(__file__).parents[1]


@contextmanager
def serving(data: Path, *options: str) -> Iterator[tuple[str, str]]:
    """A `whorl serve` of its own: its address, and the key that it printed, if any."""
    command = [sys.executable, "-m", "service.cli", "--data", str(data), "serve", "--port", "0", *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        said, key = "", ""
        try:
            while not (address := re.search(r"http://\S+:\d+", said)):
                line = running.stderr.readline()
                assert line, f"whorl serve ended: {said}"
                key = key or (running.stdout.readline().strip() if "key" in line else "")
                said += line
            yield address[0], key
        finally:
            running.send_signal(signal.SIGTERM)
            _, rest = running.communicate(timeout=60)
    assert running.returncode == 0, said + rest
    assert "Traceback" not in said + rest


def test_the_first_start_prints_a_key_and_the_next_none(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as (address, key):
        assert key.startswith("whorl_")
        assert httpx.get(f"{address}/health/ready", timeout=30).json() == {"status": "ok"}
    with serving(tmp_path, "--workers", "0") as (_, key):
        assert key == ""


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as (address, _):
        port = address.rsplit(":", 1)[1]
        command = [sys.executable, "-m", "service.cli", "--data", str(tmp_path), "serve", "--port", port]
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
