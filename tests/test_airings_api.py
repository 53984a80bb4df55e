"""Times that works were on in streams, as the API tells them: one each, to be seen until somebody has."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from evidence.answer import Json
from service.store.events import keep
from tests.answers import register
from tests.hooks import of_work, watched
from tests.service import client, served

NOON = "2026-01-02T12:00:00.000+00:00"


@pytest.fixture(scope="module")
def app(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("data"), requests_a_minute=10**9) as app:
        yield app


def told(name: str, number: int, airing: int = 1, ref_id: int = 7, **more: Any) -> Json:
    """An event of noon, after 10 s of the stream."""
    return of_work(name, ref_id, number) | {"airing": airing, "at": NOON, **more}


def happens(app: FastAPI, stream: Json, *events: Json) -> None:
    with app.state.store.write() as connection:
        keep(connection, stream["id"], list(events))


def airings(who: TestClient, **asked: Any) -> list[Json]:
    items: list[Json] = who.get("/v1/airings", params=asked).raise_for_status().json()["items"]
    return items


def test_all_that_is_told_of_a_time_is_one_airing(app: FastAPI) -> None:
    who = client(app, "investigator", "One")
    segment = of_work("ended", 7)["segments"][0]
    first, last = (segment | {"query_start": 2.0, "query_end": end} for end in (4.0, 9.5))
    stream = watched(
        app, who, told("started", 1, segments=[first], delay=8.25), told("ended", 2, segments=[last])
    )
    (found,) = airings(who, stream=stream["id"])
    assert (found["began"], found["until"]) == (
        "2026-01-02T11:59:52.000+00:00", "2026-01-02T11:59:59.500+00:00"
    )  # fmt: skip
    assert (found["airing"], found["going"], found["seen"], found["delay"]) == (1, False, None, 8.25)
    assert found["stream"]["url"] == "https://tv.example/live"
    assert who.get(f"/v1/streams/{stream['id']}").json()["last"]["id"] == found["id"]


def test_neither_a_late_examination_nor_an_outage_makes_a_work_longer(app: FastAPI) -> None:
    who = client(app, "investigator", "Late")
    segment = of_work("ended", 7)["segments"][0]
    first, last = (segment | {"query_start": 2.0, "query_end": end} for end in (4.0, 9.5))
    later = "2026-01-02T12:01:30+00:00"  # 90 s of which the stream told nothing
    started, ended = told("started", 1, segments=[first]), told("ended", 2, segments=[last], at=later)
    stream = watched(app, who, started, ended)
    (found,) = airings(who, stream=stream["id"])
    assert (found["began"][11:], found["until"][11:]) == ("11:59:52.000+00:00", "11:59:59.500+00:00")
    assert "zero" not in found


def test_what_is_on_is_going_on_until_the_stream_is_stopped(app: FastAPI) -> None:
    who = client(app, "investigator", "Going")
    stream = watched(app, who, told("started", 1))
    assert [one["going"] for one in airings(who)] == [True]
    who.post(f"/v1/streams/{stream['id']}/stop").raise_for_status()
    assert [one["going"] for one in airings(who)] == [False]


def test_streams_tell_what_was_on_last(app: FastAPI) -> None:
    """Of what is over: neither what is on, nor what another stream showed."""
    who = client(app, "investigator", "Last")
    first = watched(app, who, told("ended", 1), told("ended", 2, 2), told("started", 3, 3))
    second, third = watched(app, who, told("started", 1)), watched(app, who)
    who.post(f"/v1/streams/{second['id']}/stop").raise_for_status()
    last = {one["id"]: one["last"] for one in who.get("/v1/streams").json()["items"]}
    assert {name: one and one["airing"] for name, one in last.items()} == {
        first["id"]: 2, second["id"]: 1, third["id"]: None,
    }  # fmt: skip


def test_what_was_not_seen_stays_until_it_is_marked(app: FastAPI) -> None:
    who = client(app, "investigator", "Seen")
    stream = watched(app, who, told("started", 1), told("ended", 2), told("started", 3, 2))
    newest, oldest = airings(who, seen=False)
    assert [newest["airing"], oldest["airing"]] == [2, 1]
    version = who.get("/v1/streams").json()
    assert who.post("/v1/airings/seen", json={"ids": [oldest["id"]]}).json() == {"marked": 1}
    assert who.post("/v1/airings/seen", json={"ids": [oldest["id"]]}).json() == {"marked": 0}
    assert [one["airing"] for one in airings(who, seen=False)] == [2]
    (kept,) = airings(who, seen=True)
    assert kept["seen"] > oldest["until"] and version["items"][0]["id"] == stream["id"]


def test_a_doubt_that_was_seen_is_to_be_seen_again_when_it_is_sure(app: FastAPI) -> None:
    who = client(app, "investigator", "Doubt")
    stream = watched(app, who, told("started", 1, verdict="review"))
    (found,) = airings(who, seen=False)
    who.post("/v1/airings/seen", json={"ids": [found["id"]]}).raise_for_status()
    happens(app, stream, told("continues", 2, verdict="review"))
    assert airings(who, seen=False) == []
    happens(app, stream, told("continues", 3, verdict="match"))
    assert [one["verdict"] for one in airings(who, seen=False)] == ["match"]


def test_what_is_licensed_is_not_to_be_seen(app: FastAPI) -> None:
    holder, who = client(app, "holder", "Allowed"), client(app, "investigator", "Allowed")
    work = holder.post("/v1/works", json={"title": "Own"}).json()["id"]
    own = register(app, work, 41, "Allowed")
    watched(app, who, told("started", 1, ref_id=own))
    assert len(airings(who, seen=False)) == 1
    holder.put(f"/v1/works/{work}/licences", json={"items": [{"place": None}]}).raise_for_status()
    assert airings(who, seen=False) == [] and "licensed" in airings(who)[0]


def test_another_organisation_sees_and_marks_nothing(app: FastAPI) -> None:
    who, other = client(app, "investigator", "Mine"), client(app, "investigator", "Theirs")
    watched(app, who, told("started", 1))
    (found,) = airings(who)
    assert airings(other) == []
    assert other.post("/v1/airings/seen", json={"ids": [found["id"]]}).json() == {"marked": 0}
    assert airings(who)[0]["seen"] is None


def test_pages_hold_each_once(app: FastAPI) -> None:
    who = client(app, "investigator", "Pages")
    watched(app, who, *(told("started", n, n) for n in range(1, 6)))
    seen, after = [], None
    while True:
        params = {"limit": 2, **({"after": after} if after else {})}
        page = who.get("/v1/airings", params=params).raise_for_status().json()
        seen += [one["airing"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [5, 4, 3, 2, 1]


def test_a_holder_is_told_when_own_works_were_on(app: FastAPI) -> None:
    """As of matches: in the streams of the own organisation, and of nobody else's works."""
    holder, who = client(app, "holder", "Holder"), client(app, "investigator", "Holder")
    work = holder.post("/v1/works", json={"title": "Own"}).json()["id"]
    own = register(app, work, 51, "Holder")
    watched(app, who, told("ended", 1, ref_id=own), told("ended", 2, 2, ref_id=own + 1000))
    watched(app, client(app, "investigator", "Elsewhere"), told("ended", 1, ref_id=own))
    of_it = holder.get(f"/v1/works/{work}/airings").raise_for_status().json()["items"]
    assert [one["reference"]["id"] for one in of_it] == [str(own)]
    assert [one["id"] for one in airings(holder)] == [of_it[0]["id"]]
    assert client(app, "holder", "Strange").get(f"/v1/works/{work}/airings").status_code == 404
