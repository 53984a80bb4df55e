"""Jobs: a capture goes in, its answer comes out, once, whatever dies in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.service import client, served
from tests.working import SAMPLES, Workers, ended, registered, workers

CAPTURE = SAMPLES / "captures" / "telephone.opus"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return registered(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def app(data: Path) -> Iterator[FastAPI]:
    with served(data) as started:
        yield started


@pytest.fixture(scope="module")
def at_work(data: Path) -> Iterator[Workers]:
    with workers(data) as started:
        yield started


def test_a_file_goes_in_and_its_answer_comes_out(app: FastAPI, at_work: Workers) -> None:
    asks = client(app, "investigator")
    taken = asks.post(
        "/v1/matches", files={"file": ("tele <b>.opus", CAPTURE.read_bytes())}, data={"place": "x.org"}
    )
    assert taken.status_code == 202, taken.text
    job = ended(asks, taken.json())
    assert (job["state"], job["error"]) == ("done", None)
    answer = asks.get(f"/v1/matches/{job['match']}").json()
    assert answer["status"] == "match"
    assert answer["query"]["name"] == "tele <b>.opus"
    assert [match["reference"]["name"] for match in answer["matches"]] == ["the-witness.opus"]
    assert answer["captured"] == {"place": "x.org"}
