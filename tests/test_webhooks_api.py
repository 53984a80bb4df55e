"""Webhooks as callers make and see them: whose they are, what they are told, and where they may lead."""

import json
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from service.api.messages import StreamMessage
from service.store import webhooks
from tests.answers import answer, match, register
from tests.hooks import Receiver, bodies, deliverer, deliveries, finish, hook, of_work, send, signed, watched
from tests.service import client, served
from tests.serving import Server

URL = "https://receiver.example/hook"


@pytest.fixture(scope="module")
def app(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(
        tmp_path_factory.mktemp("data"), requests_a_minute=10**9, allow_hosts="10.0.0.7, 127.0.0.1"
    ) as app:
        yield app


def test_the_secret_is_told_once(app: FastAPI) -> None:
    who = client(app, "investigator", "Once")
    made = who.post("/v1/webhooks", json={"url": URL, "events": ["match.finished", "stream.started"]})
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    secret, place = made.json()["secret"], made.headers["Location"]
    assert secret.startswith("whsec_") and len(secret) == 6 + 44
    for seen in (who.get(place), who.get("/v1/webhooks"), who.patch(place, json={"label": "Desk"})):
        assert seen.status_code == 200 and secret not in seen.text
    shown = who.get(place).json()
    assert (shown["label"], shown["url"], shown["active"], shown["error"]) == ("Desk", URL, True, None)


def test_an_answer_of_a_job_is_told_as_the_api_tells_it(app: FastAPI, server: Server) -> None:
    who, receiver = client(app, "investigator", "Told"), Receiver(server)
    hook(who, receiver.url)
    hook(who, receiver.url, "stream.started")
    job = finish(app, org="Told")
    sender = deliverer(app)
    while send(sender):
        pass
    (message,) = receiver.messages
    (kept,) = who.get("/v1/matches").json()["items"]
    assert message["type"] == "match.finished"
    assert message["data"] == {"job": job, "match": kept}


def test_a_holder_is_told_of_own_works_only(app: FastAPI, server: Server) -> None:
    holder, receiver = client(app, "holder", "Own"), Receiver(server)
    work = holder.post("/v1/works", json={"title": "Own"}).json()["id"]
    own = register(app, work, 21, "Own")
    other = client(app, "holder", "Another").post("/v1/works", json={"title": "Another's"}).json()["id"]
    strange = register(app, other, 22, "Another")
    hook(holder, receiver.url)
    finish(app, answer(match(own, 0, 5), match(strange, 5, 9)), "Own", "holder")
    sender = deliverer(app)
    while send(sender):
        pass
    (message,) = receiver.messages
    assert [one["reference"]["id"] for one in message["data"]["match"]["matches"]] == [str(own)]


def test_events_of_streams_are_told_as_the_api_tells_them(app: FastAPI, server: Server) -> None:
    who, receiver = client(app, "investigator", "Streams"), Receiver(server)
    hook(who, receiver.url, "stream.started", "stream.ended", "stream.note")
    note = {
        "event": "note",
        "at": "2026-01-02T03:04:05.678Z",
        "stream": "a",
        "note": {"code": "x", "message": "y"},
    }
    stream = watched(
        app, who, note, *(of_work(name, 7, n) for n, name in enumerate(("started", "continues", "ended")))
    )
    sender = deliverer(app)
    while send(sender):
        pass
    kept = who.get(f"/v1/streams/{stream['id']}/events").json()["items"]
    assert receiver.types == ["stream.note", "stream.started", "stream.ended"]
    about = {"label": "", "place": None, "territory": None, "case": None, "page": f"/streams/{stream['id']}"}
    told = [one | about for one in kept if one["event"] != "continues"]
    assert [one["data"] for one in receiver.messages] == told


def test_a_message_says_which_stream_it_is_and_where_its_page_is(app: FastAPI, server: Server) -> None:
    who, receiver = client(app, "investigator", "Which"), Receiver(server)
    made = hook(who, receiver.url, "stream.started")
    case = who.post("/v1/cases", json={"name": "A case"}).json()["id"]
    about = {"label": "Blue channel", "place": "tv.example", "territory": "LV", "case": case}
    stream = watched(app, who, of_work("started", 7), **about)
    sender = deliverer(app)
    sender.site = "https://whorl.example/"
    while send(sender):
        pass
    (message,) = receiver.messages
    page = f"https://whorl.example/streams/{stream['id']}"
    assert about | {"page": page} == {name: message["data"][name] for name in (*about, "page")}
    assert signed(receiver.came[0], made["secret"])
    StreamMessage.model_validate(message)


def test_the_document_describes_what_is_sent(app: FastAPI) -> None:
    document = client(app).get("/openapi.json").json()
    assert list(document["webhooks"]) == [*webhooks.EVENTS, webhooks.TEST]
    sent = document["webhooks"]["stream.started"]["post"]["requestBody"]["content"]["application/json"]
    assert sent["schema"] == {"$ref": "#/components/schemas/StreamMessage"}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r"#/components/schemas/[^\"]+", json.dumps(document))) <= known
    assert not [name for name in known if "__" in name]


def test_a_holder_is_told_of_own_works_in_streams_only(app: FastAPI) -> None:
    holder = client(app, "holder", "Own streams")
    work = holder.post("/v1/works", json={"title": "Own"}).json()["id"]
    own = register(app, work, 31, "Own streams")
    made = hook(holder, URL, "stream.started")
    watched(app, holder, of_work("started", own, 1), of_work("started", own + 1000, 2))
    (sent,) = bodies(app, made)
    assert sent["data"]["reference"]["id"] == str(own)


