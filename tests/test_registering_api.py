"""Registering over HTTP, with a worker: files become references of their organisations, and what two share is an overlap."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.service import client, served
from tests.working import SAMPLES, ended, workers

SONG = SAMPLES / "originals" / "harbour-lights.m4a"
COPY = SAMPLES / "captures" / "cut-32kbit.mp3"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("service")) as started, workers(started):
        yield started


def registered(app: FastAPI, org: str, path: Path, **about: str) -> dict[str, str]:
    """The reference that an organisation's file becomes."""
    holder = client(app, "holder", org=org)
    taken = holder.post("/v1/references", files={"file": (f"{org}.m4a", path.read_bytes())}, data=about)
    assert taken.status_code == 202, taken.text
    job = ended(holder, taken.json())
    assert (job["state"], job["error"]) == ("done", None)
    found: dict[str, str] = holder.get(f"/v1/references/{job['reference']}").json()
    return found


def test_files_become_references_and_what_two_share_an_overlap(app: FastAPI) -> None:
    about = {"title": "Harbour Lights", "kind": "song", "identifiers": "isrc:US-RC1-76-07839; archive:7"}
    first = registered(app, "Label", SONG, **about)
    holder = client(app, "holder", org="Label")
    work = holder.get(f"/v1/works/{first['work']['id']}").json()  # type: ignore[index]
    assert (work["title"], work["owner"], work["kind"]) == ("Harbour Lights", "Label", "song")
    assert work["identifiers"] == ["archive:7", "isrc:USRC17607839"]
    assert registered(app, "Label", SONG, work=work["id"])["id"] == first["id"]
    assert holder.get("/v1/overlaps").json()["items"] == []

    same = registered(app, "Second", SONG)
    assert (same["id"], same["work"]["title"]) == (first["id"], "Second")  # type: ignore[index]
    part = registered(app, "Third", COPY)
    overlaps = holder.get("/v1/overlaps").json()["items"]
    assert [one["sides"][0]["org"]["name"] for one in overlaps] == ["Second", "Third"]
    assert overlaps[1]["sides"][0]["reference"]["id"] == part["id"]
    assert overlaps[1]["segments"][0]["end"] > 5


def test_what_cannot_be_registered_leaves_nothing(app: FastAPI) -> None:
    holder = client(app, "holder", org="Fourth")
    taken = holder.post("/v1/references", files={"file": ("a.mp3", b"no media" * 100)})
    job = ended(holder, taken.json())
    assert job["state"] == "failed" and job["error"]["code"]
    for path in ("/v1/works", "/v1/references"):
        assert holder.get(path).json()["items"] == []


@pytest.mark.parametrize(
    ("about", "status"),
    [({"work": "77"}, 404), ({"work": "1", "title": "x"}, 422), ({"title": "x" * 501}, 422),
     ({"identifiers": "isrc:X"}, 422), ({"title": "a\u202eb"}, 422), ({"price": "1"}, 422)],
)  # fmt: skip
def test_a_file_with_wrong_details_leaves_no_upload(app: FastAPI, about: dict[str, str], status: int) -> None:
    holder = client(app, "holder", org="Fifth")
    refused = holder.post("/v1/references", files={"file": ("a.m4a", SONG.read_bytes())}, data=about)
    assert refused.status_code == status, refused.text
    assert holder.get("/v1/uploads").json()["items"] == []
    assert holder.get("/v1/jobs").json()["items"] == []
