"""Webhooks: where an organisation is told of events, and the outbox in which a message lies until it was delivered.

A message is put there in the transaction that stores what it tells of, so that a kill between the two loses none.
"""

import json
import secrets
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store.caller import SCOPES_OF, Caller
from service.store.errors import Conflict, Missing
from service.store.paging import Page, Read, page_json, paged, reading
from service.store.store import Store, now
from service.store.tables import deliveries, webhooks

# The events that there are, and the scope by which one may know of them.
EVENTS = {
    "match.finished": "matches:read",
    "stream.started": "streams",
    "stream.continues": "streams",
    "stream.ended": "streams",
    "stream.error": "streams",
    "stream.note": "streams",
}
TEST = "webhook.test"
MOST = 20  # webhooks of an organisation

Tell = Callable[[Caller], Json | None]  # what a caller may know of an event; None: nothing


def enqueue(connection: sa.Connection, org_id: int, event: str, tell: Tell) -> None:
    """Puts a message into the outbox for each webhook of the organisation that wants the event, in this transaction."""
    found = sa.select(webhooks).where(webhooks.c.org_id == org_id, webhooks.c.active)
    for row in connection.execute(found.order_by(webhooks.c.created)).all():
        if event in row.events:
            data = tell(Caller(row.actor, org_id, row.role, SCOPES_OF[row.role]))
            if data is not None:
                _put(connection, row.id, event, data)


def list_webhooks(store: Store, who: Caller, page: Page) -> Json:
    """The caller's webhooks, the last first."""
    rows = paged(store.rows, _webhooks(who), [webhooks.c.created, webhooks.c.id], page, last_first=True)
    return page_json(rows, ["created", "id"], page, webhook_json)


def webhook(read: Read, who: Caller, webhook_id: str) -> Json:
    """A webhook of the caller's. Raises Missing."""
    rows = read(_webhooks(who).where(webhooks.c.id == webhook_id))
    if not rows:
        raise Missing("webhook", webhook_id)
    return webhook_json(rows[0])


def create(store: Store, who: Caller, values: Json, secret: str) -> Json:
    """A webhook of the caller's organisation; ``values`` are its url, events and label. Raises Conflict."""
    webhook_id = secrets.token_hex(16)
    made = {"id": webhook_id, "org_id": who.org_id, "actor": who.name, "role": who.role}
    with store.write() as connection:
        many = sa.select(sa.func.count()).where(webhooks.c.org_id == who.org_id)
        if (connection.scalar(many) or 0) >= MOST:
            raise Conflict("too-many", f"an organisation has at most {MOST} webhooks: remove one")
        row = {**values, **made, "secret": secret, "active": True, "created": now()}
        connection.execute(sa.insert(webhooks).values(**row))
        return webhook(reading(connection), who, webhook_id)


def change(store: Store, who: Caller, webhook_id: str, values: Json) -> Json:
    """Changes a webhook's url, events, label, or whether it is active. Raises Missing."""
    with store.write() as connection:
        webhook(reading(connection), who, webhook_id)
        if "active" in values:
            values = {**values, "error": None}
        if values:
            connection.execute(sa.update(webhooks).where(webhooks.c.id == webhook_id).values(**values))
        return webhook(reading(connection), who, webhook_id)


def remove(store: Store, who: Caller, webhook_id: str) -> None:
    """Removes a webhook and all that was to be sent to it. Raises Missing."""
    with store.write() as connection:
        webhook(reading(connection), who, webhook_id)
        connection.execute(sa.delete(webhooks).where(webhooks.c.id == webhook_id))


def list_deliveries(store: Store, who: Caller, webhook_id: str, state: str | None, page: Page) -> Json:
    """What was and is to be sent to a webhook, the last first. Raises Missing."""
    webhook(store.rows, who, webhook_id)
    query = sa.select(deliveries).where(deliveries.c.webhook_id == webhook_id)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    rows = paged(store.rows, query, [deliveries.c.seq], page, last_first=True)
    return page_json(rows, ["seq"], page, delivery_json)


def again(store: Store, who: Caller, webhook_id: str, delivery_id: str) -> Json:
    """Has a message sent again, at once and under its id. Raises Missing, Conflict."""
    with store.write() as connection:
        _active(reading(connection), who, webhook_id)
        mine = (deliveries.c.webhook_id == webhook_id) & (deliveries.c.id == delivery_id)
        values = {"state": "waiting", "attempts": 0, "next_at": now(), "ended": None}
        made = connection.execute(sa.update(deliveries).where(mine).values(**values).returning(deliveries))
        row = made.one_or_none()
        if row is None:
            raise Missing("delivery", delivery_id)
        return delivery_json(row)


def send_test(store: Store, who: Caller, webhook_id: str) -> Json:
    """Puts a message into the outbox that tells of nothing, to see whether it arrives. Raises Missing, Conflict."""
    with store.write() as connection:
        _active(reading(connection), who, webhook_id)
        delivery_id = _put(connection, webhook_id, TEST, {"webhook": webhook_id})
        query = sa.select(deliveries).where(deliveries.c.id == delivery_id)
        return delivery_json(connection.execute(query).one())


def _active(read: Read, who: Caller, webhook_id: str) -> None:
    if not webhook(read, who, webhook_id)["active"]:
        raise Conflict("inactive", f"webhook {webhook_id} is switched off: set it active first")


def _webhooks(who: Caller) -> sa.Select[Any]:
    """Those of the organisation that were made by its role: a holder's would else tell what an investigator may see."""
    seen = who.sees(webhooks)
    if who.role != "administrator":
        seen &= webhooks.c.role == who.role
    counts = [_count(state).label(state) for state in ("waiting", "failed")]
    return sa.select(webhooks, *counts).where(seen)


def _count(state: str) -> sa.ScalarSelect[int]:
    one = (deliveries.c.webhook_id == webhooks.c.id) & (deliveries.c.state == state)
    return sa.select(sa.func.count()).where(one).correlate(webhooks).scalar_subquery()


def _put(connection: sa.Connection, webhook_id: str, event: str, data: Json) -> str:
    at, delivery_id = now(), f"msg_{secrets.token_hex(16)}"
    row = {"id": delivery_id, "webhook_id": webhook_id, "event": event, "state": "waiting", "attempts": 0}
    body = json.dumps({"type": event, "timestamp": at, "data": data}, separators=(",", ":"))
    connection.execute(sa.insert(deliveries).values(**row, body=body, created=at, next_at=at))
    return delivery_id


def webhook_json(row: sa.Row[Any]) -> Json:
    """A webhook, as the API tells it: without its secret."""
    told = {"id": row.id, "org": str(row.org_id), "created_by": row.actor}
    names = ("role", "label", "url", "events", "active", "error", "created", "waiting", "failed")
    return told | {name: getattr(row, name) for name in names}


def delivery_json(row: sa.Row[Any]) -> Json:
    """A delivery, as the API tells it."""
    names = ("id", "event", "state", "attempts", "created", "ended", "status", "error")
    told = {name: getattr(row, name) for name in names}
    return told | {"next": row.next_at if row.state == "waiting" else None}
