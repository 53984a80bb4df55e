"""Organisations, people, keys, sessions: who may make them, and that what ends has ended at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.service import client, key_of, served


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path) as started:
        yield started


@pytest.fixture
def administrator(app: FastAPI) -> TestClient:
    return client(app)


def code(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]  # type: ignore[attr-defined]


def key_body(administrator: TestClient, **more: object) -> dict[str, object]:
    org = administrator.post("/v1/orgs", json={"name": "Decla"}).json()["id"]
    return {"org": org, "role": "holder", "label": "import", **more}


def bearer(app: FastAPI, key: str) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {key}"})


def test_an_administrator_makes_organisations_people_and_keys(
    app: FastAPI, administrator: TestClient
) -> None:
    org = administrator.post("/v1/orgs", json={"name": "Decla"})
    assert org.status_code == 201
    assert administrator.get(org.headers["Location"]).json() == org.json()
    body = {"org": org.json()["id"], "name": "Ellen", "email": "Ellen@Decla.example", "role": "holder"}
    person = administrator.post("/v1/people", json=body).json()
    assert (person["email"], person["active"]) == ("ellen@decla.example", True)
    key = administrator.post(
        "/v1/keys", json={**body_of_key(org.json()["id"]), "person": person["id"]}
    ).json()
    me = bearer(app, key["key"]).get("/v1/me").json()
    assert (me["name"], me["org"], me["role"]) == (
        "Ellen",
        {"id": org.json()["id"], "name": "Decla"},
        "holder",
    )


def body_of_key(org: str) -> dict[str, str]:
    return {"org": org, "role": "holder", "label": "import"}


def test_names_and_addresses_are_taken_once(administrator: TestClient) -> None:
    org = administrator.post("/v1/orgs", json={"name": "Decla"}).json()
    assert code(administrator.post("/v1/orgs", json={"name": "Decla"})) == (409, "exists")
    other = administrator.post("/v1/orgs", json={"name": "Ufa"}).json()
    assert code(administrator.patch(f"/v1/orgs/{other['id']}", json={"name": "Decla"})) == (409, "exists")
    person = {"org": org["id"], "name": "Ellen", "email": "e@decla.example", "role": "holder"}
    assert administrator.post("/v1/people", json=person).status_code == 201
    assert code(administrator.post("/v1/people", json=person)) == (409, "exists")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"role": "king"}, 422),
        ({"scopes": ["audit"]}, 422),
        ({"org": "4711"}, 404),
        ({"org": "one"}, 404),
        ({"expires": "2026-01-01"}, 422),
        ({"label": "\u202eevil"}, 422),
        ({"label": "x" * 65536}, 422),
        ({"label": "a\0b"}, 422),
        ({"person": "77"}, 404),
        ({"more": 1}, 422),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    administrator: TestClient, change: dict[str, object], status: int
) -> None:
    before = administrator.get("/v1/keys").json()
    assert administrator.post("/v1/keys", json=key_body(administrator, **change)).status_code == status
    assert len(administrator.get("/v1/keys").json()["items"]) == len(before["items"])


def test_a_key_is_the_administrations_unless_said_otherwise(administrator: TestClient) -> None:
    for _ in range(2):  # which is made if need be
        made = administrator.post("/v1/keys", json={"role": "investigator", "label": "import"})
        assert made.status_code == 201
        org = administrator.get(f"/v1/orgs/{made.json()['org']}").json()
        assert org["name"] == "Administration"


def test_lists_come_in_pages(administrator: TestClient) -> None:
    for number in range(5):
        administrator.post("/v1/orgs", json={"name": f"Studio {number}"})
    seen, after = [], None
    while True:
        page = administrator.get(
            "/v1/orgs", params={"limit": 2, **({"after": after} if after else {})}
        ).json()
        seen += [org["name"] for org in page["items"]]
        if not (after := page["next"]):
            break
    assert seen == ["Prana-Film", *(f"Studio {number}" for number in range(5))]


def test_secrets_are_told_once(administrator: TestClient) -> None:
    made = administrator.post("/v1/keys", json=key_body(administrator))
    assert made.headers["Cache-Control"] == "no-store"
    secret = made.json()["key"].split("_", 2)[2]
    for path in ("/v1/keys", f"/v1/keys/{made.json()['id']}", "/v1/audit"):
        assert secret not in administrator.get(path).text


def test_a_revoked_key_ends_at_once(app: FastAPI, administrator: TestClient) -> None:
    made = administrator.post("/v1/keys", json=key_body(administrator)).json()
    holder = bearer(app, made["key"])
    assert holder.get("/v1/me").status_code == 200
    assert administrator.delete(f"/v1/keys/{made['id']}").status_code == 204
    assert holder.get("/v1/me").status_code == 401


def test_a_key_rotates_itself_with_an_overlap(app: FastAPI) -> None:
    old = bearer(app, key_of(app, "holder", scopes=["jobs"]))
    name = old.get("/v1/me").json()["key"]
    new = old.post(f"/v1/keys/{name}/rotate", json={"overlap": 60}).json()
    assert new["scopes"] == ["jobs"]
    assert old.get("/v1/me").status_code == bearer(app, new["key"]).get("/v1/me").status_code == 200
    assert old.post(f"/v1/keys/{name}/rotate").status_code == 201
    assert old.get("/v1/me").status_code == 401


def test_a_holder_sees_the_own_key_and_no_other(app: FastAPI) -> None:
    holder, other = client(app, "holder"), client(app, "holder")
    mine, foreign = (one.get("/v1/me").json()["key"] for one in (holder, other))
    assert [key["id"] for key in holder.get("/v1/keys").json()["items"]] == [mine]
    for answer in (
        holder.get(f"/v1/keys/{foreign}"),
        holder.delete(f"/v1/keys/{foreign}"),
        holder.post(f"/v1/keys/{foreign}/rotate"),
    ):
        assert code(answer) == (404, "not-found")
    assert other.get("/v1/me").status_code == 200


def test_who_may_no_longer_sign_in_is_out(app: FastAPI, administrator: TestClient) -> None:
    body = key_body(administrator)
    person = {"org": body["org"], "name": "Ellen", "email": "e@decla.example", "role": "investigator"}
    made = administrator.post("/v1/people", json=person).json()
    key = administrator.post("/v1/keys", json={**body, "role": "investigator", "person": made["id"]}).json()[
        "key"
    ]
    assert (
        administrator.patch(f"/v1/people/{made['id']}", json={"role": "reviewer"}).json()["role"]
        == "reviewer"
    )
    assert bearer(app, key).get("/v1/me").json()["role"] == "reviewer"
    administrator.patch(f"/v1/people/{made['id']}", json={"active": False})
    assert bearer(app, key).get("/v1/me").status_code == 401


def browser(app: FastAPI, key: str) -> tuple[TestClient, dict[str, str]]:
    """A browser with a session, and the headers that its changes need."""
    opened = TestClient(app)
    begun = opened.post("/v1/sessions", json={"key": key})
    assert begun.status_code == 201, begun.text
    return opened, {"X-CSRF-Token": begun.json()["csrf"]}


def test_a_session_is_its_keys_holder(app: FastAPI) -> None:
    opened, token = browser(app, key_of(app))
    assert opened.get("/v1/me").json()["csrf"] == token["X-CSRF-Token"]
    assert opened.post("/v1/orgs", json={"name": "Decla"}, headers=token).status_code == 201
    assert opened.delete("/v1/sessions", headers=token).status_code == 204
    assert opened.get("/v1/me").status_code == 401


def test_the_cookie_is_no_scripts_and_ends_with_the_session(app: FastAPI) -> None:
    opened = TestClient(app)
    cookie = opened.post("/v1/sessions", json={"key": key_of(app)}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    stolen = opened.cookies["whorl_session"]
    opened.delete("/v1/sessions", headers={"X-CSRF-Token": opened.get("/v1/me").json()["csrf"]})
    assert TestClient(app, cookies={"whorl_session": stolen}).get("/v1/me").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "x"},
        {"X-CSRF-Token": "é"},
        {"X-CSRF-Token": "right", "Origin": "https://evil.example"},
    ],
)
def test_another_site_cannot_use_a_session(app: FastAPI, headers: dict[str, str]) -> None:
    opened, token = browser(app, key_of(app))
    sent = {
        name: token["X-CSRF-Token"] if value == "right" else value.encode() for name, value in headers.items()
    }
    assert code(opened.post("/v1/orgs", json={"name": "Decla"}, headers=sent)) == (403, "csrf")  # type: ignore[arg-type]


def test_another_site_cannot_begin_a_session(app: FastAPI) -> None:
    answer = TestClient(app).post(
        "/v1/sessions", json={"key": key_of(app)}, headers={"Origin": "https://evil.example"}
    )
    assert code(answer) == (403, "csrf")


def test_a_session_ends_with_its_key(app: FastAPI, administrator: TestClient) -> None:
    opened, _ = browser(app, key_of(app, "reviewer"))
    administrator.delete(f"/v1/keys/{opened.get('/v1/me').json()['key']}")
    assert opened.get("/v1/me").status_code == 401


def test_an_unknown_key_begins_no_session(app: FastAPI) -> None:
    answer = TestClient(app).post("/v1/sessions", json={"key": "whorl_x"})
    assert code(answer) == (401, "unauthenticated")
    assert "Set-Cookie" not in answer.headers
