"""Jobs: a capture goes in, its answer comes out, once, whatever dies in between."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fingerprint.exchange import MEDIA_TYPE, packed
from fingerprint.media import Limits
from matching.engine import Engine
from service.fingerprinting import fingerprinted
from service.jobs.lease import Lease, dead, living
from service.jobs.queue import Queue
from service.jobs.work import keep_failure
from service.store import findings, jobs
from service.store.caller import SCOPES_OF, Caller
from service.store.findings import Filter
from service.store.jobs import ATTEMPTS, Job, New, StateError, TooManyError
from service.store.paging import Page
from service.store.store import Store
from tests.service import client, served
from tests.working import SAMPLES, Workers, ended, register, workers

# Takes a second or more: it holds nothing, so all disguises are tried.
LONG = SAMPLES / "captures" / "unknown-song.mp3"
BYTES = 40_000  # of a file that are handed in at most
TUS = {"Tus-Resumable": "1.0.0"}
CAPTURE = SAMPLES / "captures" / "telephone.opus"


@pytest.fixture(scope="module")
def app(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("service"), requests_a_minute=100_000) as started:
        register(started, "the-witness.opus")
        yield started


@pytest.fixture(scope="module")
def at_work(app: FastAPI) -> Iterator[Workers]:
    with workers(app) as started:
        yield started


@pytest.fixture(scope="module")
def asks(app: FastAPI) -> TestClient:
    return client(app, "investigator")


def handed_in(
    asks: TestClient, path: Path = CAPTURE, name: str = "tele <b>.opus", **fields: str
) -> dict[str, Any]:
    taken = asks.post("/v1/matches", files={"file": (name, path.read_bytes()[:BYTES])}, data=fields)
    assert taken.status_code == 202, taken.text
    job: dict[str, Any] = taken.json()
    return job


def events(asks: TestClient, job: dict[str, Any], **headers: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(event, id, job) of all that a listener hears until the end."""
    heard, told = [], dict[str, str]()
    with asks.stream("GET", f"/v1/jobs/{job['id']}/events", headers=headers) as stream:
        for line in stream.iter_lines():
            if line.startswith(("event:", "id:", "data:")):
                key, _, value = line.partition(": ")
                told[key] = value
            elif not line and "data" in told:
                heard.append((told["event"], told["id"], json.loads(told["data"])))
                told = {}
    return heard


def test_a_file_goes_in_and_its_answer_comes_out(asks: TestClient, at_work: Workers) -> None:
    job = handed_in(asks, place="x.org")
    heard = events(asks, job)
    assert [event for event, _, _ in heard][-1] == "end"
    assert [job["progress"] for _, _, job in heard] == sorted(job["progress"] for _, _, job in heard)
    over = heard[-1][2]
    assert (over["state"], over["error"], over["attempts"]) == ("done", None, 1)
    answer = asks.get(f"/v1/matches/{over['match']}").json()
    assert (answer["status"], answer["query"]["name"]) == ("match", "tele <b>.opus")
    assert [match["reference"]["name"] for match in answer["matches"]] == ["the-witness.opus"]
    assert answer["captured"]["place"] == "x.org"
    again = asks.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": heard[-1][1]})
    assert again.status_code == 204


def test_a_file_that_cannot_be_read_fails_alone_under_its_own_name(
    asks: TestClient, at_work: Workers, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"no media at all" * 100)
    over = ended(asks, handed_in(asks, path, "holiday.mp4"))
    assert over["state"] == "failed"
    assert over["error"]["message"].startswith("holiday.mp4: ")
    assert over["upload"] not in over["error"]["message"]
    (answer,) = asks.get("/v1/matches?status=error").json()["items"]
    assert (answer["id"], answer["error"]) == (over["match"], over["error"])


def test_an_upload_becomes_a_job_and_a_job_a_reference_that_is_found(app: FastAPI, at_work: Workers) -> None:
    holder = client(app, "holder", "Harbour Records")
    work = holder.post("/v1/works", json={"title": "Unknown song"}).json()
    original = SAMPLES / "captures" / "unknown-song.mp3"
    taken = holder.post(
        "/v1/references", files={"file": ("song.mp3", original.read_bytes())}, data={"work": work["id"]}
    )
    assert taken.status_code == 202, taken.text
    over = ended(holder, taken.json())
    assert (over["state"], over["error"]) == ("done", None)
    reference = holder.get(f"/v1/references/{over['reference']}").json()
    assert (reference["name"], reference["work"]["title"] if "work" in reference else "Unknown song") == (
        "song.mp3",
        "Unknown song",
    )
    asked = asks_by_fingerprint(holder, original)
    assert [match["reference"]["id"] for match in asked["matches"]] == [over["reference"]]
    assert holder.delete(f"/v1/references/{over['reference']}").status_code == 204
    assert asks_by_fingerprint(holder, original)["matches"] == []


