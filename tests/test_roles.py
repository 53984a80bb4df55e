"""Who may do what: every route, asked by nobody, by every role, and by every role for what is somebody else's.

The routes are those of the app itself: one that is new fails here until it is in the table.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.store.caller import SCOPES_OF
from tests.service import client, key_of, served
from tests.walk import MARK, STRANGER, VICTIM, Made, Route, objects, requests, routes

HOLDER, INVESTIGATOR, REVIEWER, ADMINISTRATOR = SCOPES_OF
# A letter for each role that may: holder, investigator, reviewer, administrator.
TABLE = """
    hira DELETE  /v1/keys/{key_id}                its own alone, but for an administrator
    hira DELETE  /v1/sessions
    h..a DELETE  /v1/live/{live_id}
    h..a DELETE  /v1/references/{reference_id}
    hi.a DELETE  /v1/streams/{stream_id}
    hi.a DELETE  /v1/uploads/{upload_id}
    hira DELETE  /v1/webhooks/{webhook_id}        its own role's alone, but for an administrator
    h..a DELETE  /v1/works/{work_id}
    ...a GET     /metrics
    hi.a GET     /v1/airings
    ...a GET     /v1/audit
    .ira GET     /v1/cases
    .ira GET     /v1/cases/{case_id}
    hira GET     /v1/jobs
    hira GET     /v1/jobs/{job_id}
    hira GET     /v1/jobs/{job_id}/events
    hira GET     /v1/keys                         its own alone, but for an administrator
    hira GET     /v1/keys/{key_id}                its own alone, but for an administrator
    h..a GET     /v1/live
    h..a GET     /v1/live/{live_id}
    hira GET     /v1/matches
    hira GET     /v1/matches/{match_id}
    hira GET     /v1/matches/{match_id}/verdicts
    hira GET     /v1/me
    ...a GET     /v1/orgs
    ...a GET     /v1/orgs/{org_id}
    h..a GET     /v1/overlaps
    ...a GET     /v1/people
    ...a GET     /v1/people/{person_id}
    h..a GET     /v1/references
    h..a GET     /v1/references/{reference_id}
    hi.a GET     /v1/streams
    hi.a GET     /v1/streams/events/live
    hi.a GET     /v1/streams/{stream_id}
    hi.a GET     /v1/streams/{stream_id}/evidence
    hi.a GET     /v1/streams/{stream_id}/thumbnail
    hi.a GET     /v1/streams/{stream_id}/events
    hi.a GET     /v1/streams/{stream_id}/events/live
    hi.a GET     /v1/uploads
    hi.a GET     /v1/uploads/{upload_id}
    hira GET     /v1/webhooks                     its own role's alone, but for an administrator
    hira GET     /v1/webhooks/{webhook_id}
    hira GET     /v1/webhooks/{webhook_id}/deliveries
    h..a GET     /v1/works
    h..a GET     /v1/works/{work_id}
    h..a GET     /v1/works/{work_id}/airings
    h..a GET     /v1/works/{work_id}/coverage
    h..a GET     /v1/works/{work_id}/licences
    hi.a HEAD    /v1/uploads/{upload_id}
    hi.a OPTIONS /v1/uploads
    hi.a OPTIONS /v1/uploads/{upload_id}
    .ira PATCH   /v1/cases/{case_id}
    ...a PATCH   /v1/orgs/{org_id}
    ...a PATCH   /v1/people/{person_id}
    hi.a PATCH   /v1/uploads/{upload_id}
    hira PATCH   /v1/webhooks/{webhook_id}
    h..a PATCH   /v1/works/{work_id}
    hi.a POST    /v1/airings/seen
    .ira POST    /v1/cases
    hira POST    /v1/jobs/{job_id}/cancel
    hira POST    /v1/jobs/{job_id}/retry
    ...a POST    /v1/keys
    hira POST    /v1/keys/{key_id}/rotate         its own alone, but for an administrator
    h..a POST    /v1/live
    h..a POST    /v1/live/{live_id}/codes
    h..a POST    /v1/live/{live_id}/end
    hi.a POST    /v1/matches
    hi.a POST    /v1/matches/fingerprint
    ..ra POST    /v1/matches/{match_id}/verdicts
    ...a POST    /v1/orgs
    h..a POST    /v1/overlaps/{overlap_id}/resolve
    ...a POST    /v1/people
    h..a POST    /v1/references
    hi.a POST    /v1/streams
    hi.a POST    /v1/streams/{stream_id}/start
    hi.a POST    /v1/streams/{stream_id}/stop
    hi.a POST    /v1/uploads
    hi.a POST    /v1/uploads/{upload_id}
    hira POST    /v1/webhooks
    hira POST    /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/again
    hira POST    /v1/webhooks/{webhook_id}/test
    h..a POST    /v1/works
    h..a POST    /v1/works/table
    h..a PUT     /v1/works/{work_id}/licences
