"""Streams by the API: what may be asked for, who is told of what, and that listeners hear it as it happens."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from service.store import leases
from service.store.leases import Lease
from service.store.store import Store
from tests.answers import match, register
from tests.service import client, key_of, served

PLACE = {"seconds": 20.0, "over": False}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path, streams_at_once=3, requests_a_minute=10**9) as started:
        yield started


def added(app: FastAPI, **more: Any) -> str:
    made = client(app, "investigator").post("/v1/streams", json={"url": "https://tv.example/live", **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def taken(store: Store, name: str = "w") -> dict[str, Lease]:
    """What a watcher of this name has after it took what there is, by stream."""
    leases.beat(store, name)
    leases.take(store, name)
    return {lease.id: lease for lease in leases.held(store, name)}


def event(what: str, ref_id: int, number: int, airing: int = 1, at: str = "2026-05-01T20:15:00.000Z") -> Any:
    told = match(ref_id, airing * 100.0, airing * 100.0 + 10)
    about = {"event": what, "at": at, "stream": "https://tv.example/live", "stream_time": 20.0}
    return {**about, "id": f"{airing}-{number}", "airing": airing, "segment": told["segments"][0], **told}


def test_what_no_stream_can_be_at_is_refused(app: FastAPI) -> None:
    asks = client(app, "investigator")
    for url, code in (
        ("-", "refused-scheme"),
        ("file:///etc/passwd", "refused-scheme"),
        ("https://user:secret@tv.example/a", "bad-url"),
        ("https:///a", "bad-url"),
        ("https://tv.example/\\a", "bad-url"),
    ):
        answer = asks.post("/v1/streams", json={"url": url})
        assert (answer.status_code, answer.json()["code"]) == (422, code), url
        assert "secret" not in answer.text


def test_an_organisation_watches_so_many_at_once(app: FastAPI) -> None:
    asks = client(app, "investigator")
    streams = [added(app) for _ in range(3)]
    refused = asks.post("/v1/streams", json={"url": "https://tv.example/live"})
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
    assert asks.post(f"/v1/streams/{streams[0]}/stop").json()["state"] == "stopped"
    added(app)
    assert asks.post(f"/v1/streams/{streams[0]}/start").status_code == 429
    assert asks.post(f"/v1/streams/{streams[1]}/start").json()["state"] == "waiting"


def test_lists_are_filtered(app: FastAPI) -> None:
    asks = client(app, "investigator")
    case = asks.post("/v1/cases", json={"name": "Market stall"}).json()["id"]
    one, two = added(app, label="The Blue channel", case=case), added(app)
    asks.post(f"/v1/streams/{two}/stop")

    def listed(**asked: str) -> list[str]:
        return [item["id"] for item in asks.get("/v1/streams", params=asked).json()["items"]]

    assert listed() == [two, one]
    assert listed(q="blue") == listed(case=case) == listed(state="waiting") == [one]
    assert asks.patch(f"/v1/cases/{case}", json={"closed": True}).status_code == 200
    assert asks.delete(f"/v1/streams/{one}").json()["code"] == "closed"


def test_an_event_is_told_once_and_only_by_who_holds_the_stream(app: FastAPI) -> None:
    store, stream = app.state.store, added(app)
    first = taken(store)[stream]
    assert leases.advance(store, first, PLACE, [event("started", 7, 1)])
    leases.release(store, ["w"])
    second = taken(store, "v")[stream]
    assert not leases.advance(store, first, PLACE, [event("continues", 7, 2)])
    assert not leases.finish(store, first, None, [])
    assert leases.position(store, first) is None
    assert leases.position(store, second) == PLACE
    assert leases.advance(store, second, PLACE, [event("ended", 7, 2)])
    told = client(app, "investigator").get(f"/v1/streams/{stream}/events").json()["items"]
    assert [(e["event"], e["id"]) for e in told] == [("started", "1-1"), ("ended", "1-2")]


def test_watchers_share_and_none_takes_what_another_has(app: FastAPI) -> None:
    store = app.state.store
    streams = {added(app) for _ in range(3)}
    leases.beat(store, "a")
    leases.beat(store, "b")
    mine, theirs = taken(store, "a"), taken(store, "b")
    assert mine.keys() | theirs.keys() == streams
    assert (len(mine), len(theirs)) == (2, 1)
    leases.release(store, ["a"])
    assert taken(store, "b").keys() == streams


def test_what_is_on_since_when_and_whether_it_may_be(app: FastAPI) -> None:
    holder, asks = client(app, "holder"), client(app, "investigator")
    work = holder.post("/v1/works", json={"title": "Cup final"}).json()["id"]
    licence = {"items": [{"place": "tv.example", "ends": "2026-05-01T20:20:00Z"}]}
    assert holder.put(f"/v1/works/{work}/licences", json=licence).status_code == 200
    ref_id = register(app, work, 5)
    store, stream = app.state.store, added(app, place="https://tv.example/live")
    lease = taken(store)[stream]
    leases.advance(store, lease, PLACE, [event("started", ref_id, 1)])
    late = event("continues", ref_id, 2, at="2026-05-01T20:25:00.000Z")
    leases.advance(store, lease, PLACE, [late])
    (on,) = asks.get(f"/v1/streams/{stream}").json()["on"]
    assert (on["since"], on["at"]) == ("2026-05-01T20:15:00.000Z", late["at"])
    assert on.get("licensed") is None
    first, second = asks.get(f"/v1/streams/{stream}/events").json()["items"]
    assert first["licensed"]["place"] == "tv.example" and "licensed" not in second


def test_a_rights_holder_is_told_of_no_others_works(app: FastAPI) -> None:
    holder, other = client(app, "holder"), client(app, "holder", "Decla")
    own = register(app, holder.post("/v1/works", json={"title": "Nosferatu"}).json()["id"], 5)
    theirs = register(app, other.post("/v1/works", json={"title": "Caligari"}).json()["id"], 6, "Decla")
    on_air = holder.post("/v1/live", json={"push": True, "title": "Cup final"}).json()["on_air"]
    store, stream = app.state.store, added(app)
    lease = taken(store)[stream]
    happened = [event("started", ref, n, n) for n, ref in enumerate((own, theirs, int(on_air)), 1)]
    leases.advance(store, lease, PLACE, happened)
    leases.note(
        store, lease, {"event": "note", "at": "2026", "stream": "s", "note": {"code": "lost", "message": "x"}}
    )
    told = holder.get(f"/v1/streams/{stream}/events").json()["items"]
    assert [e["reference"]["id"] if "reference" in e else e["event"] for e in told] == [
        str(own),
        on_air,
        "note",
    ]
    assert [w["reference"]["id"] for w in holder.get(f"/v1/streams/{stream}").json()["on"]] == [
        str(own),
        on_air,
    ]
    assert len(client(app, "investigator").get(f"/v1/streams/{stream}").json()["on"]) == 3


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The app behind a port, as a listener reaches it."""
    with socket.create_server(("127.0.0.1", 0)) as taken_port:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken_port]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{taken_port.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


class Listener:
    """Who hears events, each as (name, id, what it says)."""

    def __init__(self, address: str, path: str, key: str, **headers: str) -> None:
        self.heard: list[tuple[str, str | None, Any]] = []
        self.over = threading.Event()
        given = {"Authorization": f"Bearer {key}", **headers}
        threading.Thread(target=self._listen, args=(f"{address}{path}", given), daemon=True).start()

    def _listen(self, url: str, headers: dict[str, str]) -> None:
        told: dict[str, str] = {}
        # The end of the test ends the server, in the middle of what it says.
        with (
            suppress(httpx.RemoteProtocolError),
            httpx.stream("GET", url, headers=headers, timeout=60) as response,
        ):
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line and name:
                    told[name] = value
                elif "data" in told:
                    self.heard.append((told["event"], told.get("id"), json.loads(told["data"])))
                    told = {}
        self.over.set()

    def wait(self, condition: Callable[[list[tuple[str, str | None, Any]]], Any]) -> None:
        until = time.monotonic() + 60
        while not condition(self.heard):
            assert time.monotonic() < until, self.heard
            time.sleep(0.02)


def test_listeners_hear_what_happens_and_go_on_where_they_were(app: FastAPI) -> None:
    store, stream, key = app.state.store, added(app), key_of(app, "investigator")
    lease = taken(store)[stream]
    path = f"/v1/streams/{stream}/events/live"
    with listening(app) as address:
        one = Listener(address, f"{path}?after=0", key)
        leases.advance(store, lease, PLACE, [event("started", 7, 1)])
        one.wait(lambda heard: [name for name, _, _ in heard] == ["started"])
        assert one.heard[0][2] == client(app).get(f"/v1/streams/{stream}/events").json()["items"][0]
        leases.advance(store, lease, PLACE, [event("continues", 7, 2), event("ended", 7, 3)])
        again = Listener(address, path, key, **{"Last-Event-ID": str(one.heard[0][1])})
        again.wait(lambda heard: [name for name, _, _ in heard] == ["continues", "ended"])
        one.wait(lambda heard: len(heard) == 3)
        client(app).delete(f"/v1/streams/{stream}")
        assert one.over.wait(60)


def test_a_wall_hears_of_all_its_streams_and_of_no_others(app: FastAPI) -> None:
    store, stream = app.state.store, added(app, label="ours")
    stranger = client(app, "investigator", "another unit").post(
        "/v1/streams", json={"url": "https://a.example/"}
    )
    key = key_of(app, "investigator")
    with listening(app) as address:
        wall = Listener(address, "/v1/streams/events/live", key)
        wall.wait(lambda heard: len(heard) == 1)
        assert (wall.heard[0][0], wall.heard[0][2]["label"]) == ("stream", "ours")
        held = taken(store)
        for lease in held.values():
            leases.advance(store, lease, PLACE, [event("started", 7, 1)])
        wall.wait(lambda heard: [name for name, _, _ in heard] == ["stream", "started", "stream"])
        assert [work["airing"] for work in wall.heard[2][2]["on"]] == [1]
        leases.note(
            store,
            held[stream],
            {"event": "note", "at": "", "stream": "s", "note": {"code": "load", "message": "x"}},
            2,
        )
        wall.wait(lambda heard: heard[-1][0] == "stream" and heard[-1][2]["load"]["level"] == 2)
        client(app).delete(f"/v1/streams/{stream}")
        wall.wait(lambda heard: heard[-1] == ("removed", None, {"id": stream}))
    assert stranger.json()["id"] not in str(wall.heard)


def test_who_may_no_longer_listen_is_told_nothing_more(app: FastAPI) -> None:
    store, stream = app.state.store, added(app)
    lease, key = taken(store)[stream], key_of(app, "investigator")
    with listening(app) as address:
        wall = Listener(address, "/v1/streams/events/live", key)
        wall.wait(lambda heard: len(heard) == 1)
        assert client(app).delete(f"/v1/keys/{key.split('_')[1]}").status_code == 204
        leases.advance(store, lease, PLACE, [event("started", 7, 1)])
        assert wall.over.wait(60)
    assert len(wall.heard) == 1
