"""`whorl watch` as a command: what it prints where, its exit status, many streams, stops and kills."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from matching.engine import Engine
from service.cli import app
from tests.serving import Server, answer
from tests.streaming import Segments, excerpt, nothing, playlist, segmented, written

EVENT = {
    "event", "at", "stream", "stream_time", "id", "airing", "reference", "verdict", "expected_false_matches", "segment",
    "segments",
}  # fmt: skip


@pytest.fixture(scope="module")
def radio(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    programme = nothing(3) + excerpt(samples / "originals" / "market-day.mp3", 10, 9)
    return segmented(programme, tmp_path_factory.mktemp("radio"))


@pytest.fixture
def known(data: Path, samples: Path) -> Path:
    with Engine(data) as engine:
        engine.register(samples / "originals" / "market-day.mp3")
    return data


def whorl(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def process(data: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "service.cli", "--data", str(data), "watch", *arguments]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes)


def test_events_are_lines(server: Server, radio: Segments, known: Path) -> None:
    server.pages |= radio.pages() | {"/a.m3u8": playlist(radio.entries())}
    result = whorl("watch", server.url("/a.m3u8"), "--allow-host", "127.0.0.1", "--json")
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e["event"] for e in events] == ["started", "ended"]
    assert set(events[0]) == EVENT
    text = whorl("watch", server.url("/a.m3u8"), "--allow-host", "127.0.0.1").stdout
    assert "market-day" in text and "of the stream are" in text


def test_what_cannot_be_watched_is_exit_status_1(known: Path) -> None:
    result = whorl("watch", "http://127.0.0.1:1/a", "--json")
    assert result.exit_code == 1
    (event,) = map(json.loads, result.stdout.splitlines())
    assert event["error"]["code"] == "refused-address"


@pytest.mark.parametrize("path", ["clip.mp3", "/films/clip.mp3", "file:///films/clip.mp3"])
def test_a_file_is_for_match(known: Path, path: str) -> None:
    result = whorl("watch", path)
    assert result.exit_code == 1
    assert f"`whorl match {path.removeprefix('file://')}`" in result.output


@pytest.mark.parametrize("page", [answer(b"", 404), answer(b"this is a page, and no stream")])
def test_an_error_names_its_stream_once(server: Server, known: Path, page: bytes) -> None:
    server.pages["/a"] = page
    result = whorl("watch", server.url("/a"), "--allow-host", "127.0.0.1")
    (line,) = [line for line in result.stderr.splitlines() if "any further" in line]
    assert line.count("/a") == 1
    assert "main" not in result.output


def test_that_nothing_was_found_is_told(server: Server, known: Path, tmp_path: Path) -> None:
    server.pages["/a.mp3"] = answer(written(nothing(6), tmp_path / "a.mp3").read_bytes())
    arguments = ("watch", server.url("/a.mp3"), "--allow-host", "127.0.0.1")
    for result in (whorl(*arguments), whorl(*arguments, "--json")):
        assert (result.exit_code, result.stdout) == (0, "")
        assert "ended after 0:06." in result.stderr and "nothing found" in result.stderr


def test_a_file_that_cannot_come_through_a_pipe_is_told_how_it_can(
    known: Path, samples: Path, tmp_path: Path
) -> None:
    song = excerpt(samples / "originals" / "market-day.mp3", 10, 6)
    behind = written(song, tmp_path / "a.mp4").read_bytes()
    first = written(song, tmp_path / "b.mp4", movflags="faststart").read_bytes()
    with process(known, "-") as running:
        out, told = piped(running, behind)
        assert (running.returncode, out) == (1, "")
        assert "ffmpeg -i FILE -c copy -f mpegts - | whorl watch -" in told
    with process(known, "-") as running:
        out, told = piped(running, first)
        assert running.returncode == 0, told
        assert "market-day" in out


def piped(running: "subprocess.Popen[str]", data: bytes) -> tuple[str, str]:
    """Standard output and error of a process that is given these bytes."""
    assert running.stdin is not None
    with suppress(BrokenPipeError):
        os.write(running.stdin.fileno(), data)
    running.stdin.close()
    running.stdin = None
    return running.communicate(timeout=100)


@pytest.mark.parametrize(
    "arguments", [["watch"], ["watch", "-", "http://a/"], ["register"], ["register", "a", "--live", "b"]]
)
def test_wrong_usage_is_exit_status_2(known: Path, arguments: list[str]) -> None:
    assert whorl(*arguments).exit_code == 2


def test_many_streams_share_the_cores(server: Server, radio: Segments, known: Path) -> None:
    """A process each; the streams that fail do not disturb the others."""
    server.pages |= radio.pages() | {
        "/a.m3u8": playlist(radio.entries()),
        "/noise": answer(os.urandom(50_000)),
    }
    urls = [server.url(path) for path in ("/a.m3u8", "/noise", "/a.m3u8?2", "/gone")]
    running = process(known, *urls, "--allow-host", "127.0.0.1", "--json")
    out, _ = running.communicate(timeout=100)
    events = [json.loads(line) for line in out.splitlines()]
    assert running.returncode == 1
    for url in (urls[0], urls[2]):
        assert [e["event"] for e in events if e["stream"] == url] == ["started", "ended"]
    assert {e["error"]["code"] for e in events if e["event"] == "error"} == {"not-media", "gone"}


def test_an_interruption_is_exit_status_130(radio: Segments, known: Path) -> None:
    """A pipe that is open for ever is watched until somebody stops it."""
    with process(known, "-", "--json") as running:
        assert running.stdin is not None and running.stdout is not None
        os.write(running.stdin.fileno(), b"".join(radio.data))
        first = json.loads(running.stdout.readline())
        assert (first["event"], first["reference"]["name"]) == ("started", "market-day.mp3")
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        running.wait(20)
    assert running.returncode == 130


def test_a_live_original_is_registered(server: Server, radio: Segments, known: Path) -> None:
    server.pages |= radio.pages() | {"/cup.m3u8": playlist(radio.entries())}
    result = whorl(
        "register", "--live", server.url("/cup.m3u8"), "--title", "Cup final", "--allow-host", "127.0.0.1"
    )
    assert result.exit_code == 0, result.output
    assert "registered #2: cup.m3u8" in result.stdout
    assert "on the air, to be found as Cup final" in result.stdout and "#-" not in result.stdout
    assert "Cup final" in whorl("list").stdout
    failed = whorl("register", "--live", server.url("/none"), "--allow-host", "127.0.0.1")
    assert failed.exit_code == 1
    assert "404" in failed.output
