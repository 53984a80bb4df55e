"""Works, references and licences over HTTP: what a rights holder's systems do all day."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from index.catalog import Catalog
from tests.answers import answer, keep, match, register
from tests.service import client, served

FILM = {"title": "Nosferatu", "kind": "film", "identifiers": ["isan:0000-0000-D07A-0090"]}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("data")) as started:
        yield started


@pytest.fixture
def holder(app: FastAPI, request: pytest.FixtureRequest) -> TestClient:
    """A rights holder whom no other test knows."""
    return client(app, "holder", org=request.node.name)


def test_a_work_is_its_organisations(holder: TestClient, request: pytest.FixtureRequest) -> None:
    made = holder.post("/v1/works", json=FILM)
    assert made.status_code == 201
    work = made.json()
    assert work["identifiers"] == ["isan:0000-0000-D07A-0090-Q"]
    assert work["owner"] == request.node.name
    assert holder.get(made.headers["Location"]).json() == work
    assert [one["id"] for one in holder.get("/v1/works").json()["items"]] == [work["id"]]


def test_two_organisations_have_each_their_work_of_one_title(app: FastAPI, holder: TestClient) -> None:
    other = client(app, "holder", org="another")
    mine, theirs = holder.post("/v1/works", json=FILM).json(), other.post("/v1/works", json=FILM).json()
    assert mine["id"] != theirs["id"]
    assert other.get(f"/v1/works/{mine['id']}").status_code == 404
    everything = client(app).get("/v1/works", params={"limit": 200}).json()["items"]
    assert {mine["id"], theirs["id"]} <= {one["id"] for one in everything}


def test_a_second_work_of_one_title_is_a_conflict(holder: TestClient) -> None:
    work = holder.post("/v1/works", json=FILM).json()
    again = holder.post("/v1/works", json=FILM)
    assert (again.status_code, again.json()["code"]) == (409, "exists")
    assert work["id"] in again.json()["detail"]
    other = holder.post("/v1/works", json={"title": "Faust", "kind": "film"}).json()
    assert holder.patch(f"/v1/works/{other['id']}", json={"title": "Nosferatu"}).status_code == 409


def test_a_wrong_check_digit_is_told(holder: TestClient) -> None:
    wrong = holder.post("/v1/works", json={"title": "Song", "identifiers": ["iswc:T-034.524.680-2"]})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    assert "T-034.524.680 is 1, not 2" in wrong.json()["detail"]
    assert holder.get("/v1/works").json()["items"] == []


def test_works_are_searched(holder: TestClient) -> None:
    holder.post("/v1/works", json=FILM)
    holder.post("/v1/works", json={"title": "100 % Faust"})

    def found(**asked: str) -> list[str]:
        return [one["title"] for one in holder.get("/v1/works", params=asked).json()["items"]]

    assert found(q="nosf") == ["Nosferatu"]
    assert found(q="D07A") == ["Nosferatu"]
    assert found(q="0 %") == ["100 % Faust"]
    assert found(q="_o") == []
    assert found(identifier="isan:0000 0000 D07A 0090") == ["Nosferatu"]
    assert found(identifier="isrc:USRC17607839") == []


def test_a_list_comes_in_pages(holder: TestClient) -> None:
    titles = [f"Episode {n}" for n in range(5)]
    for title in titles:
        holder.post("/v1/works", json={"title": title})
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = holder.get("/v1/works", params={"limit": 2, **after}).json()
        seen += [work["title"] for work in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == titles
    assert holder.get("/v1/works", params={"limit": 5}).json()["next"] is None


@pytest.mark.parametrize("after", ["x", "W10", "WyJhIl0", "WzFlOTld", "WzIxNDc0ODM2NDhd", "é", "="])
def test_what_is_no_cursor_is_refused(holder: TestClient, after: str) -> None:
    asked = holder.get("/v1/works", params={"after": after})
    assert asked.status_code == 422 and "cursor" in asked.json()["detail"]


@pytest.mark.parametrize("name", ["0", "x", "-1", "1e3", "٣", "99999999999999999999", "2147483648", "%00"])
def test_what_is_no_id_is_not_found(holder: TestClient, name: str) -> None:
    assert holder.get(f"/v1/works/{name}").status_code == 404
    assert holder.get(f"/v1/references/{name}").status_code == 404


def test_who_asks_again_is_told_when_nothing_changed(holder: TestClient) -> None:
    path = f"/v1/works/{holder.post('/v1/works', json=FILM).json()['id']}"
    tag = holder.get(path).headers["ETag"]
    again = holder.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    holder.patch(path, json={"kind": "silent film"})
    assert holder.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_change_of_what_one_has_not_seen_is_refused(holder: TestClient) -> None:
    path = f"/v1/works/{holder.post('/v1/works', json=FILM).json()['id']}"
    seen = {"If-Match": holder.get(path).headers["ETag"]}
    assert holder.patch(path, json={"title": "Nosferatu I"}, headers=seen).status_code == 200
    late = holder.patch(path, json={"title": "Nosferatu II"}, headers=seen)
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert holder.delete(path, headers=seen).status_code == 412
    assert holder.get(path).json()["title"] == "Nosferatu I"
    now = {"If-Match": late.headers["ETag"]}
    assert holder.delete(path, headers=now).status_code == 204
    assert holder.get(path).status_code == 404


def test_licences_are_put_as_a_whole(holder: TestClient) -> None:
    path = f"/v1/works/{holder.post('/v1/works', json=FILM).json()['id']}/licences"
    seen = {"If-Match": holder.get(path).headers["ETag"]}
    body = {"items": [{"territory": "de", "place": "https://Video.example.org/x", "starts": "2026-05-01"}]}
    made = holder.put(path, json=body, headers=seen)
    (kept,) = made.json()["items"]
    assert (kept["territory"], kept["place"], kept["ends"]) == ("DE", "video.example.org", None)
    assert kept["starts"] == "2026-05-01T00:00:00.000+00:00"
    assert holder.get(path).json() == made.json()
    assert holder.put(path, json={"items": []}, headers=seen).status_code == 412
    assert holder.put(path, json={"items": []}).json() == {"items": []}


@pytest.mark.parametrize(
    "licence",
    [{"territory": "UK"}, {"territory": "D"}, {"place": "https://"}, {"starts": "soon"}, {"ends": "0001-01-01T00:00+14:00"},
     {"starts": "2026-05-02", "ends": "2026-05-01"}, {"price": 1}],
)  # fmt: skip
def test_a_licence_that_cannot_be_is_refused(holder: TestClient, licence: dict[str, object]) -> None:
    path = f"/v1/works/{holder.post('/v1/works', json=FILM).json()['id']}/licences"
    assert holder.put(path, json={"items": [licence]}).status_code == 422
    assert holder.get(path).json() == {"items": []}


def test_a_table_makes_all_works_or_none(holder: TestClient) -> None:
    csv = {"Content-Type": "text/csv"}
    table = "file,title,kind,identifiers\na.mkv,Nosferatu,film,isan:0000-0000-D07A-0090;archive:7\nb.mkv,Faust,film,\n"
    made = holder.post("/v1/works/table", content=table.encode("utf-8-sig"), headers=csv).json()["items"]
    assert [(row["row"], row["file"], row["new"]) for row in made] == [(1, "a.mkv", True), (2, "b.mkv", True)]
    assert holder.get(f"/v1/works/{made[0]['work']}").json()["identifiers"] == [
        "archive:7", "isan:0000-0000-D07A-0090-Q",
    ]  # fmt: skip
    again = holder.post("/v1/works/table", content=table, headers=csv).json()["items"]
    assert [(row["work"], row["new"]) for row in again] == [(row["work"], False) for row in made]
    wrong = "title,identifiers\nSunrise,\nTabu,ean:5901234123458\n,\n"
    refused = holder.post("/v1/works/table", content=wrong, headers=csv)
    assert refused.status_code == 422
    assert [one["at"] for one in refused.json()["errors"]] == ["row 2/identifiers/0", "row 3/title"]
    assert holder.get("/v1/works", params={"q": "Sunrise"}).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param("title\nx\n", "application/json", 415, id="another type"),
        pytest.param("titel\nx\n", "text/csv", 422, id="unknown column"),
        pytest.param("title,title\nx,y\n", "text/csv", 422, id="column twice"),
        pytest.param("", "text/csv", 422, id="empty"),
        pytest.param('title\n"x\n', "text/csv", 422, id="open quote"),
        pytest.param("title\nx,y\n", "text/csv", 422, id="too many cells"),
        pytest.param(b"title\n\xff\n", "text/csv", 422, id="no UTF-8"),
        pytest.param("title\n" + "x\n" * 10_001, "text/csv", 413, id="too many rows"),
        pytest.param("title\n" + "x" * (9 << 20), "text/csv", 413, id="too large"),
    ],
)
def test_what_is_no_table_is_refused(holder: TestClient, body: str | bytes, kind: str, status: int) -> None:
    assert holder.post("/v1/works/table", content=body, headers={"Content-Type": kind}).status_code == status
    assert holder.get("/v1/works").json()["items"] == []


def test_references_are_listed_under_their_work(
    app: FastAPI, holder: TestClient, request: pytest.FixtureRequest
) -> None:
    org = request.node.name
    first, second = (holder.post("/v1/works", json={"title": title}).json()["id"] for title in ("One", "Two"))
    ids = [str(register(app, work, seed, org)) for seed, work in ((11, first), (12, first), (13, second))]
    assert [one["id"] for one in holder.get("/v1/references").json()["items"]] == ids
    listed = holder.get("/v1/references", params={"work": first}).json()["items"]
    assert [one["id"] for one in listed] == ids[:2]
    assert holder.get(f"/v1/works/{first}").json()["references"] == 2
    shown = holder.get(f"/v1/references/{ids[0]}").json()
    assert (shown["name"], shown["work"], shown["duration"]) == (
        f"11 of {org}.mkv",
        {"id": first, "title": "One"},
        20.0,
    )


def test_a_removed_reference_goes_and_its_work_stays(
    app: FastAPI, holder: TestClient, request: pytest.FixtureRequest
) -> None:
    work = holder.post("/v1/works", json=FILM).json()["id"]
    ref_id = register(app, work, 21, request.node.name)
    stranger = client(app, "holder", org="a stranger")
    assert stranger.delete(f"/v1/references/{ref_id}").status_code == 404
    assert holder.delete(f"/v1/references/{ref_id}").status_code == 204
    assert holder.get(f"/v1/references/{ref_id}").status_code == 404
    assert holder.get(f"/v1/works/{work}").json()["references"] == 0


def test_a_work_goes_with_its_references(
    app: FastAPI, holder: TestClient, request: pytest.FixtureRequest
) -> None:
    work = holder.post("/v1/works", json=FILM).json()["id"]
    ref_id = register(app, work, 22, request.node.name)
    assert holder.delete(f"/v1/works/{work}").status_code == 204
    assert client(app).get(f"/v1/references/{ref_id}").status_code == 404


def test_the_command_lines_works_are_an_administrators(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        register(app, client(app, "holder").post("/v1/works", json=FILM).json()["id"], 1)
        catalog = Catalog(app.state.settings.database_url)
        reference = catalog.add("2.mkv", "2" * 64, 1.0, [], "By hand", owner="nobody")
        admin, holder = client(app), client(app, "holder")
        shown = admin.get(f"/v1/references/{reference.id}").json()
        assert (shown["org"], shown["work"]["title"]) == (None, "By hand")
        assert holder.get(f"/v1/references/{reference.id}").status_code == 404
        assert len(holder.get("/v1/references").json()["items"]) == 1
        work = shown["work"]["id"]
        assert admin.get(f"/v1/works/{work}").json()["references"] == 1
        assert admin.put(f"/v1/works/{work}/licences", json={"items": [{}]}).status_code == 409
        catalog.remove(reference.id)
        catalog.close()
        assert len(admin.get("/v1/works").json()["items"]) == 1


def test_coverage_is_what_was_found_in_captures(
    app: FastAPI, holder: TestClient, request: pytest.FixtureRequest
) -> None:
    org = request.node.name
    work = holder.post("/v1/works", json=FILM).json()["id"]
    ref_id = register(app, work, 31, org)
    for one in (
        match(ref_id, 0, 4),
        match(ref_id, 2, 6),
        match(ref_id, 8, 9),
        match(ref_id, 12, 20, "review"),
    ):
        keep(app, answer(one), org)
    keep(app, answer(match(ref_id, 10, 12)), "another")
    (covered,) = holder.get(f"/v1/works/{work}/coverage").json()["items"]
    assert covered["found"] == [{"start": 100.0, "end": 106.0}, {"start": 108.0, "end": 109.0}]
    assert (covered["found_seconds"], covered["answers"]) == (7.0, 4)
    assert covered["codes"] == {"audio/1": 20}
