"""What the tests of the service share: a running app, and callers of each role."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.store.accounts import add_key, org_named
from tests import backend

ORG = "Prana-Film"


@contextmanager
def served(data: Path, **settings: Any) -> Iterator[FastAPI]:
    """The service over a data directory and a new database of the kind that is tested, started."""
    with backend.database(data) as url:
        app = create_app(Settings(**{"data": data, "database": url, **settings}))
        with TestClient(app):
            yield app


def key_of(app: FastAPI, role: str = "administrator", org: str = ORG, **rest: Any) -> str:
    """The text of a new key of this role and organisation."""
    return add_key(app.state.store, org_named(app.state.store, org), role, f"{role} of {org}", **rest).text


def client(app: FastAPI, role: str = "administrator", org: str = ORG, **rest: Any) -> TestClient:
    """A client that holds such a key; the app has been started by ``served``."""
    headers = {"Authorization": f"Bearer {key_of(app, role, org, **rest)}"}
    return TestClient(app, headers=headers, raise_server_exceptions=False)
