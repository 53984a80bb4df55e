"""All routes of the app, and one object of every kind that a stranger must not see, change or tell to exist."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from fingerprint.exchange import MEDIA_TYPE, Exchange, packed
from service.store.accounts import add_key, add_person, org_named
from tests.answers import answer, keep, match, register
from tests.service import client
from tests.test_catalog import random_fingerprint

VICTIM, STRANGER = "The Victim", "The Stranger"
MARK = "what-nobody-else-may-read"  # in the name of everything that is the victim's

FINGERPRINT = packed(Exchange("event", "0" * 64, 20.0, (random_fingerprint(9),)))

Made = dict[str, str]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path of the app, with the names of its parameters in it."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return [part.split("}")[0].split(":")[0] for part in self.path.split("{")[1:]]

    def filled(self, objects: Made) -> str:
        """The path of these objects. Raises KeyError for a kind of object that the walk does not know yet."""
        path = self.path.replace(":path}", "}")
        for name in self.parameters:
            path = path.replace(f"{{{name}}}", objects[name])
        return path


def routes(app: FastAPI) -> list[Route]:
    """Every route of the app, those that the OpenAPI document leaves out too."""
    found = {Route(method, one.path) for one in _routes(app.routes) for method in one.methods or ()}
    return sorted(found, key=lambda route: (route.path, route.method))


def _routes(some: list[Any]) -> Iterator[APIRoute]:
    for one in some:
        if hasattr(one, "original_router"):
            yield from _routes(one.original_router.routes)
        elif isinstance(one, APIRoute):
            yield one


def objects(app: FastAPI) -> Made:
    """One object of the victim's for each name of a parameter. A new kind of object is made here."""
    holder, investigator = (client(app, role, VICTIM) for role in ("holder", "investigator"))
    org = org_named(app.state.store, VICTIM)
    case = investigator.post("/v1/cases", json={"name": MARK}).json()["id"]
    work = holder.post("/v1/works", json={"title": MARK}).json()["id"]
    holder.put(
        f"/v1/works/{work}/licences", json={"items": [{"place": f"{MARK}.example"}]}
    ).raise_for_status()
    reference = register(app, work, 7, VICTIM)
    upload = _upload(investigator)
    answer_id = keep(app, answer(match(reference), name=MARK), VICTIM, case)
    return {
        "case_id": case, "work_id": work, "reference_id": str(reference), "upload_id": upload, "match_id": answer_id,
        "stream_id": _stream(investigator, case), "live_id": _live(holder),
        "job_id": _job(investigator, upload),
        "overlap_id": _overlap(app, work, reference),
        "org_id": str(org), "key_id": add_key(app.state.store, org, "holder", MARK).id,
        "webhook_id": (webhook := _webhook(investigator)), "delivery_id": _delivery(investigator, webhook),
        "person_id": str(add_person(app.state.store, org, MARK, f"{MARK}@victim.example", "holder")),
    }  # fmt: skip


def _upload(who: TestClient) -> str:
    """A finished upload; its bytes are no media, which matters to nobody here."""
    tus = {"Tus-Resumable": "1.0.0"}
    named = {"Upload-Metadata": "filename d2hhdC1ub2JvZHktZWxzZS1tYXktcmVhZA=="}  # MARK
    made = who.post("/v1/uploads", headers={**tus, **named, "Upload-Length": "4"})
    piece = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    who.patch(made.headers["Location"], content=b"RIFF", headers=piece).raise_for_status()
    return made.headers["Location"].rsplit("/", 1)[1]


