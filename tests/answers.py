"""Answers, references and matches for tests of rights: they read as what they say."""

import secrets
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI

from evidence.answer import Json
from index.catalog import Catalog
from service.store.accounts import org_named
from service.store.findings import note_findings
from service.store.store import now
from service.store.tables import answers
from service.store.works import details, own
from tests.service import ORG
from tests.test_catalog import random_fingerprint


def match(ref_id: int, start: float = 0.0, end: float = 10.0, verdict: str = "match", **more: Any) -> Json:
    """Seconds of a capture that are seconds 100 on of a reference."""
    disguise = {"mirror": False, "crop": None, "pitch": 0.0}
    segment = {
        "kind": "audio", "query_start": start, "query_end": end, "ref_start": 100.0 + start, "ref_end": 100.0 + end,
        "time_scale": 1.0, "disguise": disguise, "score": 50.0,
    }  # fmt: skip
    named = {"id": str(ref_id), "name": f"{ref_id}.mkv", "title": f"Work of {ref_id}", "owner": "the first"}
    return {
        "reference": named,
        "verdict": verdict,
        "expected_false_matches": 1e-9,
        "segments": [segment],
    } | more


def answer(*matches: Json, name: str = "clip.mp4", error: Json | None = None) -> Json:
    """What `whorl match --json` says of a capture with these matches."""
    verdicts = {one["verdict"] for one in matches}
    found = next((status for status in ("match", "review") if status in verdicts), "no-match")
    query = {"name": name, "sha256": "0" * 64, "duration": 10.0, "kinds": ["audio"]}
    status = "error" if error else found
    engine = {"version": "0", "algorithms": ["audio/1"]}
    return {
        "query": query,
        "status": status,
        "error": error,
        "elapsed": 0.1,
        "matches": list(matches),
        "engine": engine,
    }


def keep(app: FastAPI, told: Json, org: str = ORG, case: str | None = None, **captured: str) -> str:
    """Keeps an answer of an organisation's, as a job does; its id."""
    answer_id, begun = secrets.token_hex(16), now()
    while (created := now()) == begun:
        pass  # answers of one millisecond have no order among themselves
    row = {
        "id": answer_id, "org_id": org_named(app.state.store, org), "case_id": case, "name": told["query"]["name"],
        "sha256": told["query"]["sha256"], "status": told["status"], "answer": told, "captured": captured,
        "created": created,
    }  # fmt: skip
    with app.state.store.write() as connection:
        connection.execute(sa.insert(answers).values(**row))
        note_findings(connection, answer_id, told["matches"])
    return answer_id


def register(app: FastAPI, work: str, seed: int, org: str = ORG, matches: tuple[Json, ...] = ()) -> int:
    """Registers a file of the given content under an organisation's work, as a job does; the reference's id."""
    store, org_id = app.state.store, org_named(app.state.store, org)
    about, owner = details(store, org_id, work)
    catalog = Catalog(app.state.settings.database_url)
    made = [random_fingerprint(seed)]
    found = (about.title, about.kind, owner, about.identifiers)
    reference = catalog.add(f"{seed}.mkv", f"{seed:064x}", 20.0, made, *found)
    catalog.close()
    own(store, org_id, reference.id, work, f"{seed} of {org}.mkv", matches)
    return reference.id
