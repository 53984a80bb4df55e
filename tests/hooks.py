"""Webhooks for tests: a receiver, a clock that is set by hand, and answers that jobs give."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from evidence.answer import Json
from service.store import answers, jobs, tables
from service.store.accounts import org_named
from service.store.caller import SCOPES_OF, Caller
from service.store.events import keep
from service.store.jobs import New
from service.store.store import now
from service.streams.addresses import Addresses
from service.webhooks.deliverer import Deliverer, poster
from tests.answers import answer, match
from tests.service import ORG
from tests.serving import Request, Server
from tests.serving import answer as http

PATH = "/hook"


@dataclass
class Receiver:
    """Takes messages at a server; answers with the statuses of ``says`` in turn, then with 204."""

    server: Server
    says: list[int] = field(default_factory=list)
    came: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.pages[PATH] = self.take

    @property
    def url(self) -> str:
        return self.server.url(PATH)

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    @property
    def messages(self) -> list[Json]:
        return [json.loads(one.body) for one in self.came]

    def take(self, request: Request) -> bytes:
        self.came.append(request)
        return http(status=self.says.pop(0) if self.says else 204)


@dataclass
class Clock:
    """A time that passes when it is told to. It starts a minute ahead: what is put in meanwhile is due."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(minutes=1))

    def __call__(self) -> datetime:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def deliverer(app: FastAPI, clock: Clock | None = None, *allowed: str, **given: Any) -> Deliverer:
    """One that may send to this machine, by a clock that is set by hand, its delays not varied."""
    where = Addresses(allowed or ("127.0.0.1",), **given)
    return Deliverer(app.state.store, poster(where), clock or Clock(), lambda: 1.0)


def send(one: Deliverer) -> int:
    """Sends what is due, a message of each webhook; how many that were."""
    taken = one.take(set(), 100)
    for message in taken:
        one.deliver(message)
    return len(taken)


def hook(who: TestClient, url: str, *events: str) -> Json:
    """A new webhook, with its secret."""
    made = who.post("/v1/webhooks", json={"url": url, "events": list(events or ("match.finished",))})
    assert made.status_code == 201, made.text
    found: Json = made.json()
    return found


def finish(app: FastAPI, told: Json | None = None, org: str = ORG, role: str = "investigator") -> str:
    """Ends a job of the organisation's with an answer, as a worker does; the job's id."""
    store = app.state.store
    who = Caller("a test", org_named(store, org), role, SCOPES_OF[role])
    job = jobs.create(store, who, New("match", 10, {"name": "clip.mp4", "sha256": "0" * 64}), 10**6)
    begun = jobs.begin(store, job.id, job.run)
    assert begun is not None
    assert jobs.finish(store, begun, partial(_keep, told or answer()))
    return str(job.id)


def watched(app: FastAPI, who: TestClient, *events: Json, **about: Any) -> Json:
    """A stream of the caller's in which these happen, as its watcher tells them."""
    made: Json = who.post("/v1/streams", json={"url": "https://tv.example/live", **about}).json()
    with app.state.store.write() as connection:
        keep(connection, made["id"], list(events))
    return made


def of_work(name: str, ref_id: int, number: int = 1) -> Json:
    """An event of a work in a stream, as `whorl watch --json` prints it."""
    found = match(ref_id)
    told = {"event": name, "at": now(), "stream": "https://tv.example/live", "stream_time": 10.0, "airing": 1}
    return {**told, "id": f"1-{number}", "segment": found["segments"][0], **found}


def _keep(told: Json, connection: Any, job: Any) -> Json:
    return {"answer_id": answers.add(connection, job, told)}


def deliveries(who: TestClient, webhook: Json) -> list[Json]:
    """What was and is to be sent, the last first."""
    items: list[Json] = who.get(f"/v1/webhooks/{webhook['id']}/deliveries").json()["items"]
    return items


def bodies(app: FastAPI, webhook: Json) -> list[Json]:
    """The messages for a webhook, the first first."""
    query = sa.select(tables.deliveries.c.body).where(tables.deliveries.c.webhook_id == webhook["id"])
    rows = app.state.store.rows(query.order_by(tables.deliveries.c.seq))
    return [json.loads(row.body) for row in rows]


def signed(request: Request, secret: str) -> bool:
    """Whether a message is signed with the secret, as a receiver finds out."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = b".".join(
        (request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body)
    )
    expected = base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
    return request.headers["webhook-signature"] == f"v1,{expected}"