"""
# What is there for anybody, as it says nothing of what is stored, or is how one comes to be known.
PUBLIC = {
    "GET /health/live", "GET /health/ready", "POST /v1/sessions", "GET /v1/login/oidc", "GET /v1/login/oidc/callback",
    "GET /sign-in", "POST /sign-in",
}  # fmt: skip
MAY = {
    Route(method, path): letters for letters, method, path, *_ in map(str.split, TABLE.strip().splitlines())
}
UNENDING = Route("GET", "/v1/streams/events/live")  # for whoever may listen: see tests/test_streams_api.py


def all_routes() -> list[Route]:
    return routes(create_app(Settings.model_validate({"data": "nowhere"})))


ROUTES = all_routes()
API = [route for route in ROUTES if route in MAY]
PAGES = [route for route in ROUTES if route not in MAY and str(route) not in PUBLIC]


@pytest.fixture(scope="module")
def app(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("data"), requests_a_minute=10**9, workers=0) as started:
        yield started


@pytest.fixture(scope="module")
def theirs(app: FastAPI) -> Made:
    """What is the victim's."""
    return objects(app)


@pytest.fixture(scope="module")
def strangers(app: FastAPI) -> dict[str, TestClient]:
    """A caller of each role, of an organisation that has nothing to do with the victim's."""
    return {role: client(app, role, STRANGER) for role in SCOPES_OF}


@pytest.fixture(scope="module")
def victims(app: FastAPI) -> dict[str, TestClient]:
    return {role: client(app, role, VICTIM) for role in SCOPES_OF}


def ask(who: TestClient, route: Route, made: Made) -> Any:
    return who.request(route.method, route.filled(made), **requests(made).get(str(route), {}))


def test_every_route_of_the_api_is_in_the_table() -> None:
    assert [str(route) for route in PAGES if route.path.startswith("/v1")] == []
    assert [str(route) for route in MAY if route not in ROUTES] == [], (
        "the table tells of routes that are gone"
    )


@pytest.mark.parametrize("route", API, ids=str)
def test_nobody_gets_in(app: FastAPI, theirs: Made, route: Route) -> None:
    for headers in ({}, {"Authorization": "Bearer whorl_0123456789abcdef_" + "a" * 43}):
        answer = ask(TestClient(app, headers=headers), route, theirs)
        assert (answer.status_code, MARK in answer.text) == (401, False)


@pytest.mark.parametrize("route", API, ids=str)
def test_a_role_may_what_the_table_says(app: FastAPI, theirs: Made, route: Route) -> None:
    nothing = dict.fromkeys(theirs, "4711")
    for role, letter in zip(SCOPES_OF, MAY[route], strict=True):
        if route == UNENDING and letter != ".":
            continue
        answer = ask(client(app, role, STRANGER), route, nothing)
        if letter == ".":
            assert (role, answer.status_code) == (role, 403)
            assert answer.text == "" or answer.json()["code"] == "forbidden"
        else:
            assert answer.status_code not in (401, 403), f"{role}: {answer.text}"


@pytest.mark.parametrize("route", [route for route in API if route.parameters], ids=str)
def test_what_is_another_organisations_is_not_there(
    app: FastAPI, strangers: dict[str, TestClient], victims: dict[str, TestClient], theirs: Made, route: Route
) -> None:
    seen = look(victims, theirs, route)
    for role in (HOLDER, INVESTIGATOR, REVIEWER):
        answer = ask(strangers[role], route, theirs)
        assert MARK not in answer.text
        if answer.status_code != 403 and route.method != "OPTIONS":
            assert answer.status_code == 404, f"{role}: {answer.status_code} {answer.text}"
            assert answer.text == "" or answer.json()["code"] == "not-found"
    assert look(victims, theirs, route) == seen


