"""Registering much: all cores fingerprint, one process stores, and a kill loses only what is under way."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from index.catalog import Catalog
from service.cli import app

AT_ONCE = """
import sys
from service import registering
if __name__ == "__main__":
    registering.MUCH = 0
    from service.cli import main
    main()
"""


def whorl(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size, with two workers."""
    monkeypatch.setattr("service.registering.MUCH", 0)
    monkeypatch.setattr("service.registering.cores", lambda: 2)


def held(data: Path) -> dict[str, Any]:
    """Fingerprints by the SHA-256 of their file."""
    catalog = Catalog(data / "catalog.db")
    made = {
        reference.sha256: [
            (algorithm, fingerprint.codes.tobytes(), fingerprint.times.tobytes())
            for algorithm in catalog.algorithms(reference.id)
            if (fingerprint := catalog.fingerprint(reference.id, algorithm)) is not None
        ]
        for reference in catalog.references()
    }
    catalog.close()
    return made


def test_all_cores_register_what_one_does(
    data: Path, tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = tmp_path / "originals"
    originals.mkdir()
    for name in ("harbour-lights.m4a", "the-river.mp4", "the-witness.opus"):
        shutil.copy(samples / "originals" / name, originals)
    assert whorl("register", originals).exit_code == 0
    one = held(data)
    monkeypatch.setattr("service.registering.MUCH", 0)
    monkeypatch.setattr("service.registering.cores", lambda: 2)
    assert whorl("--data", tmp_path / "other", "register", originals).exit_code == 0
    assert held(tmp_path / "other") == one


def test_failures_are_told_at_the_end_and_the_rest_is_registered(
    data: Path, at_once: None, samples: Path, tmp_path: Path
) -> None:
    (tmp_path / "letter.mp4").write_text("Dear reader, this is no film.")
    song = samples / "originals" / "the-witness.opus"
    done = whorl(
        "register", tmp_path / "letter.mp4", tmp_path / "gone.mp4", song, "--json", "--title", "A Voice"
    )
    assert done.exit_code == 1
    lines = {Path(line["file"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert {name: (line["error"] or {}).get("code") for name, line in lines.items()} == {
        "letter.mp4": "not-media", "gone.mp4": "not-found", "the-witness.opus": None,
    }  # fmt: skip
    assert lines["the-witness.opus"]["reference"]["title"] == "A Voice"
    told = done.stderr.splitlines()
    assert "2 of 3 files could not be registered:" in told
    assert any("letter.mp4: not-media: " in line for line in told)


@pytest.mark.parametrize("stored", [1, 2])
def test_a_kill_loses_only_what_is_under_way(data: Path, samples: Path, tmp_path: Path, stored: int) -> None:
    script = tmp_path / "whorl_at_once.py"
    script.write_text(AT_ONCE)
    command = [sys.executable, str(script), "register", str(samples / "originals"), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert running.stdout is not None
    first = [json.loads(running.stdout.readline()) for _ in range(stored)]
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    finished = {line["reference"]["id"] for line in first}
    assert finished <= {str(r.id) for r in _references(data)}
    again = [
        json.loads(line) for line in whorl("register", samples / "originals", "--json").stdout.splitlines()
    ]
    skipped = {line["reference"]["id"] for line in again if line["status"] == "already-registered"}
    assert finished <= skipped
    assert len(_references(data)) == 7


def _references(data: Path) -> list[Any]:
    catalog = Catalog(data / "catalog.db")
    found = catalog.references()
    catalog.close()
    return found
