"""Login at a provider: who it vouches for, and nobody else, whatever comes back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.store.accounts import add_person, org_named
from tests.provider import CLIENT, SECRET, Provider
from tests.service import client, served

ELLEN = {"sub": "u-1", "email": "Ellen@prana.example", "email_verified": True}


@pytest.fixture
def provider() -> Iterator[Provider]:
    opened = Provider()
    opened.claims = dict(ELLEN)
    yield opened
    opened.close()


@pytest.fixture
def app(tmp_path: Path, provider: Provider) -> Iterator[FastAPI]:
    oidc = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with served(tmp_path, **oidc) as started:
        add_person(
            started.state.store,
            org_named(started.state.store, "Prana-Film"),
            "Ellen",
            "ellen@prana.example",
            "reviewer",
        )
        yield started


def login(
    app: FastAPI, provider: Provider, next_: str = "/", state: str | None = None
) -> tuple[TestClient, Any]:
    """A browser that went through the login, and the last answer."""
    browser = TestClient(app, follow_redirects=False)
    sent = browser.get("/v1/login/oidc", params={"next": next_})
    assert sent.status_code == 302, sent.text
    assert sent.headers["Location"].startswith(f"{provider.issuer}/authorization?")
    brought = provider.consent(sent.headers["Location"], state)
    return browser, browser.get("/v1/login/oidc/callback", params=brought)


def test_a_person_signs_in(app: FastAPI, provider: Provider) -> None:
    browser, answer = login(app, provider, "/review")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/review")
    me = browser.get("/v1/me").json()
    assert (me["name"], me["role"], me["org"]["name"]) == ("Ellen", "reviewer", "Prana-Film")
    assert (
        browser.post("/v1/orgs", json={"name": "x"}, headers={"X-CSRF-Token": me["csrf"]}).status_code == 403
    )


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb"])
def test_nobody_is_sent_elsewhere(app: FastAPI, provider: Provider, place: str) -> None:
    assert login(app, provider, place)[1].headers["Location"] == "/"


def test_a_person_is_known_by_subject_from_the_first_login_on(app: FastAPI, provider: Provider) -> None:
    login(app, provider)
    provider.claims = {"sub": "u-1", "email": "married@prana.example", "email_verified": True}
    assert login(app, provider)[1].status_code == 303
    provider.claims = {**ELLEN, "sub": "u-2"}  # somebody who got the address later
    assert login(app, provider)[1].status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@prana.example"},
        {"email_verified": False},
        {"email_verified": "yes"},
        {"email": ""},
    ],
)
def test_who_is_not_known_is_refused(app: FastAPI, provider: Provider, claims: dict[str, Any]) -> None:
    provider.claims = ELLEN | claims
    browser, answer = login(app, provider)
    assert (answer.status_code, answer.json()["code"]) == (403, "unknown-person")
    assert browser.get("/v1/me").status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another client"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600},
        {"nonce": "replayed"},
        {"sub": None},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_for_something_else_is_refused(
    app: FastAPI, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = ELLEN | claims
    browser, answer = login(app, provider)
    assert (answer.status_code, answer.json()["code"]) == (401, "login-failed")
    assert browser.get("/v1/me").status_code == 401


@pytest.mark.parametrize("how", ["hs256", "unsigned"])
def test_a_token_that_the_provider_did_not_sign_is_refused(
    app: FastAPI, provider: Provider, how: str
) -> None:
    provider.sign = getattr(provider, how)
    assert login(app, provider)[1].status_code == 401


def test_a_login_that_was_begun_elsewhere_is_refused(app: FastAPI, provider: Provider) -> None:
    assert login(app, provider, state="another")[1].status_code == 401
    assert TestClient(app).get("/v1/login/oidc/callback?code=c0de&state=x").status_code == 401


def test_who_may_no_longer_sign_in_is_refused(app: FastAPI, provider: Provider) -> None:
    administrator = client(app)
    person = administrator.get("/v1/people").json()["items"][0]["id"]
    browser, _ = login(app, provider)
    administrator.patch(f"/v1/people/{person}", json={"active": False})
    assert browser.get("/v1/me").status_code == 401
    assert login(app, provider)[1].status_code == 403


def test_a_provider_that_is_down_is_no_fault_of_ours(app: FastAPI, provider: Provider) -> None:
    provider.close()
    answer = TestClient(app).get("/v1/login/oidc")
    assert (answer.status_code, answer.json()["code"]) == (503, "provider")


def test_without_a_provider_there_is_no_login(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        assert TestClient(app).get("/v1/login/oidc").status_code == 404
