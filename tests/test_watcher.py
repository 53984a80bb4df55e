"""The watcher of the service: streams that come and go while it runs, and that nothing is lost or told twice by a kill."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.crew import WATCHER
from service.store.webhooks import EVENTS
from service.watcher import places
from tests.hooks import bodies, hook
from tests.service import client, served
from tests.serving import Request, Server
from tests.streaming import Fast, OnAir, Segments, excerpt, nothing, playlist, segmented
from tests.working import PATIENCE, Workers, register, workers

SONG, FILM = "market-day.mp3", "the-river.mp4"
SPEED = 2.0  # at which what is on the air goes by
KEPT = 30  # segments that a list shows: a watcher may take long to start


@pytest.fixture(scope="module")
def radio(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    """6 s of nothing, 14 s of a song, 8 s of nothing, 12 s of the song from elsewhere, 6 s of nothing."""
    song = samples / "originals" / SONG
    programme = nothing(6) + excerpt(song, 10, 14) + nothing(8, seed=2) + excerpt(song, 2, 12)
    return segmented(programme + nothing(6, seed=3), tmp_path_factory.mktemp("radio"))


@pytest.fixture(scope="module")
def film(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    programme = nothing(3, True) + excerpt(samples / "originals" / FILM, 4, 8, True) + nothing(4, True, 2)
    return segmented(programme, tmp_path_factory.mktemp("film"))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path, allow_hosts="127.0.0.1", requests_a_minute=10**9) as app:
        register(app, SONG, FILM)
        yield app


@contextmanager
def watchers(app: FastAPI, count: int = 1) -> Iterator[Workers]:
    with workers(app, count, WATCHER) as started:
        yield started


def wait(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.1)
    return found


def added(asks: TestClient, url: str, **more: Any) -> str:
    made = asks.post("/v1/streams", json={"url": url, **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def state(asks: TestClient, stream: str) -> dict[str, Any]:
    found: dict[str, Any] = asks.get(f"/v1/streams/{stream}").json()
    return found


def events(asks: TestClient, stream: str, *kinds: str) -> list[dict[str, Any]]:
    items = asks.get(f"/v1/streams/{stream}/events", params={"limit": 200}).json()["items"]
    return [event for event in items if not kinds or event["event"] in kinds]


def over(asks: TestClient, stream: str) -> dict[str, Any]:
    return wait(lambda: (s := state(asks, stream))["state"] in ("ended", "failed") and s)  # type: ignore[no-any-return]


def on_air(server: Server, segments: Segments, name: str) -> str:
    """What is broadcast at SPEED, from the moment on at which somebody first asks for it."""
    begun: list[OnAir] = []

    def page(request: Request) -> bytes:
        if not begun:
            begun.append(OnAir(segments, Fast(SPEED), KEPT))
        return begun[0].page(request)

    server.pages |= segments.pages() | {f"/{name}.m3u8": page}
    return server.url(f"/{name}.m3u8")


def assert_whole(asks: TestClient, stream: str) -> None:
    """Both airings of the song, each told once from its beginning to its end; no event twice, none missing between."""
    told = events(asks, stream, "started", "continues", "ended")
    assert [(e["event"], e["airing"]) for e in told if e["event"] != "continues"] == [
        ("started", 1),
        ("ended", 1),
        ("started", 2),
        ("ended", 2),
    ], [(e["event"], e["stream_time"], e.get("note")) for e in events(asks, stream)]
    assert [int(e["id"].split("-")[1]) for e in told] == list(range(1, len(told) + 1))
    spans = [(e["segment"]["query_start"], e["segment"]["query_end"]) for e in told if e["event"] == "ended"]
    lengths = [end - start for start, end in spans]
    assert lengths == pytest.approx([14, 12], abs=1.5)


def test_a_stream_is_watched_as_soon_as_it_is_added(server: Server, app: FastAPI, radio: Segments) -> None:
    asks = client(app, "investigator")
    server.pages |= radio.pages() | {"/a.m3u8": playlist(radio.entries())}
    with watchers(app):
        first = added(asks, server.url("/a.m3u8"), label="Radio")
        assert over(asks, first)["state"] == "ended"
        broken = added(asks, "http://127.0.0.2/a")
        second = added(asks, server.url("/a.m3u8"))
        assert over(asks, broken)["error"]["code"] == "refused-address"
        assert [e["event"] for e in events(asks, broken)] == ["error"]
        assert over(asks, second)["error"] is None
    for stream in (first, second):
        assert_whole(asks, stream)
    shown = state(asks, first)
    assert (shown["on"], shown["label"], shown["started"] is None) == ([], "Radio", False)
    assert shown["stream_time"] == pytest.approx(46, abs=1)


def test_what_was_seen_and_what_carried_a_match_are_there_to_be_had(
    server: Server, app: FastAPI, film: Segments
) -> None:
    asks, stranger = client(app, "investigator"), client(app, "investigator", "another unit")
    server.pages |= film.pages() | {"/a.m3u8": playlist(film.entries())}
    with watchers(app):
        stream = added(asks, server.url("/a.m3u8"))
        assert over(asks, stream)["error"] is None
    picture = asks.get(f"/v1/streams/{stream}/thumbnail")
    assert (picture.headers["content-type"], picture.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    seen = {"If-None-Match": picture.headers["etag"]}
    assert asks.get(f"/v1/streams/{stream}/thumbnail", headers=seen).status_code == 304
    packed = asks.get(f"/v1/streams/{stream}/evidence", params={"airing": 1})
    with ZipFile(BytesIO(packed.content)) as kept:
        made = json.loads(kept.read("match-1/manifest.json"))
        assert [e["event"] for e in made["events"]][:: len(made["events"]) - 1] == ["started", "ended"]
        assert made["complete"]
        for part in made["segments"]:
            assert hashlib.sha256(kept.read(f"match-1/{part['file']}")).hexdigest() == part["sha256"]
    assert asks.get(f"/v1/streams/{stream}/evidence", params={"airing": 2}).status_code == 404
    for what in ("thumbnail", "evidence"):
        assert stranger.get(f"/v1/streams/{stream}/{what}").status_code == 404
    assert asks.delete(f"/v1/streams/{stream}").status_code == 204
    with watchers(app):
        wait(lambda: not places.streams(app.state.settings.data))


def test_a_watcher_that_is_killed_loses_and_doubles_nothing(
    server: Server, app: FastAPI, radio: Segments
) -> None:
    """It and all its processes are killed twice: while the song is on, and while nothing is."""
    asks = client(app, "investigator")
    told = hook(asks, "https://receiver.example/", *(name for name in EVENTS if name.startswith("stream.")))
    with watchers(app) as running:
        stream = added(asks, on_air(server, radio, "live"))
        for what in ("started", "ended"):
            wait(lambda what=what: events(asks, stream, what))  # type: ignore[misc]
            kill_all(running.running[-1].pid)
            running.stop()
            running.start()
        assert over(asks, stream)["error"] is None
    assert_whole(asks, stream)
    sent = [one["data"] for one in bodies(app, told)]
    happened = events(asks, stream)
    assert [one["sequence"] for one in sent] == [one["sequence"] for one in happened]
    assert all(one.items() <= data.items() for one, data in zip(happened, sent, strict=True))


def test_a_process_that_is_killed_loses_and_doubles_nothing(
    server: Server, app: FastAPI, radio: Segments
) -> None:
    asks = client(app, "investigator")
    with watchers(app) as running:
        streams = [added(asks, on_air(server, radio, name)) for name in ("one", "two")]
        for stream in streams:
            wait(lambda stream=stream: events(asks, stream, "started"))  # type: ignore[misc]
        for pid in children(running.running[0].pid):
            os.kill(pid, signal.SIGKILL)
        for stream in streams:
            assert over(asks, stream)["error"] is None
            assert_whole(asks, stream)


def test_what_a_dead_watcher_had_another_takes(server: Server, app: FastAPI, radio: Segments) -> None:
    asks = client(app, "investigator")
    with watchers(app, 2) as running:
        streams = [added(asks, on_air(server, radio, f"{n}")) for n in range(4)]
        for stream in streams:
            wait(lambda stream=stream: state(asks, stream)["state"] == "watching")  # type: ignore[misc]
        kill_all(running.running[0].pid)
        for stream in streams:
            assert over(asks, stream)["error"] is None
            assert_whole(asks, stream)


def test_what_is_stopped_is_told_no_more_and_goes_on_when_it_is_started(
    server: Server, app: FastAPI, radio: Segments
) -> None:
    asks = client(app, "investigator")
    with watchers(app):
        stream = added(asks, on_air(server, radio, "live"))
        wait(lambda: state(asks, stream)["on"])
        assert asks.post(f"/v1/streams/{stream}/stop").json()["state"] == "stopped"
        told = events(asks, stream)
        other = added(asks, on_air(server, radio, "other"))
        wait(lambda: events(asks, other, "started"))
        assert events(asks, stream) == told
        assert state(asks, stream)["on"] == []
        assert asks.post(f"/v1/streams/{stream}/start").json()["state"] == "waiting"
        assert over(asks, stream)["error"] is None
        assert asks.delete(f"/v1/streams/{other}").status_code == 204
    told = events(asks, stream, "started", "ended")
    assert told[0]["event"] == "started" and told[-1]["event"] == "ended"
    assert len({e["id"] for e in told}) == len(told)


def children(pid: int) -> list[int]:
    """The processes that watch, of a watcher."""
    found = (Path(f"/proc/{pid}/task/{pid}/children").read_text()).split()
    return [int(one) for one in found if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()]


def kill_all(pid: int) -> None:
    """A watcher and its processes, at once."""
    for one in (pid, *children(pid)):
        os.kill(one, signal.SIGKILL)