def look(victims: dict[str, TestClient], theirs: Made, route: Route) -> Any:
    """What the object of the route looks like to its own people: it is there, or the test would prove nothing."""
    parent = Route("GET", "/".join(route.path.split("/")[:4]))
    if parent.path == "/v1/overlaps/{overlap_id}":
        return victims[HOLDER].get("/v1/overlaps").json()
    found = ask(victims[ADMINISTRATOR], parent, theirs)
    assert found.status_code == 200, found.text
    return {name: value for name, value in found.json().items() if name != "used"}


@pytest.mark.parametrize(
    "route",
    [route for route in API if not route.parameters and route.method == "GET" and route != UNENDING],
    ids=str,
)
def test_lists_hold_nothing_of_another_organisation(
    strangers: dict[str, TestClient], theirs: Made, route: Route
) -> None:
    filters = [{}, {"q": MARK}, {"case": theirs["case_id"]}, {"work": theirs["work_id"]}]
    for role in (HOLDER, INVESTIGATOR, REVIEWER):
        for asked in filters:
            answer = strangers[role].get(route.path, params=asked)
            assert MARK not in answer.text, f"{role} {asked}"
            assert (
                answer.status_code != 200 or "items" not in answer.json() or not leaked(answer.json(), theirs)
            )


def leaked(page: Any, theirs: Made) -> list[str]:
    ids = {item.get("id") for item in page["items"]}
    return [
        name
        for name in (
            "case_id",
            "upload_id",
            "match_id",
            "job_id",
            "key_id",
            "stream_id",
            "live_id",
            "webhook_id",
        )
        if theirs[name] in ids
    ]


@pytest.mark.parametrize(
    "route", [route for route in API if not route.parameters and route.method == "POST"], ids=str
)
def test_a_body_names_only_what_is_the_callers(
    app: FastAPI, strangers: dict[str, TestClient], theirs: Made, route: Route
) -> None:
    sent = requests(theirs).get(str(route), {}).get("json", {})
    named = {name: value for name, value in sent.items() if value in theirs.values()}
    for role in (HOLDER, INVESTIGATOR, REVIEWER):
        if named:
            assert ask(strangers[role], route, theirs).status_code in (403, 404), role


@pytest.mark.parametrize(
    "path",
    ["/v1/works", "/v1/cases", "/v1/matches", "/v1/jobs", "/v1/uploads", "/v1/references", "/v1/streams"],
)
def test_their_own_people_see_it(victims: dict[str, TestClient], theirs: Made, path: str) -> None:
    role = HOLDER if path in ("/v1/works", "/v1/references") else INVESTIGATOR
    ids = [item["id"] for item in victims[role].get(path).json()["items"]]
    assert set(ids) & set(theirs.values())


@pytest.mark.parametrize("route", PAGES, ids=str)
def test_pages_are_for_who_is_signed_in_and_show_what_is_theirs(
    app: FastAPI, theirs: Made, route: Route
) -> None:
    asked = {"follow_redirects": False, **requests(theirs).get(str(route), {})}
    nobody = TestClient(app).request(route.method, route.filled(theirs | PAGE_PARTS), **asked)
    assert MARK not in nobody.text
    assert nobody.status_code >= 300, nobody.text
    for role in (HOLDER, INVESTIGATOR, REVIEWER):
        browser = TestClient(app)
        token = browser.post("/v1/sessions", json={"key": key_of(app, role, STRANGER)}).json()["csrf"]
        answer = browser.request(
            route.method, route.filled(theirs | PAGE_PARTS), headers={"X-CSRF-Token": token}, **asked
        )
        assert MARK not in answer.text, role
        assert answer.status_code < 500, answer.text


# What pages have in their paths beside the ids of objects.
PAGE_PARTS: Made = {"change": "cancel", "number": "0", "version": "0", "name": "none.js"}
