"""Answers: listed, filtered, told with licences and verdicts, to those whose they are."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.answers import answer, keep, match, register
from tests.service import client, served

HOLDER, POLICE = "Prana-Film", "Unit 4"


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("data")) as started:
        yield started


@pytest.fixture
def ref_id(app: FastAPI) -> int:
    """A registered film, which may be shown in Germany."""
    holder = client(app, "holder", org=HOLDER)
    work = holder.post("/v1/works", json={"title": "Nosferatu"}).json()["id"]
    holder.put(f"/v1/works/{work}/licences", json={"items": [{"territory": "DE"}]})
    return register(app, work, 1, HOLDER)


@pytest.fixture
def investigator(app: FastAPI) -> TestClient:
    return client(app, "investigator", org=POLICE)


def listed(who: TestClient, **asked: Any) -> list[str]:
    found = who.get("/v1/matches", params=asked)
    assert found.status_code == 200, found.text
    return [one["id"] for one in found.json()["items"]]


def test_an_answer_is_the_command_lines_with_its_place(
    app: FastAPI, ref_id: int, investigator: TestClient
) -> None:
    told = answer(match(ref_id))
    answer_id = keep(app, told, POLICE, territory="US")
    found = investigator.get(f"/v1/matches/{answer_id}").json()
    assert {key: found[key] for key in told} == told
    assert set(found) - set(told) == {"id", "created", "case", "captured", "job", "registering"}
    assert found["captured"]["territory"] == "US"


def test_an_allowed_showing_is_licensed(app: FastAPI, ref_id: int, investigator: TestClient) -> None:
    allowed = keep(app, answer(match(ref_id)), POLICE, territory="DE")
    found = investigator.get(f"/v1/matches/{allowed}").json()
    assert found["status"] == "licensed"
    assert found["matches"][0]["licensed"]["territory"] == "DE"


def test_answers_are_filtered(app: FastAPI, ref_id: int, investigator: TestClient) -> None:
    case = investigator.post("/v1/cases", json={"name": "Market stall"}).json()["id"]
    made = {
        "match": keep(app, answer(match(ref_id), name="stall.mp4"), POLICE, case),
        "licensed": keep(app, answer(match(ref_id)), POLICE, territory="DE"),
        "review": keep(app, answer(match(ref_id, verdict="review")), POLICE),
        "no-match": keep(app, answer(), POLICE),
        "error": keep(app, answer(error={"code": "damaged", "message": "x"}), POLICE),
    }
    assert listed(investigator) == list(reversed(made.values()))
    for status, answer_id in made.items():
        assert listed(investigator, status=status) == [answer_id]
    assert listed(investigator, case=case) == [made["match"]]
    assert listed(investigator, q="STALL") == [made["match"]]
    work = client(app, "holder", org=HOLDER).get("/v1/works").json()["items"][0]["id"]
    assert listed(investigator, work=work) == [made["review"], made["licensed"], made["match"]]
    assert listed(investigator, since="2100-01-01") == []
    assert len(listed(investigator, since="2020-01-01T00:00:00+02:00")) == 5
    assert investigator.get("/v1/cases").json()["items"][0]["answers"] == 1


def test_pages_of_a_filter_miss_none(app: FastAPI, ref_id: int, investigator: TestClient) -> None:
    wanted = []
    for _ in range(5):
        wanted.append(keep(app, answer(match(ref_id)), POLICE))
        keep(app, answer(match(ref_id)), POLICE, territory="DE")
    seen: list[str] = []
    asked: dict[str, Any] = {"status": "match", "limit": 2}
    while True:
        page = investigator.get("/v1/matches", params=asked).json()
        seen += [one["id"] for one in page["items"]]
        assert len(page["items"]) <= 2
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    assert seen == wanted[::-1]


def test_answers_are_their_organisations(app: FastAPI, ref_id: int) -> None:
    answer_id = keep(app, answer(match(ref_id)), POLICE)
    stranger = client(app, "investigator", org="Unit 5")
    assert listed(stranger) == []
    assert stranger.get(f"/v1/matches/{answer_id}").status_code == 404
    assert stranger.get(f"/v1/matches/{answer_id}/verdicts").status_code == 404
    assert listed(client(app)) == [answer_id]


def test_a_rights_holder_is_told_of_own_works_only(app: FastAPI, ref_id: int) -> None:
    other = client(app, "holder", org="Another")
    theirs = keep(app, answer(match(ref_id)), "Another")
    assert other.get(f"/v1/matches/{theirs}").json() | {"elapsed": 0} == {
        **other.get(f"/v1/matches/{theirs}").json(), "elapsed": 0, "status": "no-match", "matches": [],
    }  # fmt: skip
    assert listed(other, status="match") == [] and listed(other, status="no-match") == [theirs]


def test_every_verdict_is_kept_and_the_last_counts(app: FastAPI, ref_id: int) -> None:
    reviewer = client(app, "reviewer", org=POLICE)
    answer_id = keep(app, answer(match(ref_id, verdict="review")), POLICE)
    path = f"/v1/matches/{answer_id}"
    assert listed(reviewer, review="undecided") == [answer_id]
    assert "verdict_of_review" not in reviewer.get(path).json()["matches"][0]
    for verdict in ("confirm", "reject"):
        body = {"reference": str(ref_id), "verdict": verdict, "note": "seen\ntwice"}
        assert reviewer.post(f"{path}/verdicts", json=body).status_code == 201
    kept = reviewer.get(f"{path}/verdicts").json()["items"]
    assert [one["verdict"] for one in kept] == ["confirm", "reject"]
    assert reviewer.get(path).json()["matches"][0]["verdict_of_review"] == kept[1]
    assert kept[1]["actor"] == f"reviewer of {POLICE}"
    assert (listed(reviewer, review="undecided"), listed(reviewer, review="decided")) == ([], [answer_id])


def test_a_verdict_needs_a_match_and_a_reviewer(app: FastAPI, ref_id: int, investigator: TestClient) -> None:
    path = f"/v1/matches/{keep(app, answer(match(ref_id)), POLICE)}/verdicts"
    body = {"reference": str(ref_id), "verdict": "confirm"}
    assert investigator.post(path, json=body).status_code == 403
    reviewer = client(app, "reviewer", org=POLICE)
    assert reviewer.post(path, json=body | {"reference": "77"}).status_code == 422
    assert reviewer.post(path, json=body | {"verdict": "maybe"}).status_code == 422
    assert client(app, "reviewer", org="Unit 5").post(path, json=body).status_code == 404
    assert reviewer.get(path).json()["items"] == []


def test_an_answer_has_an_etag_that_a_verdict_changes(app: FastAPI, ref_id: int) -> None:
    reviewer = client(app, "reviewer", org=POLICE)
    path = f"/v1/matches/{keep(app, answer(match(ref_id)), POLICE)}"
    tag = {"If-None-Match": reviewer.get(path).headers["ETag"]}
    assert reviewer.get(path, headers=tag).status_code == 304
    reviewer.post(f"{path}/verdicts", json={"reference": str(ref_id), "verdict": "confirm"})
    assert reviewer.get(path, headers=tag).status_code == 200


def test_a_case_is_opened_renamed_and_closed(app: FastAPI, investigator: TestClient) -> None:
    made = investigator.post("/v1/cases", json={"name": "Market stall"})
    assert made.status_code == 201
    path, tag = made.headers["Location"], {"If-Match": made.headers["ETag"]}
    assert investigator.patch(path, json={"name": "Two stalls"}, headers=tag).json()["name"] == "Two stalls"
    assert investigator.patch(path, json={"closed": True}, headers=tag).status_code == 412
    assert investigator.patch(path, json={"closed": True}).json()["closed"] is not None
    assert investigator.get("/v1/cases", params={"closed": False}).json()["items"] == []
    assert len(investigator.get("/v1/cases", params={"closed": True, "q": "stalls"}).json()["items"]) == 1
    assert investigator.patch(path, json={"closed": False}).json()["closed"] is None
    assert client(app, "investigator", org="Unit 5").get(path).status_code == 404
    assert client(app, "investigator", org="Unit 5").patch(path, json={"closed": True}).status_code == 404