def asks_by_fingerprint(asks: TestClient, path: Path) -> dict[str, Any]:
    body = packed(fingerprinted(path, True, Limits()))
    answer = asks.post("/v1/matches/fingerprint", content=body, headers={"Content-Type": MEDIA_TYPE})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_fingerprint_alone_is_registered(app: FastAPI, at_work: Workers) -> None:
    holder = client(app, "holder", "Harbour Records")
    work = holder.post("/v1/works", json={"title": "Wind"}).json()
    original = SAMPLES / "captures" / "unknown-wind.m4a"
    taken = holder.post(
        f"/v1/references?work={work['id']}",
        content=packed(fingerprinted(original, False, Limits())),
        headers={"Content-Type": MEDIA_TYPE},
    )
    assert taken.status_code == 202, taken.text
    over = ended(holder, taken.json())
    assert (over["state"], over["error"]) == ("done", None)
    settings = app.state.settings
    with Engine(settings.data, database=settings.database_url) as engine:
        held = engine.catalog.algorithms(max(one.id for one in engine.catalog.references()))
    assert held == ["audio-peaks/3", "audio/3"], "its peaks are registered with its codes"
    wrong = holder.post(
        f"/v1/references?work={work['id']}", content=b"x" * 99, headers={"Content-Type": MEDIA_TYPE}
    )
    assert ended(holder, wrong.json())["state"] == "failed"


def test_a_worker_that_is_killed_leaves_its_job_to_another(asks: TestClient, at_work: Workers) -> None:
    job = handed_in(asks, LONG)
    ended(asks, job, ("running",))
    at_work.stop()
    at_work.start()
    over = ended(asks, job)
    assert (over["state"], over["attempts"]) == ("done", 2)
    assert asks.get("/v1/matches", params={"limit": 200}).text.count(over["match"]) == 1


def test_a_running_job_is_cancelled_and_tried_again(asks: TestClient, at_work: Workers) -> None:
    job = handed_in(asks, LONG)
    ended(asks, job, ("running",))
    assert asks.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    assert asks.post(f"/v1/jobs/{job['id']}/cancel").status_code == 409
    assert asks.post(f"/v1/jobs/{job['id']}/retry").json()["state"] == "queued"
    assert ended(asks, job)["state"] == "done"


def test_strangers_see_no_job_of_others(app: FastAPI, asks: TestClient, at_work: Workers) -> None:
    job, stranger = handed_in(asks), client(app, "investigator", "another unit")
    for ask in (stranger.get, stranger.post):
        for place in ("", "/cancel", "/retry", "/events"):
            if (ask == stranger.get) == (place in ("", "/events")):
                assert ask(f"/v1/jobs/{job['id']}{place}").status_code == 404
    assert job["id"] not in stranger.get("/v1/jobs").text


# What follows needs no worker: the store and the queue alone.


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with served(tmp_path) as app:
        client(app)
        yield app.state.store


WHO = Caller("key", 1, "administrator", SCOPES_OF["administrator"])


def made(store: Store, priority: int = 10, kind: str = "match") -> Job:
    return jobs.create(store, WHO, New(kind, priority, {"name": "a", "sha256": "0"}), 100)


def test_only_who_holds_a_job_can_end_it(store: Store) -> None:
    job = made(store)
    dead_one = jobs.begin(store, job.id, 0)
    alive = jobs.begin(store, job.id, 0)  # taken over
    assert dead_one is not None and alive is not None
    assert not jobs.fail(store, dead_one, "late", "too late")
    assert jobs.finish(store, alive, lambda _, __: {})
    assert not jobs.finish(store, alive, lambda _, __: {})
    assert jobs.begin(store, job.id, 0) is None


def test_a_job_under_which_workers_die_is_given_up_and_its_answer_says_so(
    store: Store, tmp_path: Path
) -> None:
    job = made(store)
    for _ in range(ATTEMPTS):
        begun = jobs.begin(store, job.id, 0)
        assert begun is not None and not begun.poison
    last = jobs.begin(store, job.id, 0)
    assert last is not None and last.poison
    with Engine(tmp_path / "data") as engine:
        assert keep_failure(store, engine, last, "poison", "a: 5 workers died")
    over = jobs.find(store, WHO, job.id)
    assert over is not None and (over.state, over.error["code"]) == ("failed", "poison")
    (told,) = findings.list_answers(store, WHO, Page(), Filter())["items"]
    assert (told["status"], told["error"]["code"], told["query"]["name"]) == ("error", "poison", "a")
    again = jobs.retry(store, WHO, job.id, 100)
    assert again is not None and jobs.begin(store, job.id, 0) is None
    fresh = jobs.begin(store, job.id, again.run)
    assert fresh is not None and not fresh.poison


