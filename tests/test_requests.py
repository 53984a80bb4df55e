"""What happens to every request: its id, the audit log, idempotency, limits, metrics, logs."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from index.database import CatalogError
from service.logs import JsonLines
from service.store import audit
from service.store.tables import audit as log
from tests.service import client, served


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path) as started:
        yield started


@pytest.fixture
def administrator(app: FastAPI) -> TestClient:
    return client(app)


def add_org(who: TestClient, name: str = "Decla", **headers: str) -> object:
    return who.post("/v1/orgs", json={"name": name}, headers=headers)


def names(who: TestClient) -> list[str]:
    return [org["name"] for org in who.get("/v1/orgs").json()["items"]]


def test_every_answer_has_an_id(administrator: TestClient) -> None:
    first, second = (administrator.get("/health/live").headers["X-Request-ID"] for _ in range(2))
    assert first != second
    given = {"X-Request-ID": "proxy-12345678"}
    assert administrator.get("/health/live", headers=given).headers["X-Request-ID"] == "proxy-12345678"
    evil = administrator.get("/health/live", headers={"X-Request-ID": 'a"b' * 9}).headers["X-Request-ID"]
    assert '"' not in evil


def test_what_is_not_there_is_told_with_the_next_step(app: FastAPI) -> None:
    stranger = TestClient(app)
    for method, path, status, step in (
        ("GET", "/v1/nosuch", 404, "/openapi.json"),
        ("DELETE", "/v1/matches", 405, "Allow"),
    ):
        answer = stranger.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert path in answer.json()["detail"] and step in answer.json()["detail"]


def test_an_address_in_the_place_of_a_capture_is_told_where_to_go(administrator: TestClient) -> None:
    answer = administrator.post("/v1/matches", json={"url": "https://video.example.org/clip.mp4"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "POST /v1/streams" in answer.json()["detail"]


def test_the_log_tells_who_did_what(administrator: TestClient) -> None:
    made = administrator.post("/v1/orgs", json={"name": "Decla"})
    entry = administrator.get("/v1/audit").json()["items"][0]
    assert (entry["actor"], entry["action"]) == ("administrator of Prana-Film", "POST /v1/orgs")
    assert entry["object"] == made.headers["Location"]
    assert entry["request"] == made.headers["X-Request-ID"]
    assert entry["detail"]["status"] == 201


def test_the_log_tells_what_was_refused_too(app: FastAPI, administrator: TestClient) -> None:
    client(app, "holder").post("/v1/orgs", json={"name": "Decla"})
    entry = administrator.get("/v1/audit", params={"actor": "holder of Prana-Film"}).json()["items"][0]
    assert entry["detail"]["status"] == 403


def test_reading_is_not_told(administrator: TestClient) -> None:
    administrator.get("/v1/orgs")
    assert administrator.get("/v1/audit").json()["items"] == []


def test_the_log_of_an_object(administrator: TestClient) -> None:
    for name in ("Decla", "Ufa"):
        add_org(administrator, name)
    place = administrator.get("/v1/orgs").json()["items"][1]["id"]
    found = administrator.get("/v1/audit", params={"object": f"/v1/orgs/{place}"}).json()["items"]
    assert [entry["object"] for entry in found] == [f"/v1/orgs/{place}"]
    assert len(administrator.get("/v1/audit", params={"object": "/v1/orgs"}).json()["items"]) == 2


@pytest.mark.parametrize("change", [sa.update(log).values(actor="nobody"), sa.delete(log)])
def test_the_log_cannot_be_changed(
    app: FastAPI, administrator: TestClient, change: sa.Update | sa.Delete
) -> None:
    add_org(administrator)
    with (
        pytest.raises((CatalogError, sa.exc.DBAPIError), match="append-only"),
        app.state.store.write() as connection,
    ):
        connection.execute(change)
    assert len(administrator.get("/v1/audit").json()["items"]) == 1


def test_nothing_is_acknowledged_that_is_not_in_the_log(
    administrator: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise CatalogError("disk is full")

    monkeypatch.setattr(audit, "record", full)
    answer = administrator.post("/v1/orgs", json={"name": "Decla"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "disk" not in answer.text


def test_a_request_that_is_sent_again_acts_once(administrator: TestClient) -> None:
    first, second = (
        administrator.post("/v1/orgs", json={"name": "Decla"}, headers={"Idempotency-Key": "k1"})
        for _ in "12"
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert names(administrator) == ["Prana-Film", "Decla"]


def test_a_key_is_for_one_request(administrator: TestClient) -> None:
    administrator.post("/v1/orgs", json={"name": "Decla"}, headers={"Idempotency-Key": "k1"})
    other = administrator.post("/v1/orgs", json={"name": "Ufa"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")


def test_a_key_is_its_callers(app: FastAPI, administrator: TestClient) -> None:
    administrator.post("/v1/orgs", json={"name": "Decla"}, headers={"Idempotency-Key": "k1"})
    other = client(app).post("/v1/orgs", json={"name": "Decla"}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 409


def test_what_failed_may_be_tried_again(administrator: TestClient) -> None:
    keyed = {"Idempotency-Key": "k1"}
    assert administrator.post("/v1/orgs", json={"name": ""}, headers=keyed).status_code == 422
    assert administrator.post("/v1/orgs", json={"name": "Decla"}, headers=keyed).status_code == 201


def test_secrets_are_not_kept_for_a_second_answer(administrator: TestClient) -> None:
    org = administrator.get("/v1/orgs").json()["items"][0]["id"]
    body, keyed = {"org": org, "role": "holder", "label": "import"}, {"Idempotency-Key": "k1"}
    assert administrator.post("/v1/keys", json=body, headers=keyed).status_code == 201
    again = administrator.post("/v1/keys", json=body, headers=keyed)
    assert (again.status_code, again.json()["code"]) == (409, "done")
    assert len(administrator.get("/v1/keys").json()["items"]) == 2


def test_a_second_request_while_the_first_is_under_way(app: FastAPI) -> None:
    entered, leave = Event(), Event()

    @app.post("/v1/slow")
    def slow() -> str:
        entered.set()
        leave.wait(30)
        return "done"

    who = client(app)
    keyed = {"Idempotency-Key": "k1"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(who.post, "/v1/slow", headers=keyed)
        assert entered.wait(30)
        second = who.post("/v1/slow", headers=keyed)
        leave.set()
    assert (second.status_code, second.json()["code"]) == (409, "in-progress")
    assert first.result().json() == "done"


def test_the_boundary_of_a_form_does_not_count(app: FastAPI, administrator: TestClient) -> None:
    @app.post("/v1/form")
    async def form(file: bytes) -> None: ...

    from service.api.idempotency import _Body

    def digest(boundary: str, chunk: int) -> str:
        body = _Body({"type": "http", "path": "/", "query_string": b"", "headers": [
            (b"content-type", f"multipart/form-data; boundary={boundary}".encode())]}, None)  # type: ignore[arg-type]  # fmt: skip
        data = f"--{boundary}\r\nabc\r\n--{boundary}--".encode()
        for start in range(0, len(data), chunk):
            body._update(data[start : start + chunk])
        return body.digest()

    assert len({digest("a" * 16, 100), digest("b" * 16, 3), digest("c" * 16, 7)}) == 1


def test_too_many_requests_are_refused(tmp_path: Path) -> None:
    with served(tmp_path, requests_a_minute=3) as app:
        busy, calm = client(app), client(app)
        statuses = [busy.get("/v1/me").status_code for _ in range(4)]
        refused = busy.get("/v1/me")
        assert statuses == [200, 200, 200, 429]
        assert (refused.json()["code"], refused.headers["Retry-After"]) == ("too-many-requests", "5")
        assert calm.get("/v1/me").status_code == 200


def test_a_fault_is_a_problem_with_the_id_to_ask_for(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/v1/broken")
    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    answer = client(app).get("/v1/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "broken")
    assert answer.headers["X-Request-ID"] in answer.json()["detail"]
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_metrics_are_for_prometheus_alone(app: FastAPI, administrator: TestClient) -> None:
    administrator.get("/v1/orgs/4711")
    prometheus = client(app, scopes=["metrics"])
    told = prometheus.get("/metrics").text
    assert 'whorl_requests_total{method="GET",route="/v1/orgs/{org_id}",status="404"} 1.0' in told
    assert 'whorl_jobs{state="queued"} 0.0' in told
    assert TestClient(app).get("/metrics").status_code == 401
    assert client(app, "holder").get("/metrics").status_code == 403
    assert prometheus.get("/v1/orgs").status_code == 403


def test_requests_are_logged_as_json_without_keys(
    administrator: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "whorl.requests"):
        answer = administrator.get("/v1/orgs?after=x")
    line = json.loads(JsonLines().format(caplog.records[-1]))
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/orgs", 422)
    assert line["actor"] == "administrator of Prana-Film"
    assert administrator.headers["Authorization"][-20:] not in caplog.text
    assert answer.headers["X-Request-ID"]
