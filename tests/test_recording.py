"""A reference that is still on the air is found in a stream behind it, and how far behind is told."""

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from evidence.answer import Json
from fingerprint.audio import SPACING, AudioExtractor
from fingerprint.extractor import WIDTHS
from fingerprint.feed import Heard
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import SAMPLE_RATE, Limits
from index.catalog import Reference
from index.live import LiveStore
from matching.engine import Engine
from service.inputs import Details
from service.streams.recording import Recorder, Recording, record
from service.streams.watching import Options, watch
from tests.serving import Server
from tests.streaming import Fast, OnAir, Segments, excerpt, nothing, playlist, segmented
from tests.test_audio import clip, music

ALLOWED = Options(allowed=["127.0.0.1"], hunting=False)
SPEED = 4.0


@pytest.fixture(scope="module")
def song(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    programme = nothing(4) + excerpt(samples / "originals" / "harbour-lights.m4a", 0, 30)
    return segmented(programme, tmp_path_factory.mktemp("live"))


def recorded(url: str, data: Path, clock: Fast, keep: bool = True) -> list[Reference]:
    with Engine(data, Limits()) as engine:
        found = list(record(url, engine, ALLOWED, Details("Cup final"), keep, lambda _: None, clock))
    assert all(isinstance(one, Reference) for one in found), found
    return [one for one in found if isinstance(one, Reference)]


def test_codes_on_the_air_are_as_far_apart_as_registered_ones(tmp_path: Path) -> None:
    sound = music(20, 3)
    with Engine(tmp_path / "data") as engine:
        recorder, codes = Recorder(engine), list[Fingerprint]()
        for second in range(20):
            recorder.take(Heard(float(second), sound[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE]))
            codes += recorder.made(final=second == 19)
    times = np.concatenate([some.times for some in codes])
    np.testing.assert_allclose(np.diff(times), SPACING, atol=2e-3)
    assert len(times) == len(AudioExtractor().reference(clip(sound)))


def test_live_against_live(server: Server, song: Segments, tmp_path: Path) -> None:
    """The suspect is 6 s behind; both are on the air. It goes on when its original has ended, and is registered."""
    server.pages |= song.pages()
    clocks = [Fast(SPEED), Fast(SPEED)]
    clocks[1]._start, clocks[1]._wall = clocks[0]._start, clocks[0]._wall
    server.pages["/own.m3u8"] = OnAir(song, clocks[0], delay=-4.0).page
    server.pages["/suspect.m3u8"] = OnAir(song, clocks[0], delay=2.0).page
    kept: list[Reference] = []

    def register() -> None:
        kept.extend(recorded(server.url("/own.m3u8"), tmp_path, clocks[0]))

    recording = threading.Thread(target=register)
    recording.start()
    with Engine(tmp_path, Limits()) as engine:
        events = list(watch(server.url("/suspect.m3u8"), engine, ALLOWED, clocks[1]))
    recording.join()
    told = [e for e in events if "delay" in e]
    assert told[0]["event"] == "started"
    assert told[0]["reference"]["id"] == str(kept[0].id)
    assert told[0]["reference"]["title"] == "Cup final"
    assert told[-1]["delay"] == pytest.approx(6.0, abs=1.5)
    assert kept[0].id < 0 < kept[1].id
    assert [e["event"] for e in told if e["event"] != "continues"] == ["started", "ended"]
    assert {e["airing"] for e in told} == {1}
    assert told[-1]["reference"]["id"] == str(kept[1].id)


def test_what_was_live_is_kept_or_dropped(server: Server, song: Segments, tmp_path: Path) -> None:
    server.pages |= song.pages() | {"/a.m3u8": playlist(song.entries())}
    url = server.url("/a.m3u8")
    assert len(recorded(url, tmp_path, Fast(10), keep=False)) == 1
    with Engine(tmp_path, Limits()) as engine:
        assert engine.catalog.references() == []
    _, kept = recorded(url, tmp_path, Fast(10))
    assert kept.duration == pytest.approx(34, abs=0.5)
    with Engine(tmp_path, Limits()) as engine:
        assert engine.live is not None and engine.live.references() == {}
        events: list[Json] = [e for e in watch(url, engine, ALLOWED, Fast(10)) if e["event"] != "note"]
    assert [e["event"] for e in events if e["event"] != "continues"] == ["started", "ended"]
    assert events[-1]["segment"]["ref_end"] == pytest.approx(34, abs=1)


def test_what_was_stopped_before_its_end_is_told_and_how_to_undo_it(
    server: Server, song: Segments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Fast(SPEED)
    server.pages |= song.pages() | {"/a.m3u8": OnAir(song, clock, delay=-4.0).page}
    poll, told = Recording.poll, list[str]()

    def interrupted(recording: Recording, seconds: float) -> list[Json]:
        if recording.seconds > 5:
            raise KeyboardInterrupt
        return poll(recording, seconds)

    monkeypatch.setattr(Recording, "poll", interrupted)
    with Engine(tmp_path, Limits()) as engine, pytest.raises(KeyboardInterrupt):
        list(record(server.url("/a.m3u8"), engine, ALLOWED, Details(), True, told.append, clock))
    assert "a.m3u8: stopped before its end: its" in told[-1] and "whorl remove 1" in told[-1]


def test_who_searches_sees_what_was_added_and_dropped(tmp_path: Path, song: Segments, server: Server) -> None:
    server.pages |= song.pages() | {"/a.m3u8": playlist(song.entries())}
    seen: list[int] = []
    with Engine(tmp_path, Limits()) as engine:
        going = record(server.url("/a.m3u8"), engine, ALLOWED, Details(), False, lambda _: None, Fast(10))
        other = LiveStore(tmp_path / "live.db")
        first = next(going)
        assert isinstance(first, Reference)
        assert other.codes("audio/3", WIDTHS["audio/3"]) is None
        assert list(other.references()) == [first.id]
        seen += [reference.id for reference in going if isinstance(reference, Reference)]
        assert other.codes("audio/3", WIDTHS["audio/3"]) is None
        assert other.references() == {}
        other.close()
    assert seen == []


def test_a_broken_reference_on_the_air_fails_no_stream(
    tmp_path: Path, song: Segments, server: Server, samples: Path
) -> None:
    server.pages |= song.pages() | {"/a.m3u8": playlist(song.entries())}
    said: list[str] = []
    with Engine(tmp_path, Limits(), note=said.append) as engine:
        engine.register(samples / "originals" / "harbour-lights.m4a")
        broken = engine.on_air().begin("broken", "Broken", "", "")
        database = sqlite3.connect(tmp_path / "live.db")
        database.execute("INSERT INTO codes (live, algorithm, data) VALUES (?, 'audio/3', X'00')", (-broken,))
        database.commit()
        database.close()
        events = [e for e in watch(server.url("/a.m3u8"), engine, ALLOWED, Fast(10)) if e["event"] != "note"]
    assert [e["event"] for e in events if e["event"] != "continues"] == ["started", "ended"]
    assert len([text for text in said if "left out" in text]) == 1
