"""Output that cannot be written, ids and names that cannot be: a clear line and a status, never a traceback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from index.names import printable
from service.cli import app
from tests.render import sound_file

FULL = Path("/dev/full")
LONG = "a" * 300 + ".mp3"


def whorl(
    data: Path, arguments: str, redirected: str = "", environment: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """The command line under a shell."""
    command = f"{sys.executable} -m service.cli --data {data} {arguments} {redirected}"
    given = {**os.environ, **environment}
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120, env=given)


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_a_line(tmp_path: Path) -> None:
    done = whorl(tmp_path / "data", "list", "> /dev/full")
    assert (done.returncode, done.stderr.splitlines()) == (
        1, ["error: the output cannot be written: No space left on device"],
    )  # fmt: skip


def test_a_closed_output_is_told_in_a_line(tmp_path: Path) -> None:
    done = whorl(tmp_path / "data", "list", ">&-")
    assert (done.returncode, done.stderr.splitlines()) == (
        1, ["error: the output is closed: answers go to stdout"],
    )  # fmt: skip


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_a_closed_stream_is_no_fault_of_the_files(tmp_path: Path, samples: Path, closed: str) -> None:
    song = samples / "originals" / "the-witness.opus"
    done = whorl(tmp_path / "data", f"register {song}", closed)
    assert (done.returncode, done.stdout) == (0, f"registered as #1: {song}\n")


def test_a_terminal_without_a_names_letters_gets_them_spelt_out(tmp_path: Path, samples: Path) -> None:
    song = shutil.copy(samples / "originals" / "the-witness.opus", tmp_path / "smør.opus")
    done = whorl(tmp_path / "data", f"register {song}", environment={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout) == (0, f"registered as #1: {tmp_path}/sm\\xf8r.opus\n")


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_scan_whose_results_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.csv.part").symlink_to(FULL)
    sound = sound_file(tmp_path / "song.wav", "pcm_s16le", 3.0, 8000, form="s16")
    assert whorl(tmp_path / "data", f"register {sound}").returncode == 0
    done = whorl(tmp_path / "data", f"scan {tmp_path}/drive --output {tmp_path}/out")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("out cannot be written to: No space left on device")


@pytest.mark.parametrize("command", ["show", "remove"])
@pytest.mark.parametrize("number", ["99999999999999999999", "9223372036854775808", "#0", "9" * 5000])
def test_an_id_that_none_can_have(data: Path, command: str, number: str) -> None:
    done = CliRunner().invoke(app, [command, number])
    assert (done.exit_code, "no reference" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ["match", "register", "scan"])
def test_a_name_that_no_file_can_have(data: Path, tmp_path: Path, command: str) -> None:
    sound = sound_file(tmp_path / "song.wav", "pcm_s16le", 3.0, 8000, form="s16")
    assert CliRunner().invoke(app, ["register", str(sound)]).exit_code == 0
    done = CliRunner().invoke(app, [command, LONG])
    assert done.exit_code == 1
    assert "File name too long" in done.stdout + done.stderr


def test_names_that_are_no_text_are_kept_as_text(data: Path, tmp_path: Path) -> None:
    assert printable("caf\udce9 \ud800") == r"caf\xe9 \ud800"
    path = sound_file(tmp_path / "song.wav", "pcm_s16le", 3.0, 8000, form="s16")
    odd = path.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    for words in ("registered", "already registered"):
        done = CliRunner().invoke(app, ["register", str(odd), "--owner", "Caf\udce9", "--title", "T\udce9"])
        assert (done.exit_code, done.stdout) == (0, f"{words} as #1: {tmp_path}/caf\\xe9.wav\n")
    shown = CliRunner().invoke(app, ["show", "1"]).stdout
    assert (r"caf\xe9.wav" in shown, r"T\xe9" in shown, r"Caf\xe9" in shown) == (True, True, True)


def test_names_that_differ_in_bytes_that_are_no_text_still_differ(data: Path, tmp_path: Path) -> None:
    for byte in (b"\xe8", b"\xe9"):
        sound_file(tmp_path / "song.wav", "pcm_s16le", 3.0, 8000, form="s16").rename(
            os.fsdecode(os.fsencode(tmp_path) + b"/caf" + byte + b".wav")
        )
    for command, told in (("register", "file"), ("scan", "path")):
        done = CliRunner().invoke(app, [command, str(tmp_path), "--json"])
        named = {json.loads(line)[told] for line in done.stdout.splitlines()}
        assert named >= {rf"{tmp_path}/caf\xe8.wav", rf"{tmp_path}/caf\xe9.wav"}