def test_only_a_match_that_is_done_is_done_again(store: Store) -> None:
    match, registration = made(store), made(store, kind="register")
    with pytest.raises(StateError, match="is queued"):
        jobs.retry(store, WHO, match.id, 100)
    for job in (match, registration):
        begun = jobs.begin(store, job.id, 0)
        assert begun is not None and jobs.finish(store, begun, lambda _, __: {})
    with pytest.raises(StateError, match="a register, is done"):
        jobs.retry(store, WHO, registration.id, 100)
    with pytest.raises(TooManyError):
        jobs.retry(store, WHO, match.id, 0)
    again = jobs.retry(store, WHO, match.id, 1)
    assert again is not None and (again.state, again.run) == ("queued", 1)


def test_a_match_misses_what_waits_and_what_comes_meanwhile(store: Store) -> None:
    waiting, early = made(store, kind="register"), jobs.begin(store, made(store).id, 0)
    assert early is not None and early.registering == {1}
    done = jobs.begin(store, waiting.id, 0)
    assert done is not None and jobs.registering(store.rows) == {1}
    assert jobs.finish(store, done, lambda _, __: {}) and jobs.registering(store.rows) == set()
    assert jobs.registering_meanwhile(store.rows, early) == {1}
    time.sleep(0.002)  # times are kept to the millisecond
    late = jobs.begin(store, made(store).id, 0)
    assert late is not None and jobs.registering_meanwhile(store.rows, late) == set()
    made(store, kind="register")
    assert jobs.registering_meanwhile(store.rows, late) == {1}


def test_a_job_that_lost_its_place_in_the_queue_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.queue.SETTLED", -1.0)
    with served(tmp_path) as app:
        client(app)
        waiting: Queue = app.state.jobs
        made(app.state.store)  # the process was killed before the second of the two writes
        assert (waiting.mend(), waiting.mend()) == (1, 0)
        jobs.begin(app.state.store, made(app.state.store).id, 0)  # the queue's file was lost
        assert (waiting.mend(), waiting.mend()) == (1, 0)


def test_the_kernel_tells_who_is_dead(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    other = tmp_path / "died"
    other.touch()
    assert living(tmp_path) == 1
    with dead(tmp_path) as names:
        assert names == ["died"]
    with dead(tmp_path) as names:
        assert names == []
    lease.end()
    assert living(tmp_path) == 0


def test_what_was_examined_before_its_original_was_registered_says_so_and_is_examined_again(
    tmp_path: Path,
) -> None:
    with served(tmp_path, requests_a_minute=100_000) as app:
        holder, asks = client(app, "holder"), client(app, "investigator", "Unit 4")
        stranger = client(app, "holder", "Harbour Records")
        original = (SAMPLES / "originals" / "the-witness.opus").read_bytes()
        taken = holder.post("/v1/references", files={"file": ("the-witness.opus", original)}).json()
        clip, theirs = handed_in(asks), handed_in(stranger)
        with workers(app):
            early, unknowing = ended(asks, clip), ended(stranger, theirs)
            assert ended(holder, taken)["state"] == "done"
            first = asks.get(f"/v1/matches/{early['match']}").json()
            assert (first["status"], first["registering"], first["job"]) == ("no-match", True, clip["id"])
            told = stranger.get(f"/v1/matches/{unknowing['match']}").json()
            assert (told["status"], told["registering"]) == ("no-match", False)
            assert asks.post(f"/v1/jobs/{clip['id']}/retry").json()["state"] == "queued"
            last = asks.get(f"/v1/matches/{ended(asks, clip)['match']}").json()
        assert (last["status"], last["registering"], last["job"]) == ("match", False, clip["id"])
        assert asks.get(f"/v1/matches/{first['id']}").json() == first
        assert asks.delete(f"/v1/uploads/{clip['upload']}", headers=TUS).status_code == 204
        refused = asks.post(f"/v1/jobs/{clip['id']}/retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "not-kept")


def test_an_investigators_clip_goes_before_a_bulk_registration(tmp_path: Path) -> None:
    with served(tmp_path, requests_a_minute=100_000) as app:
        asks = client(app)
        work, content = asks.post("/v1/works", json={"title": "Bulk"}).json()["id"], CAPTURE.read_bytes()
        bulk = [
            asks.post("/v1/references", files={"file": ("a.opus", content)}, data={"work": work}).json()
            for _ in range(3)
        ]
        clip = handed_in(asks)
        with workers(app):
            ended(asks, clip)
            assert "queued" in [asks.get(f"/v1/jobs/{job['id']}").json()["state"] for job in bulk]
