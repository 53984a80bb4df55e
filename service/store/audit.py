"""The log of who did what: rows are added and never changed, which the database itself sees to."""

from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store.caller import Caller
from service.store.paging import Page, page_json, paged
from service.store.store import Store, now
from service.store.tables import audit


def record(store: Store, who: Caller, request: str, action: str, object_: str, **detail: Any) -> None:
    """Adds a row: ``request`` is the request's id, ``action`` what was asked for, ``object_`` of what."""
    row = {"at": now(), "request": request, "actor": who.name, "org_id": who.org_id}
    told = {name: value for name, value in {"key": who.key_id, "person": who.person_id}.items() if value}
    with store.write() as connection:
        connection.execute(
            sa.insert(audit).values(**row, action=action, object=object_, detail={**told, **detail})
        )


def list_audit(store: Store, page: Page, actor: str | None, object_: str | None) -> Json:
    """The log, newest first; that of an actor, or of an object and what lies below it."""
    query = sa.select(audit)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    if object_ is not None:
        query = query.where(
            (audit.c.object == object_) | audit.c.object.startswith(f"{object_}/", autoescape=True)
        )
    return page_json(paged(store.rows, query, [audit.c.id], page, True), ["id"], page, audit_json)


def audit_json(row: sa.Row[Any]) -> Json:
    """A row, as the API tells it."""
    told = {
        "id": str(row.id),
        "at": row.at,
        "request": row.request,
        "actor": row.actor,
        "org": str(row.org_id),
    }
    return {**told, "action": row.action, "object": row.object, "detail": row.detail}
