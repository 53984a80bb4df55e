"""Cases: what an organisation's captures belong to."""

import secrets

import sqlalchemy as sa

from evidence.answer import Json
from service.store.caller import Caller
from service.store.errors import Missing
from service.store.paging import Page, Read, page_json, paged, reading
from service.store.store import Store, now
from service.store.tables import answers, cases
from service.store.works import Check


def list_cases(store: Store, who: Caller, page: Page, text: str = "", closed: bool | None = None) -> Json:
    """The caller's cases with this in their name, the last first."""
    query = _cases(who)
    if text:
        query = query.where(cases.c.name.icontains(text, autoescape=True))
    if closed is not None:
        query = query.where(cases.c.closed.is_not(None) if closed else cases.c.closed.is_(None))
    rows = paged(store.rows, query, [cases.c.created, cases.c.id], page, last_first=True)
    return page_json(rows, ["created", "id"], page, _json)


def case(read: Read, who: Caller, case_id: str, lock: bool = False) -> Json:
    """A case of the caller's. Raises Missing."""
    if lock:
        list(read(sa.select(cases.c.id).where(cases.c.id == case_id).with_for_update()))
    rows = read(_cases(who).where(cases.c.id == case_id))
    if not rows:
        raise Missing("case", case_id)
    return _json(rows[0])


def create(store: Store, who: Caller, name: str) -> Json:
    """A new case of the caller's organisation."""
    case_id = secrets.token_hex(16)
    with store.write() as connection:
        values = {"id": case_id, "org_id": who.org_id, "name": name, "created": now()}
        connection.execute(sa.insert(cases).values(**values))
    return case(store.rows, who, case_id)


def change(
    store: Store, who: Caller, case_id: str, name: str | None, closed: bool | None, check: Check
) -> Json:
    """Renames, closes or opens a case. Raises Missing, and what ``check`` raises."""
    with store.write() as connection:
        read = reading(connection)
        found = case(read, who, case_id, lock=True)
        check(found)
        values: Json = {} if name is None else {"name": name}
        if closed is not None and closed != (found["closed"] is not None):
            values["closed"] = now() if closed else None
        if values:
            connection.execute(sa.update(cases).where(cases.c.id == case_id).values(**values))
        return case(read, who, case_id)


def _cases(who: Caller) -> sa.Select[tuple[object, ...]]:
    many = sa.select(sa.func.count()).where(answers.c.case_id == cases.c.id).scalar_subquery()
    return sa.select(cases, many.label("answers")).where(who.sees(cases))


def _json(row: sa.Row[tuple[object, ...]]) -> Json:
    return {
        "id": row.id,
        "org": str(row.org_id),
        "name": row.name,
        "created": row.created,
        "closed": row.closed,
        "answers": row.answers,
    }
