"""Jobs: a capture goes in, its answer comes out, once, whatever dies in between."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from tests.service import client, served
from tests.working import SAMPLES, Workers, ended, register_samples, workers

CAPTURE = SAMPLES / "captures" / "telephone.opus"


@pytest.fixture(scope="module")
def app(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("service")) as started:
        register_samples(started.state.settings)
        yield started


@pytest.fixture(scope="module")
def at_work(app: FastAPI) -> Iterator[Workers]:
    with workers(app.state.settings) as started:
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
