"""Registering over HTTP, with a worker: files become references of their organisations, and what two share is an overlap."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.service import client, served
from tests.working import SAMPLES, ended, workers

BACKENDS = ("sqlite",)  # the worker is a process of its own, and what it calls is tested on both
SONG = SAMPLES / "originals" / "harbour-lights.m4a"
COPY = SAMPLES / "captures" / "cut-32kbit.mp3"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[FastAPI]:
    data = tmp_path_factory.mktemp("service")
    with served(data) as started, workers(data):
        yield started


def work_of(app: FastAPI, org: str) -> str:
    """A new work of an organisation's."""
    made = client(app, "holder", org=org).post("/v1/works", json={"title": f"Song of {org}"})
    return str(made.json()["id"])


def registered(app: FastAPI, org: str, work: str, path: Path) -> dict[str, Any]:
    """The reference that an organisation's file becomes."""
    holder = client(app, "holder", org=org)
    file = {"file": (f"{org}.m4a", path.read_bytes())}
    taken = holder.post("/v1/references", files=file, data={"work": work})
    assert taken.status_code == 202, taken.text
    job = ended(holder, taken.json())
    assert (job["state"], job["error"]) == ("done", None)
    found: dict[str, Any] = holder.get(f"/v1/references/{job['reference']}").json()
    return found


def test_what_two_organisations_share_is_an_overlap(app: FastAPI) -> None:
    work = work_of(app, "Label")
    first = registered(app, "Label", work, SONG)
    holder = client(app, "holder", org="Label")
    assert (first["work"]["id"], first["name"]) == (work, "Label.m4a")
    assert registered(app, "Label", work, SONG)["id"] == first["id"]
    assert holder.get("/v1/overlaps").json()["items"] == []

    same = registered(app, "Second", work_of(app, "Second"), SONG)
    assert (same["id"], same["work"]["title"]) == (first["id"], "Song of Second")
    part = registered(app, "Third", work_of(app, "Third"), COPY)
    overlaps = holder.get("/v1/overlaps").json()["items"]
    assert [one["sides"][0]["org"]["name"] for one in overlaps] == ["Second", "Third"]
    assert overlaps[1]["sides"][0]["reference"]["id"] == part["id"]
    assert overlaps[1]["segments"][0]["end"] > 5


def test_what_cannot_be_registered_leaves_its_work_as_it_was(app: FastAPI) -> None:
    holder, work = client(app, "holder", org="Fourth"), work_of(app, "Fourth")
    taken = holder.post("/v1/references", files={"file": ("a.mp3", b"no media" * 100)}, data={"work": work})
    job = ended(holder, taken.json())
    assert job["state"] == "failed" and job["error"]["code"]
    assert holder.get("/v1/references").json()["items"] == []
    assert holder.get(f"/v1/works/{work}").json()["references"] == 0
