"""Answers: what captures hold, as `whorl match` tells it."""

import secrets
from typing import Any

import sqlalchemy as sa

from service.store.caller import Caller
from service.store.store import Store, now
from service.store.tables import answers

Json = dict[str, Any]


def add(connection: sa.Connection, job: sa.Row[Any], answer: Json) -> str:
    """Keeps the answer of a job, in the job's own transaction; returns its id."""
    answer_id = secrets.token_hex(16)
    row = {
        "id": answer_id,
        "org_id": job.org_id,
        "case_id": job.case_id,
        "name": answer["query"]["name"],
        "sha256": answer["query"]["sha256"],
        "status": answer["status"],
        "answer": answer,
        "captured": job.input.get("captured") or {},
        "created": now(),
    }
    connection.execute(sa.insert(answers).values(**row))
    return answer_id


def find(store: Store, who: Caller, answer_id: str) -> sa.Row[Any] | None:
    """The answer of this id, if the caller may see it."""
    return store.row(sa.select(answers).where(answers.c.id == answer_id, who.sees(answers)))
