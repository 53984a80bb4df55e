"""References on the air by the API: recorded by a watcher or pushed by an encoder, found in a stream that is behind."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fingerprint.exchange import MEDIA_TYPE, Exchange, packed
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import Limits
from index.live import LiveStore
from service.fingerprinting import fingerprinted
from tests.service import client, served
from tests.serving import Server
from tests.streaming import Programme, Segments, excerpt, nothing, playlist, segmented, written
from tests.test_watcher import added, events, on_air, over, wait, watchers

AIRED = datetime(2026, 5, 1, 20, 15, tzinfo=UTC)
STEP = 10.0  # seconds of which an encoder sends the codes at once


@pytest.fixture(scope="module")
def song(samples: Path) -> Programme:
    return nothing(4) + excerpt(samples / "originals" / "harbour-lights.m4a", 0, 26)


@pytest.fixture(scope="module")
def segments(song: Programme, tmp_path_factory: pytest.TempPathFactory) -> Segments:
    return segmented(song, tmp_path_factory.mktemp("song"))


@pytest.fixture(scope="module")
def codes(song: Programme, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fingerprint, ...]:
    made = fingerprinted(written(song, tmp_path_factory.mktemp("song") / "a.mp4"), False, Limits())
    return made.references


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path, allow_hosts="127.0.0.1", requests_a_minute=10**9) as started:
        yield started


def begun(holder: TestClient, **what: Any) -> dict[str, Any]:
    made = holder.post("/v1/live", json={"title": "Cup final", **what})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def part(codes: tuple[Fingerprint, ...], begin: float) -> bytes:
    """The fingerprint of STEP seconds from ``begin`` on."""
    parts = []
    for one in codes:
        taken = (one.times >= begin) & (one.times < begin + STEP)
        about = (one.times[taken] - begin, one.codes[taken], one.weak[taken])
        parts.append(replace(one, duration=STEP, times=about[0], codes=about[1], weak=about[2]))
    return packed(Exchange("event", "0" * 64, STEP, tuple(parts)))


def push(holder: TestClient, live: str, sequence: int, body: bytes, begin: float) -> Any:
    aired = datetime.fromtimestamp(AIRED.timestamp() + begin, UTC)
    asked: dict[str, str | float] = {"sequence": sequence, "begin": begin, "at": aired.isoformat()}
    return holder.post(
        f"/v1/live/{live}/codes", params=asked, content=body, headers={"Content-Type": MEDIA_TYPE}
    )


def state(holder: TestClient, live: str) -> dict[str, Any]:
    found: dict[str, Any] = holder.get(f"/v1/live/{live}").json()
    return found


def test_what_an_encoder_pushes_counts_once_and_in_order(
    app: FastAPI, codes: tuple[Fingerprint, ...]
) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)
    for number, begin in enumerate((0.0, STEP, 2 * STEP), 1):
        body = part(codes, begin)
        assert push(holder, live["id"], number + 1, body, begin).json()["code"] == "gap"
        for _ in range(2):
            assert push(holder, live["id"], number, body, begin).json()["sequence"] == number
    store = LiveStore(app.state.settings.data / "live.db")
    (made,) = store.fingerprints(int(live["on_air"]))
    found = store.references()[int(live["on_air"])]
    store.close()
    assert np.array_equal(made.times, codes[0].times) and np.array_equal(made.codes, codes[0].codes)
    assert found.airtime == pytest.approx(AIRED.timestamp())
    assert found.reference.duration == 30.0
    ended = holder.post(f"/v1/live/{live['id']}/end", json={}).json()
    assert (ended["state"], ended["duration"]) == ("ended", 30.0)
    reference = holder.get(f"/v1/references/{ended['reference']}").json()
    assert (reference["name"], reference["work"]["id"], reference["duration"]) == (
        "Cup final",
        live["work"],
        30.0,
    )
    assert push(holder, live["id"], 4, part(codes, 0.0), 0.0).json()["code"] == "not-pushed"
    assert holder.post(f"/v1/live/{live['id']}/end", json={"keep": False}).json() == ended


def test_what_is_dropped_at_its_end_is_forgotten(app: FastAPI, codes: tuple[Fingerprint, ...]) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)
    assert push(holder, live["id"], 1, part(codes, 0.0), 0.0).status_code == 200
    ended = holder.post(f"/v1/live/{live['id']}/end", json={"keep": False}).json()
    assert (ended["state"], ended["reference"], ended["keep"]) == ("ended", None, False)
    assert holder.get("/v1/references").json()["items"] == []
    store = LiveStore(app.state.settings.data / "live.db")
    assert store.references() == {} and store.fingerprints(int(live["on_air"])) == []
    store.close()


def test_one_that_is_over_is_removed_and_what_it_became_stays(
    app: FastAPI, codes: tuple[Fingerprint, ...]
) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)
    assert push(holder, live["id"], 1, part(codes, 0.0), 0.0).status_code == 200
    refused = holder.delete(f"/v1/live/{live['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "on-air")
    ended = holder.post(f"/v1/live/{live['id']}/end", json={}).json()
    assert holder.delete(f"/v1/live/{live['id']}").status_code == 204
    assert holder.get(f"/v1/live/{live['id']}").status_code == 404
    assert holder.get(f"/v1/references/{ended['reference']}").status_code == 200


def test_a_work_that_nothing_came_of_goes_with_what_it_was_made_for(app: FastAPI) -> None:
    holder = client(app, "holder")
    own = holder.post("/v1/works", json={"title": "Kept"}).json()["id"]
    for what in ({"title": "Kept"}, {"title": None, "work": own}, {"title": "Licensed"}, {"title": "Twice"}):
        live = begun(holder, push=True, **what)
        if what["title"] == "Licensed":
            rules = {"items": [{"place": "tv.example"}]}
            assert holder.put(f"/v1/works/{live['work']}/licences", json=rules).status_code == 200
        if what["title"] == "Twice":
            begun(holder, push=True, **what)
        holder.post(f"/v1/live/{live['id']}/end", json={})
    gone = begun(holder, push=True, title="Gone")
    holder.post(f"/v1/live/{gone['id']}/end", json={})
    titles = [work["title"] for work in holder.get("/v1/works").json()["items"]]
    assert titles == ["Kept", "Licensed", "Twice"]


def test_one_too_many_leaves_nothing_behind(tmp_path: Path) -> None:
    with served(tmp_path, streams_at_once=1) as app:
        holder = client(app, "holder")
        live = begun(holder, push=True)
        refused = holder.post("/v1/live", json={"title": "One too many", "push": True})
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-live")
        assert [work["title"] for work in holder.get("/v1/works").json()["items"]] == ["Cup final"]
        store = LiveStore(app.state.settings.data / "live.db")
        assert list(store.references()) == [int(live["on_air"])]
        store.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"title": "a"},
        {"title": "a", "push": True, "url": "https://a.example/"},
        {"title": "a", "push": True, "work": "1"},
        {"push": True},
        {"push": True, "work": "1", "kind": "song"},
        {"title": "a", "url": "-"},
    ],
)
def test_what_cannot_be_meant_is_refused(app: FastAPI, wrong: dict[str, Any]) -> None:
    assert client(app, "holder").post("/v1/live", json=wrong).status_code == 422


def test_hostile_codes_are_refused(app: FastAPI) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)["id"]
    foreign = Fingerprint(
        "audio/99", 10.0, np.arange(3.0), np.zeros((3, 32), np.uint8), np.zeros(3, np.bool_)
    )
    for body in (b"", b"x" * 100, packed(Exchange("a", "0" * 64, 10.0)), part((foreign,), 0.0)):
        refused = push(holder, live, 1, body, 0.0)
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-fingerprint")
    assert state(holder, live)["sequence"] == 0


def made(times: list[float], duration: float = STEP) -> Fingerprint:
    n = len(times)
    codes = np.random.default_rng(1).integers(0, 256, (n, 64), np.uint8)
    return Fingerprint("audio/3", duration, np.array(times), codes, np.zeros(n, np.bool_))


def exchange(*parts: Fingerprint, duration: float = STEP) -> bytes:
    return packed(Exchange("event", "0" * 64, duration, parts))


def falling() -> bytes:
    """Codes that go back in time, under a checksum that is right."""
    whole = made([1.0, 2.0])
    whole.times[:] = [2.0, 1.0]
    return exchange(whole)


@pytest.mark.parametrize(
    ("body", "begin"),
    [
        (exchange(made([1.0, 5.0]), made([2.0, 6.0])), 0.0),
        (falling(), 0.0),
        (exchange(made([1.0], 1e300), duration=1e300), 0.0),
        (exchange(made([1.0, 3e6], 3e6), duration=3e6), 0.0),
        (exchange(made([1.0])), 7 * 86400.0),
        (exchange(made([1.0])), 49 * 86400.0),
        (exchange(made([1.0])), float("nan")),
    ],
    ids=["twice", "falling", "endless", "weeks", "late", "later", "nan"],
)
def test_codes_that_are_none_are_refused_before_anything_is_stored(
    app: FastAPI, body: bytes, begin: float
) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)
    asked: dict[str, str | float] = {"sequence": 1, "begin": begin, "at": AIRED.isoformat()}
    refused = holder.post(
        f"/v1/live/{live['id']}/codes", params=asked, content=body, headers={"Content-Type": MEDIA_TYPE}
    )
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert (state(holder, live["id"])["sequence"], state(holder, live["id"])["duration"]) == (0, 0.0)
    assert push(holder, live["id"], 1, exchange(made([1.0])), 0.0).status_code == 200


def test_codes_for_somebody_elses_event_are_not_looked_at(app: FastAPI) -> None:
    live = begun(client(app, "holder"), push=True)["id"]
    refused = push(client(app, "holder", "A stranger"), live, 1, b"no fingerprint", 0.0)
    assert (refused.status_code, refused.json()["code"]) == (404, "not-found")


def test_an_event_whose_codes_are_none_ends(app: FastAPI) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)
    assert push(holder, live["id"], 1, exchange(made([5.0])), 0.0).status_code == 200
    store = sqlite3.connect(app.state.settings.data / "live.db")
    store.execute("INSERT INTO codes (live, algorithm, data) SELECT live, algorithm, X'00' FROM codes")
    store.commit()
    store.close()
    assert push(holder, live["id"], 2, exchange(made([5.0])), STEP).json()["code"] == "bad-fingerprint"
    ended = holder.post(f"/v1/live/{live['id']}/end", json={}).json()
    assert (ended["state"], ended["error"]["code"]) == ("failed", "bad-fingerprint")


def test_codes_between_milliseconds_go_on(app: FastAPI) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)["id"]
    assert push(holder, live, 1, exchange(made([0.0, STEP])), 0.0006).status_code == 200
    assert push(holder, live, 2, exchange(made([0.0, STEP])), STEP + 0.0006).status_code == 200
    assert state(holder, live)["duration"] == pytest.approx(2 * STEP, abs=0.01)


def test_a_stream_behind_a_pushed_event_is_found_and_its_delay_told(
    server: Server, app: FastAPI, segments: Segments, codes: tuple[Fingerprint, ...]
) -> None:
    holder = client(app, "holder")
    live = begun(holder, push=True)
    for number, begin in enumerate((0.0, STEP, 2 * STEP), 1):
        assert push(holder, live["id"], number, part(codes, begin), begin).status_code == 200
    server.pages |= segments.pages() | {"/a.m3u8": playlist(segments.entries())}
    with watchers(app):
        stream = added(holder, server.url("/a.m3u8"))
        over(holder, stream)
    told = events(holder, stream, "started", "ended")
    assert [(e["event"], e["reference"]["id"]) for e in told] == [
        ("started", live["on_air"]),
        ("ended", live["on_air"]),
    ]
    assert told[-1]["reference"]["title"] == "Cup final"
    assert told[-1]["delay"] > 0


def test_a_stream_is_recorded_over_a_kill_and_registered_at_its_end(
    server: Server, app: FastAPI, segments: Segments
) -> None:
    holder = client(app, "holder")
    with watchers(app) as running:
        live = begun(holder, url=on_air(server, segments, "own"))["id"]
        wait(lambda: state(holder, live)["duration"] > 4)
        running.stop()
        running.start()
        found = wait(lambda: (s := state(holder, live))["state"] in ("ended", "failed") and s)
    assert (found["state"], found["error"]) == ("ended", None)
    reference = holder.get(f"/v1/references/{found['reference']}").json()
    assert reference["work"]["title"] == "Cup final"
    assert reference["duration"] == pytest.approx(found["duration"], abs=1)


def test_a_recording_ends_when_that_is_said(server: Server, app: FastAPI, segments: Segments) -> None:
    holder = client(app, "holder")
    with watchers(app):
        live = begun(holder, url=on_air(server, segments, "own"))["id"]
        wait(lambda: state(holder, live)["duration"] > 4)
        assert holder.post(f"/v1/live/{live}/end", json={"keep": False}).json()["state"] == "ending"
        wait(lambda: state(holder, live)["state"] == "ended")
        nobody = begun(holder, url="http://127.0.0.2/a")["id"]
        wait(lambda: state(holder, nobody)["state"] == "failed")
    assert state(holder, live)["reference"] is None
    assert state(holder, nobody)["error"]["code"] == "refused-address"
    assert holder.get("/v1/works").json()["items"] == []
