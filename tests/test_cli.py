"""The command line: what it prints where, its exit status, and that nothing breaks the catalog."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerprint.media import sha256
from matching.engine import Engine
from service.options import interrupted
from service.process import interrupt
from service.terminal import progress
from tests.command import lines, whorl
from tests.test_channels import wave_file

ANSWER = {"query", "status", "error", "elapsed", "matches", "engine", "path"}
SEGMENT = {
    "kind", "query_start", "query_end", "ref_start", "ref_end", "time_scale", "disguise", "score",
}  # fmt: skip


def process(data: Path, *arguments: object, **more: Any) -> "subprocess.Popen[str]":
    """The command line as a process of its own."""
    command = [sys.executable, "-m", "service.cli", "--data", str(data), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


@pytest.fixture
def no_media(tmp_path: Path) -> Path:
    path = tmp_path / "seized" / "letter.mp4"
    path.parent.mkdir()
    path.write_text("Dear reader, this is not a film.\n" * 50)
    return path


def test_help_comes_at_once_and_names_every_command() -> None:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert time.monotonic() - begun < 3  # a loaded machine; a free one takes 0.3 s
    for command in ("register", "match", "list", "show", "remove", "report", "bench"):
        assert command in done.stdout


def test_the_same_bytes_register_once(data: Path, song: Path, tmp_path: Path) -> None:
    copy = tmp_path / "another name.m4a"
    shutil.copy(song, copy)
    first, second = whorl("register", song), whorl("register", copy)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout.startswith("registered as #1")
    assert second.stdout.startswith("already registered as #1")
    assert [row["name"] for row in lines("list")] == [song.name]


def test_an_option_of_all_commands_behind_one_is_told_its_place(data: Path, song: Path) -> None:
    result = whorl("match", "--data", data, song)
    assert result.exit_code == 2 and "whorl --data DIR match" in result.stderr
    assert "No such option" in whorl("match", "--nonsense", song).stderr


@pytest.mark.parametrize(("command", "kept"), [("match", False), ("scan", True), (None, False)])
def test_an_interruption_tells_what_is_kept(command: str | None, kept: bool) -> None:
    assert ("what was finished is kept" in interrupted(command)) == kept


def test_a_scheme_that_nobody_checks_is_said(data: Path, song: Path) -> None:
    told = whorl("register", song, "--id", "isrcc:USRC17607839", "--id", "isrc:USRC17607839")
    assert told.exit_code == 0 and "taken as your own: isrcc (" in told.stderr
    assert "taken as" not in whorl("register", song, "--id", "isrc:USRC17607839").stderr


def test_what_can_never_be_matched_is_registered_under_protest(
    data: Path, song: Path, tmp_path: Path
) -> None:
    silent = wave_file(tmp_path / "silent.wav", np.zeros((1, 80_000), np.float32))
    (line,) = lines("register", silent)
    assert line["warnings"] == ["silent or blank throughout: it can never be matched"]
    (line,) = lines("register", song)
    assert "warnings" not in line


def test_a_card_is_for_people(data: Path, song: Path) -> None:
    whorl("register", song, "--owner", "A Label", "--id", "isrc:USRC17607839", "--id", "label:7")
    card = dict(line.split(None, 1) for line in whorl("show", "1").stdout.splitlines())
    assert (card["title"], card["owner"], card["kind"]) == ("harbour-lights", "A Label", "not given")
    assert card["identifiers"] == "isrc:USRC17607839, label:7"
    assert re.fullmatch(r"audio/3: \d+ codes, .* kB", card["fingerprint"])
    assert re.fullmatch(r"\d+-\d\d-\d\d \d\d:\d\d:\d\d UTC", card["registered"])
    assert re.fullmatch(r"\d+:\d\d\.\d", card["length"])


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 3.0, 3.0, 4.0, 15.0, 15.0])
    monkeypatch.setattr("service.terminal.time.monotonic", lambda: next(clock))
    with progress(4, "matching") as show:
        for part in (0.1, 0.2, 0.3, 0.4):
            show(1, part, "clip.mp4")
    told = capsys.readouterr().err.splitlines()
    assert told == ["matching 2 of 4, 30%: clip.mp4", "matching 2 of 4, 35%: clip.mp4"]


def test_details_come_from_options_too(data: Path, song: Path) -> None:
    whorl("register", song, "--title", "Harbour Lights", "--owner", "A Label", "--id", "isrc:US-RC1-76-07839")
    (shown,) = lines("show", "#1")
    assert (shown["title"], shown["owner"], shown["identifiers"]) == (
        "Harbour Lights",
        "A Label",
        ["isrc:USRC17607839"],
    )


def test_an_answer_has_exactly_the_agreed_keys(data: Path, song: Path, samples: Path) -> None:
    whorl("register", song)
    (answer,) = lines("match", samples / "captures" / "cut-32kbit.mp3")
    assert set(answer) == ANSWER
    assert set(answer["query"]) == {"name", "sha256", "duration", "kinds"}
    assert set(answer["engine"]) == {"version", "algorithms", "references"}
    (match,) = answer["matches"]
    assert set(match) == {"reference", "verdict", "expected_false_matches", "segments"}
    assert set(match["reference"]) == {"id", "name", "title", "owner", "sha256"}
    assert match["reference"]["sha256"] == sha256(song)
    (segment,) = match["segments"]
    assert set(segment) == SEGMENT
    assert set(segment["disguise"]) == {"mirror", "crop", "pitch"}
    assert (answer["status"], match["verdict"]) == ("match", "match")
    assert segment["ref_start"] - segment["query_start"] == pytest.approx(12, abs=0.1)


def test_removed_is_not_found(registered: Path, samples: Path) -> None:
    assert whorl("register", samples / "originals" / "first-snow.ogg").exit_code == 0
    assert whorl("remove", "1", "#1").exit_code == 0  # named twice, removed once
    assert [row["id"] for row in lines("list")] == ["2"]
    (answer,) = lines("match", samples / "captures" / "cut-32kbit.mp3")
    assert answer["status"] == "no-match"


@pytest.mark.parametrize("command", ["match", "scan"])
def test_against_an_empty_catalog_nothing_is_examined(
    data: Path, song: Path, samples: Path, command: str
) -> None:
    for _ in range(2):  # never registered anything, then removed all
        plain, told = whorl(command, song), whorl(command, song, "--json")
        assert (plain.exit_code, plain.stdout, told.exit_code) == (1, "", 1)
        line = json.loads(told.stdout)
        assert (line["status"], line["error"]["code"]) == ("error", "nothing-registered")
        assert str(data) in line["error"]["message"] and "no match" not in told.output
        assert str(data) in whorl("list").stdout
        whorl("register", song)
        whorl("remove", *(row["id"] for row in lines("list")))


def test_what_cannot_be_examined_is_an_error_and_no_miss(
    registered: Path, no_media: Path, samples: Path
) -> None:
    song = samples / "originals" / "first-snow.ogg"
    result = whorl("match", no_media, song)
    assert result.exit_code == 1
    table = result.stdout.splitlines()
    assert "error" in next(line for line in table if "letter.mp4" in line)
    assert "no match" in next(line for line in table if song.name in line)
    failed, examined = lines("match", no_media, song)
    assert (failed["status"], failed["matches"], examined["status"]) == ("error", [], "no-match")
    assert failed["error"]["code"]
    assert "letter.mp4" in failed["error"]["message"]


def test_a_name_that_is_no_text_is_spelt_out(registered: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd\xff.wav")
    odd.write_bytes(b"RIFF")
    (line,) = lines("match", odd)
    assert line["path"] == f"{tmp_path}/odd\\xff.wav" and line["status"] == "error"


def test_one_bad_file_does_not_stop_the_others(data: Path, no_media: Path, song: Path) -> None:
    shutil.copy(song, no_media.parent / "song.m4a")
    (no_media.parent / ".hidden").write_text("passed over")
    result = whorl("register", no_media.parent)
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["error", "registered as #1"]


def _faulty(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Has this method of the engine fail for files called bad."""
    work = getattr(Engine, method)

    def fail(engine: Engine, path: Path, *arguments: Any) -> Any:
        return work(engine, path, *arguments) if "bad" not in path.name else 1 / 0

    monkeypatch.setattr(Engine, method, fail)