def test_what_is_not_stored_is_not_told(app: FastAPI) -> None:
    who = client(app, "investigator", "Undone")
    made = hook(who, URL)
    with pytest.raises(RuntimeError), app.state.store.write() as connection:
        webhooks.enqueue(connection, int(made["org"]), "match.finished", lambda _: {})
        raise RuntimeError
    assert deliveries(who, made) == []


def test_what_a_caller_may_not_know_is_not_queued(app: FastAPI) -> None:
    who = client(app, "investigator", "Quiet")
    made = hook(who, URL)
    with app.state.store.write() as connection:
        webhooks.enqueue(connection, int(made["org"]), "match.finished", lambda _: None)
        webhooks.enqueue(connection, int(made["org"]), "match.finished", lambda one: {"role": one.role})
    assert [one["event"] for one in deliveries(who, made)] == ["match.finished"]


def test_another_role_of_the_organisation_does_not_see_it(app: FastAPI) -> None:
    made = hook(client(app, "investigator", "Mixed"), URL)
    for role, status in (("investigator", 200), ("reviewer", 404), ("holder", 404), ("administrator", 200)):
        who = client(app, role, "Mixed")
        assert who.get(f"/v1/webhooks/{made['id']}").status_code == status
        assert who.patch(f"/v1/webhooks/{made['id']}", json={"url": URL}).status_code == status
        assert who.get(f"/v1/webhooks/{made['id']}/deliveries").status_code == status


def test_events_need_the_scope_of_what_they_tell(app: FastAPI) -> None:
    body = {"url": URL, "events": ["match.finished", "stream.ended"]}
    refused = client(app, "reviewer", "Scoped").post("/v1/webhooks", json=body)
    assert (refused.status_code, refused.json()["detail"]) == (403, "these events need the scopes streams")
    made = hook(client(app, "investigator", "Scoped"), URL)
    narrow = client(app, "investigator", "Scoped", scopes=["webhooks"])
    assert narrow.patch(f"/v1/webhooks/{made['id']}", json={"url": URL}).status_code == 403


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.2/", "http://[::1]/", "http://169.254.169.254/latest", "http://10.0.0.8/", "ftp://a.example/",
     "udp://239.0.0.1:1", "https://user:pass@a.example/", "nonsense", "http://", "https://a.example/ b"],
)  # fmt: skip
def test_where_it_may_not_lead(app: FastAPI, url: str) -> None:
    who = client(app, "investigator", "Led")
    refused = who.post("/v1/webhooks", json={"url": url, "events": ["match.finished"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert refused.json()["detail"].startswith("url: ")
    made = hook(who, URL)
    assert who.patch(f"/v1/webhooks/{made['id']}", json={"url": url}).status_code == 422
    who.delete(f"/v1/webhooks/{made['id']}").raise_for_status()


def test_a_name_that_stands_for_a_private_address_is_refused_at_once(app: FastAPI) -> None:
    """Without the address: which names a network has is nobody's business."""
    who = client(app, "investigator", "Named private")
    made = hook(who, URL)  # a name that is not known today
    for refused in (
        who.post("/v1/webhooks", json={"url": "http://localhost:9/", "events": ["match.finished"]}),
        who.patch(f"/v1/webhooks/{made['id']}", json={"url": "http://localhost:9/"}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        assert "WHORL_ALLOW_HOSTS" in refused.json()["detail"] and "127.0" not in refused.json()["detail"]


def test_what_the_operator_names_is_let_through(app: FastAPI) -> None:
    assert hook(client(app, "investigator", "Let"), "http://10.0.0.7/hook")["url"] == "http://10.0.0.7/hook"


@pytest.mark.parametrize(
    "body", [{"url": URL, "events": []}, {"url": URL, "events": ["match"]}, {"url": URL}]
)
def test_a_webhook_names_events_that_there_are(app: FastAPI, body: dict[str, object]) -> None:
    assert client(app, "investigator", "Named").post("/v1/webhooks", json=body).status_code == 422


def test_an_organisation_has_so_many(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST", 1)
    who = client(app, "investigator", "Many")
    hook(who, URL)
    refused = who.post("/v1/webhooks", json={"url": URL, "events": ["match.finished"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many")


def test_one_that_is_switched_off_gets_nothing(app: FastAPI) -> None:
    who = client(app, "investigator", "Off")
    made = hook(who, URL)
    place = f"/v1/webhooks/{made['id']}"
    finish(app, org="Off")
    assert who.patch(place, json={"active": False}).json()["waiting"] == 1
    finish(app, org="Off")
    assert made["id"] not in {one.webhook_id for one in deliverer(app).take(set(), 100)}
    assert len(deliveries(who, made)) == 1
    for asked in (f"{place}/test", f"{place}/deliveries/{deliveries(who, made)[0]['id']}/again"):
        assert who.post(asked).json()["code"] == "inactive"
    assert who.delete(place).status_code == 204
    assert who.get(place).status_code == 404


def test_the_log_of_who_did_what_holds_no_secret(app: FastAPI) -> None:
    made = hook(client(app, "investigator", "Logged"), URL)
    told = client(app).get("/v1/audit", params={"object": f"/v1/webhooks/{made['id']}"}).json()
    assert [one["action"] for one in told["items"]] == ["POST /v1/webhooks"]
    assert made["secret"] not in json.dumps(told)
