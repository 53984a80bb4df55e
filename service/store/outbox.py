"""The outbox as the deliverer empties it: who takes a message has it for a while, then it is taken for lost and due again.

So several deliverers share the work, a killed one loses nothing, and what it had sent already is sent once more under
the same id. Messages of one webhook go in their order; one that has failed ``HOLDS`` times lets the others pass.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store.paging import LARGEST_ID
from service.store.store import Store
from service.store.tables import deliveries, webhooks

MINUTE, HOUR = 60.0, 3600.0
# Seconds that pass before the second, third, … attempt: a day in all.
DELAYS = (5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 0.5 * HOUR, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 10 * HOUR)
ATTEMPTS = len(DELAYS) + 1
HOLDS = 3
TAKEN = timedelta(minutes=2)  # a message is sent in less
KEPT = timedelta(days=30)  # that what became of a message can be looked up


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that is to be sent now, the ``attempt``-th time."""

    seq: int
    id: str
    webhook_id: str
    event: str
    url: str
    secret: str
    body: bytes
    attempt: int


def take(store: Store, at: datetime, busy: Collection[str], most: int) -> list[Taken]:
    """Takes what is due, one message of each webhook that is not among the ``busy``."""
    rows = store.rows(_due(at, busy).limit(most))
    if not rows:  # so that one who looks twice a second takes no lock
        return []
    taken = []
    with store.write() as connection:
        for row in rows:
            same = (deliveries.c.seq == row.seq) & (deliveries.c.attempts == row.attempts)
            free = same & (deliveries.c.state == "waiting") & (deliveries.c.next_at <= _text(at))
            values = {"attempts": row.attempts + 1, "next_at": _text(at + TAKEN)}
            if connection.execute(sa.update(deliveries).where(free).values(**values)).rowcount == 1:
                taken.append(_taken(row))
    return taken


def delivered(store: Store, taken: Taken, at: datetime, status: int) -> None:
    """Ends a message well, unless it was begun anew meanwhile."""
    _settle(store, taken, state="delivered", ended=_text(at), status=status, error=None)


def failed(store: Store, taken: Taken, at: datetime, status: int | None, error: Json, jitter: float) -> str:
    """Takes down a failed attempt; the message's state from then on.

    The next attempt comes after the delay of ``DELAYS`` times ``jitter``; after the last the message has failed for good.
    """
    over = taken.attempt >= ATTEMPTS
    state = "failed" if over else "waiting"
    values: dict[str, Any] = {"state": state, "status": status, "error": error}
    if over:
        values["ended"] = _text(at)
    else:
        values["next_at"] = _text(at + timedelta(seconds=DELAYS[taken.attempt - 1] * jitter))
    _settle(store, taken, **values)
    return state


def switch_off(store: Store, taken: Taken, at: datetime, status: int, error: Json) -> None:
    """Ends a webhook whose receiver is gone for good, and all that waits for it."""
    waiting = (deliveries.c.webhook_id == taken.webhook_id) & (deliveries.c.state == "waiting")
    values = {"state": "failed", "ended": _text(at), "status": status, "error": error}
    with store.write() as connection:
        connection.execute(
            sa.update(webhooks).where(webhooks.c.id == taken.webhook_id).values(active=False, error=error)
        )
        connection.execute(sa.update(deliveries).where(waiting).values(**values))


def give_up(store: Store, at: datetime) -> list[str]:
    """Ends what was taken for the last time and never settled, as deliverers died at it; the messages' ids."""
    lost = (deliveries.c.state == "waiting") & (deliveries.c.attempts >= ATTEMPTS)
    lost &= deliveries.c.next_at <= _text(at)
    if not store.rows(sa.select(deliveries.c.seq).where(lost).limit(1)):
        return []
    error = {"code": "lost", "message": "the process that sent it died at the last attempt"}
    values = {"state": "failed", "ended": _text(at), "error": error}
    with store.write() as connection:
        made = sa.update(deliveries).where(lost).values(**values).returning(deliveries.c.id)
        return list(connection.scalars(made))


def sweep(store: Store, at: datetime) -> None:
    """Forgets messages that were delivered, or have failed, long ago."""
    with store.write() as connection:
        connection.execute(sa.delete(deliveries).where(deliveries.c.ended < _text(at - KEPT)))


def _due(at: datetime, busy: Collection[str]) -> sa.Select[Any]:
    """The first message that may go of each webhook, those that have waited longest first.

    However many wait, of each webhook only those are looked at that have failed ``HOLDS`` times, and the one after them.
    """
    mine, gate = deliveries.alias("mine"), deliveries.alias("gate")
    held_by = _first(gate).where(gate.c.attempts < HOLDS).scalar_subquery()
    free = mine.c.seq <= sa.func.coalesce(held_by, sa.literal(LARGEST_ID))
    due = (mine.c.next_at <= _text(at)) & (mine.c.attempts < ATTEMPTS)
    first = _first(mine).where(free, due).scalar_subquery()
    joined = webhooks.join(deliveries, deliveries.c.seq == first)
    columns = (deliveries, webhooks.c.url, webhooks.c.secret)
    wanted = sa.select(*columns).select_from(joined).where(webhooks.c.active, webhooks.c.id.not_in(busy))
    return wanted.order_by(deliveries.c.next_at)


def _first(some: sa.FromClause) -> sa.Select[Any]:
    """The first that waits of a webhook."""
    waiting = (some.c.state == "waiting") & (some.c.webhook_id == webhooks.c.id)
    return sa.select(some.c.seq).where(waiting).correlate(webhooks).order_by(some.c.seq).limit(1)


def _taken(row: sa.Row[Any]) -> Taken:
    message = (row.seq, row.id, row.webhook_id, row.event, row.url, row.secret, row.body.encode())
    return Taken(*message, row.attempts + 1)


def _settle(store: Store, taken: Taken, **values: Any) -> None:
    mine = (deliveries.c.seq == taken.seq) & (deliveries.c.attempts == taken.attempt)
    with store.write() as connection:
        connection.execute(
            sa.update(deliveries).where(mine, deliveries.c.state == "waiting").values(**values)
        )


def _text(at: datetime) -> str:
    """A time as the tables hold it."""
    return at.isoformat(timespec="milliseconds")