def test_a_fault_that_one_file_brings_out_does_not_stop_a_match(
    registered: Path, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _faulty(monkeypatch, "examine")
    result = whorl("match", tmp_path / "bad.mp4", song, "--json")
    failed, examined = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert (failed["error"]["code"], examined["status"]) == ("crashed", "match")
    assert "bad.mp4: could not be examined (ZeroDivisionError" in failed["error"]["message"]
    assert "Traceback" in result.stderr


def test_a_fault_that_one_file_brings_out_does_not_stop_registering(
    data: Path, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _faulty(monkeypatch, "take")
    failed, registered = lines("register", tmp_path / "bad.mp4", song)
    assert (failed["error"]["code"], registered["status"]) == ("crashed", "registered")


@pytest.mark.parametrize("command", ["match", "register"])
def test_a_huge_file_of_holes_is_told_and_not_read(registered: Path, tmp_path: Path, command: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom")
    os.truncate(path, 1 << 40)
    (told,) = lines(command, path)
    assert told["error"]["code"] == "sparse"


def test_a_folder_that_cannot_be_read_is_named(
    registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    scandir: Callable[[Any], Iterator[Any]] = os.scandir

    def refuse(path: Any) -> Iterator[Any]:
        if str(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # the permission itself does not bind a superuser
    result = whorl("match", locked)
    assert result.exit_code == 1
    assert "Permission denied" in result.stdout
    assert "no match" not in result.stdout


@pytest.mark.parametrize(
    "wrong",
    [["match"], ["show", "99"], ["remove", "x"], ["nonsense"], ["register", "x", "--id", "no-colon"],
     ["register", "x", "--table", "no-such.csv"], ["report", "no-such.jsonl"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_status_2(data: Path, wrong: list[str]) -> None:
    assert whorl(*wrong).exit_code == 2


def test_a_missing_file_is_an_error_of_that_file(registered: Path, tmp_path: Path) -> None:
    result = whorl("match", tmp_path / "gone.mp4")
    assert result.exit_code == 1
    assert "gone.mp4" in result.stdout


@pytest.mark.parametrize("name", [b"a\x1b[31m[red]b\n.mp4", b"\xff\xfe.mp4", "\u202egpj.mp4".encode()])
def test_hostile_names_are_spelt_out(registered: Path, tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_text("no media")
    shown = whorl("match", path).stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(whorl("match", path, "--json").stdout.splitlines()) == 1
    assert lines("match", path)[0]["status"] == "error"


def test_interrupted_it_says_so_and_keeps_what_was_finished(tmp_path: Path, samples: Path) -> None:
    data = tmp_path / "data"
    running = process(data, "register", samples / "originals")
    assert running.stdout is not None
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert first.startswith("registered as #1")
    assert running.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert lines("--data", data, "list")[0]["id"] == "1"
    assert whorl("--data", data, "register", samples / "originals").exit_code == 0
    assert len(lines("--data", data, "list")) == 7


def test_a_full_disk_is_said_and_the_catalog_stays_whole(tmp_path: Path, samples: Path, song: Path) -> None:
    data = tmp_path / "data"
    assert whorl("--data", data, "register", song).exit_code == 0

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))

    film = samples / "originals" / "the-river.mp4"
    running = process(data, "register", film, preexec_fn=no_room)
    shown, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "Traceback" not in errors
    assert "error" in shown + errors
    assert [row["name"] for row in lines("--data", data, "list")] == [song.name]
    assert whorl("--data", data, "register", film).exit_code == 0


def test_a_report_is_written_from_answers(data: Path, song: Path, samples: Path, tmp_path: Path) -> None:
    whorl("register", song)
    answers, page = tmp_path / "answers.jsonl", tmp_path / "page.html"
    answers.write_text(whorl("match", "--json", samples / "captures" / "cut-32kbit.mp3").stdout)
    assert whorl("report", answers, "--output", page, "--media", samples).exit_code == 0
    assert "data:image/png" in page.read_text()
    assert str(samples / "captures" / "cut-32kbit.mp3") in whorl("report", answers).stdout


def test_a_report_spells_out_what_is_no_text(registered: Path, song: Path, tmp_path: Path) -> None:
    (answer,) = lines("match", song)
    answer["engine"]["version"] = "odd\ud800version"
    (tmp_path / "answers.jsonl").write_text(json.dumps(answer))
    done = whorl("report", tmp_path / "answers.jsonl", "-o", tmp_path / "page.html")
    assert done.exit_code == 0
    assert r"odd\ud800version" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_an_interruption_is_not_lost_in_a_finalizer() -> None:
    class Ended:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            ended = Ended()
            del ended
            time.sleep(5)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "arguments",
    [["match", ""], ["register", ""], ["register", ".", "--table", ""], ["scan", ""], ["scan", ".", "-o", ""],
     ["scan", ".", "--exclude-hashes", ""], ["scan", ".", "--media", ""], ["watch", "http://localhost/x", "-o", ""],
     ["report", ""], ["report", "x", "-o", ""], ["report", "x", "--media", ""], ["fingerprint", ""],
     ["fingerprint", "x", "-o", ""], ["backup", ""], ["--data", "", "list"]],
    ids=" ".join,
)  # fmt: skip
def test_an_empty_name_is_not_this_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = whorl(*arguments)
    assert done.exit_code == 2 and "names no file" in done.stderr


def test_other_details_of_what_is_registered_are_not_taken_in_silence(data: Path, samples: Path) -> None:
    song = samples / "originals" / "first-snow.ogg"
    assert "stay" not in whorl("register", song, "--owner", "A").stdout
    assert "stay" not in whorl("register", song).stdout
    assert "stay" in whorl("register", song, "--owner", "B").stdout


def test_files_of_one_name_are_told_apart(
    registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(b"")
    shown = whorl("match", ".").stdout
    assert "a/clip.mp4" in shown and "b/clip.mp4" in shown
