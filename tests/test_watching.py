"""A stream is watched: works that start, continue and end, in every kind of stream, over whatever befalls it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence.answer import Json
from fingerprint.media import Limits
from matching.engine import Engine
from service.streams.watching import Options, watch
from tests.serving import Server, answer, serving
from tests.streaming import Fast, OnAir, Programme, Segments, excerpt, nothing, playlist, segmented, written

SONG, FILM = "market-day.mp3", "the-river.mp4"
ALLOWED = Options(allowed=["127.0.0.1"], hunting=False)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("data"), Limits()) as made:
        for name in (SONG, FILM, "harbour-lights.m4a"):
            made.register(samples / "originals" / name)
        yield made


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture(scope="module")
def radio(samples: Path) -> Programme:
    """12 s of nothing, 12 s of a song from its 10th second on, 10 s of nothing."""
    return nothing(12) + excerpt(samples / "originals" / SONG, 10, 12) + nothing(10, seed=2)


@pytest.fixture(scope="module")
def sound(radio: Programme, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    return segmented(radio, tmp_path_factory.mktemp("radio"))


@pytest.fixture(scope="module")
def television(samples: Path) -> Programme:
    return nothing(6, True) + excerpt(samples / "originals" / FILM, 4, 12, True) + nothing(8, True, 2)


@pytest.fixture(scope="module")
def film(television: Programme, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    return segmented(television, tmp_path_factory.mktemp("film"), "fmp4")


def told(url: str, engine: Engine, options: Options = ALLOWED, clock: Any = None) -> list[Json]:
    return list(watch(url, engine, options, clock or Fast(10)))


def shown(events: list[Json]) -> list[tuple[str, str]]:
    """What happened, but for that something continues, and notes."""
    return [(e["event"], e["reference"]["name"]) for e in events if e["event"] in ("started", "ended")] + [
        ("error", e["error"]["code"]) for e in events if e["event"] == "error"
    ]


def assert_one(events: list[Json], name: str, start: float, end: float, ref_start: float) -> None:
    """One work, from ``start`` to ``end`` of the stream."""
    assert shown(events) == [("started", name), ("ended", name)], events
    last = next(e for e in events if e["event"] == "ended")
    assert last["verdict"] == "match"
    for segment in last["segments"]:
        assert segment["query_start"] == pytest.approx(start, abs=1)
        assert segment["query_end"] == pytest.approx(end, abs=1)
        assert segment["ref_start"] == pytest.approx(ref_start + segment["query_start"] - start, abs=0.3)


def test_hls_with_transport_streams(server: Server, engine: Engine, sound: Segments) -> None:
    server.pages |= sound.pages() | {"/a.m3u8": playlist(sound.entries())}
    events = told(server.url("/a.m3u8"), engine)
    assert_one(events, SONG, 12, 24, 10)
    first = next(e for e in events if e["event"] == "started")
    assert first["stream_time"] - 12 < 5
    assert first["segment"]["kind"] == "audio"
    assert first["reference"]["title"] == "market-day"
    assert first["expected_false_matches"] < 1e-2


def test_hls_with_fragments_and_pictures(server: Server, engine: Engine, film: Segments) -> None:
    lines = ['#EXT-X-MAP:URI="head.mp4"', *film.entries()]
    server.pages |= film.pages() | {"/a.m3u8": playlist(lines)}
    events = told(server.url("/a.m3u8"), engine)
    assert_one(events, FILM, 6, 18, 4)
    kinds = {s["kind"] for e in events if e["event"] == "ended" for s in e["segments"]}
    assert kinds == {"audio", "video"}
