"""Requests that are made twice and must act once: the answer of the first is kept and told again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store.store import Store, now
from service.store.tables import idempotency

KEPT = timedelta(hours=24)
# A request that was under way for so long was killed with its process.
LONGEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The first request of this key: ``status`` is None while it is under way."""

    digest: str
    status: int | None
    response: Json | None


def begin(store: Store, org_id: int, key: str) -> Earlier | None:
    """Takes the key for a request; what there is of an earlier one, None where this is the first."""
    mine = (idempotency.c.org_id == org_id) & (idempotency.c.key == key)
    over = (idempotency.c.created < _ago(KEPT)) | (
        idempotency.c.status.is_(None) & (idempotency.c.created < _ago(LONGEST))
    )
    with store.write() as connection:
        connection.execute(sa.delete(idempotency).where(over))
        row = connection.execute(sa.select(idempotency).where(mine)).first()
        if row is not None:
            return Earlier(row.request_sha256, row.status, row.response)
        values = {"org_id": org_id, "key": key, "request_sha256": "", "created": now()}
        connection.execute(sa.insert(idempotency).values(**values))
    return None


def finish(store: Store, org_id: int, key: str, digest: str, status: int, response: Json | None) -> None:
    """Keeps the answer; ``response`` is None where it holds a secret."""
    _where(
        store,
        sa.update(idempotency).values(request_sha256=digest, status=status, response=response),
        org_id,
        key,
    )


def forget(store: Store, org_id: int, key: str) -> None:
    """Gives the key free again: the request came to nothing, and may be tried again."""
    _where(store, sa.delete(idempotency), org_id, key)


def _where(store: Store, statement: Any, org_id: int, key: str) -> None:
    with store.write() as connection:
        connection.execute(statement.where(idempotency.c.org_id == org_id, idempotency.c.key == key))


def _ago(span: timedelta) -> str:
    return (datetime.now(UTC) - span).isoformat(timespec="milliseconds")
