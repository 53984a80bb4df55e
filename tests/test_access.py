"""Who a key is: the holder of exactly this secret, as long as it is valid, with the scopes it was given."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.api.access import needs
from service.store.accounts import Refused, add_key, add_person, authenticate, first_key, org_named
from service.store.caller import SCOPES_OF, Caller
from service.store.store import Store
from service.store.tables import keys, people
from tests.service import client, served


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store(database)
    yield opened
    opened.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path) as started:

        @started.get("/jobs-only")
        def jobs_only(who: Annotated[Caller, needs("jobs")]) -> str:
            return who.name

        yield started


def changed(store: Store, table: sa.Table, **values: object) -> None:
    with store.write() as connection:
        connection.execute(sa.update(table).values(**values))


def test_a_key_is_its_holder(store: Store) -> None:
    org_id = org_named(store, "Prana-Film")
    made = add_key(store, org_id, "holder", "import")
    assert authenticate(store, made.text) == Caller("import", org_id, "holder", SCOPES_OF["holder"], made.id)
    assert made.text.startswith(f"whorl_{made.id}_")


def test_the_secret_is_kept_nowhere(store: Store) -> None:
    made = add_key(store, org_named(store, "Prana-Film"), "holder")
    row = store.row(sa.select(keys))
    assert made.text.split("_", 2)[2] not in str(row)


@pytest.mark.parametrize(
    "text", ["", "whorl_", "whorl_1_2", "whorl_0123456789abcdef_" + "a" * 43, "é", "'; --"]
)
def test_other_texts_are_no_key(store: Store, text: str) -> None:
    add_key(store, org_named(store, "Prana-Film"), "holder")
    with pytest.raises(Refused, match="unknown key"):
        authenticate(store, text)


def test_another_secret_is_no_key(store: Store) -> None:
    made = add_key(store, org_named(store, "Prana-Film"), "holder")
    other = add_key(store, org_named(store, "Prana-Film"), "administrator")
    mixed = f"whorl_{other.id}_{made.text.split('_', 2)[2]}"
    with pytest.raises(Refused, match="unknown key"):
        authenticate(store, mixed)


def test_expired_and_revoked_keys_are_refused(store: Store) -> None:
    made = add_key(store, org_named(store, "Prana-Film"), "holder", expires="2020-01-01T00:00:00.000+00:00")
    with pytest.raises(Refused, match="expired"):
        authenticate(store, made.text)
    changed(store, keys, expires=None, revoked="2020-01-01T00:00:00.000+00:00")
    with pytest.raises(Refused, match="revoked"):
        authenticate(store, made.text)


def test_a_persons_key_follows_their_role(store: Store) -> None:
    org_id = org_named(store, "Prana-Film")
    person = add_person(store, org_id, "Ellen", "Ellen@prana.example", "administrator")
    text = add_key(store, org_id, "administrator", person_id=person).text
    assert authenticate(store, text).role == "administrator"
    changed(store, people, role="reviewer")
    assert authenticate(store, text).scopes == SCOPES_OF["reviewer"]
    changed(store, people, active=False)
    with pytest.raises(Refused, match="no longer"):
        authenticate(store, text)


def test_a_key_has_no_scope_beyond_its_role(store: Store) -> None:
    org_id = org_named(store, "Prana-Film")
    with pytest.raises(ValueError, match="holder has not the scopes audit"):
        add_key(store, org_id, "holder", scopes=["jobs", "audit"])
    assert authenticate(store, add_key(store, org_id, "holder", scopes=["jobs"]).text).scopes == {"jobs"}


def test_only_the_first_start_makes_a_key(store: Store) -> None:
    made = first_key(store)
    assert made is not None
    assert authenticate(store, made.text).role == "administrator"
    assert first_key(store) is None


def test_nothing_is_open(app: FastAPI) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer whorl_1_2"}):
        answer = TestClient(app).get("/jobs-only", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_scope_opens_and_its_lack_closes(app: FastAPI) -> None:
    assert client(app, "holder").get("/jobs-only").json() == "holder of Prana-Film"
    refused = client(app, "holder", scopes=["works:read"]).get("/jobs-only")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_health_needs_no_key(app: FastAPI) -> None:
    anybody = TestClient(app)
    assert anybody.get("/health/live").json() == anybody.get("/health/ready").json() == {"status": "ok"}