def _live(who: TestClient) -> str:
    made = who.post("/v1/live", json={"push": True, "title": f"{MARK} on the air"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def _stream(who: TestClient, case: str) -> str:
    made = who.post("/v1/streams", json={"url": f"https://{MARK}.example/a", "label": MARK, "case": case})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def _job(who: TestClient, upload: str) -> str:
    made = who.post("/v1/matches", json={"upload": upload})
    assert made.status_code == 202, made.text
    return str(made.json()["id"])


def _overlap(app: FastAPI, work: str, reference: int) -> str:
    """The victim's reference holds a stretch of a third organisation's."""
    third = client(app, "holder", "A third").post("/v1/works", json={"title": "of the third"}).json()["id"]
    register(app, third, 8, "A third", (match(reference),))
    (found,) = client(app, "holder", VICTIM).get("/v1/overlaps").json()["items"]
    return str(found["id"])


def _webhook(who: TestClient) -> str:
    made = who.post("/v1/webhooks", json={"url": f"https://{MARK}.example/", "events": ["match.finished"]})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def _delivery(who: TestClient, webhook: str) -> str:
    return str(who.post(f"/v1/webhooks/{webhook}/test").json()["id"])


Request = dict[str, Any]
_TUS = {"Tus-Resumable": "1.0.0"}


def requests(theirs: Made) -> dict[str, Request]:
    """What a route is asked with, so that it would do what it does if it were allowed; names what is the victim's."""
    person = {"org": theirs["org_id"], "name": "Ellen", "email": "ellen@decla.example", "role": "holder"}
    piece = {**_TUS, "Upload-Offset": "4", "Content-Type": "application/offset+octet-stream"}
    return {
        "POST /v1/orgs": {"json": {"name": "Decla"}},
        "PATCH /v1/orgs/{org_id}": {"json": {"name": "Ufa"}},
        "POST /v1/people": {"json": person},
        "PATCH /v1/people/{person_id}": {"json": {"name": "Ellen"}},
        "POST /v1/keys": {"json": {"org": theirs["org_id"], "role": "holder", "label": "import"}},
        "POST /v1/sessions": {"json": {"key": "whorl_x"}},
        "POST /v1/airings/seen": {"json": {"ids": ["1"]}},
        "POST /v1/webhooks": {"json": {"url": "https://decla.example/", "events": ["match.finished"]}},
        "PATCH /v1/webhooks/{webhook_id}": {"json": {"label": "Decla"}},
        "POST /v1/works": {"json": {"title": "Faust"}},
        "POST /v1/works/table": {"content": "title\nFaust\n", "headers": {"Content-Type": "text/csv"}},
        "PATCH /v1/works/{work_id}": {"json": {"title": "Faust"}},
        "PUT /v1/works/{work_id}/licences": {"json": {"items": []}},
        "POST /v1/references": {"json": {"upload": theirs["upload_id"], "work": theirs["work_id"]}},
        "POST /v1/overlaps/{overlap_id}/resolve": {"json": {"owner": theirs["org_id"]}},
        "POST /v1/cases": {"json": {"name": "A case"}},
        "PATCH /v1/cases/{case_id}": {"json": {"name": "A case"}},
        "POST /v1/uploads": {"headers": {**_TUS, "Upload-Length": "4"}},
        "HEAD /v1/uploads/{upload_id}": {"headers": _TUS},
        "PATCH /v1/uploads/{upload_id}": {"headers": piece, "content": b"RIFF"},
        "DELETE /v1/uploads/{upload_id}": {"headers": _TUS},
        "POST /v1/uploads/{upload_id}": {"headers": {**_TUS, "X-HTTP-Method-Override": "DELETE"}},
        "POST /v1/live": {"json": {"push": True, "work": theirs["work_id"]}},
        "POST /v1/live/{live_id}/codes": {
            "content": FINGERPRINT,
            "headers": {"Content-Type": MEDIA_TYPE},
            "params": {"sequence": 1, "begin": 0.0, "at": "2026-01-01T00:00:00Z"},
        },
        "POST /v1/live/{live_id}/end": {"json": {"keep": False}},
        "POST /v1/streams": {"json": {"url": "https://tv.example/live", "case": theirs["case_id"]}},
        "POST /v1/matches": {"json": {"upload": theirs["upload_id"], "case": theirs["case_id"]}},
        "POST /v1/matches/{match_id}/verdicts": {
            "json": {"reference": theirs["reference_id"], "verdict": "reject", "note": "-"}
        },
    }


Ask = Callable[[TestClient, Route], Any]
