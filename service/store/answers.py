"""Answers: what captures hold, as `whorl match` tells it; `findings` tells them to a caller."""

import secrets
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from service.store import findings, webhooks
from service.store.caller import Caller
from service.store.paging import reading
from service.store.store import now
from service.store.tables import answers

Json = dict[str, Any]


def add(connection: sa.Connection, job: sa.Row[Any], answer: Json, registering: Iterable[int] = ()) -> str:
    """Keeps the answer of a job, in the job's own transaction; returns its id.

    ``registering`` are the organisations of which originals were not registered yet while it was examined.
    """
    answer_id = secrets.token_hex(16)
    row = {
        "id": answer_id,
        "org_id": job.org_id,
        "case_id": job.case_id,
        "name": answer["query"]["name"],
        "sha256": answer["query"]["sha256"],
        "status": answer["status"],
        "answer": answer | {"job": job.id, "registering": sorted(registering)},
        "captured": job.input.get("captured") or {},
        "created": now(),
    }
    connection.execute(sa.insert(answers).values(**row))
    findings.note_findings(connection, answer_id, answer["matches"])

    def tell(who: Caller) -> Json:
        return {"job": job.id, "match": findings.answer(reading(connection), who, answer_id)}

    webhooks.enqueue(connection, job.org_id, "match.finished", tell)
    return answer_id
