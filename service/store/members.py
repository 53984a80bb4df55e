"""Organisations, people and keys as an administrator lists and changes them, and their holders see their own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from evidence.answer import Json
from index.database import works
from service.store import accounts
from service.store.accounts import NewKey
from service.store.caller import SCOPES_OF, Caller
from service.store.errors import Conflict, Missing, Unfit
from service.store.paging import Page, number, page_json, paged
from service.store.store import Store, now
from service.store.tables import holdings, keys, orgs, people, sessions


def list_orgs(store: Store, page: Page) -> Json:
    """All organisations, by id."""
    return page_json(paged(store.rows, sa.select(orgs), [orgs.c.id], page, False), ["id"], page, org_json)


def org(store: Store, org_id: str) -> Json:
    """An organisation. Raises Missing."""
    return org_json(_row(store, sa.select(orgs).where(orgs.c.id == number(org_id)), "organisation", org_id))


def add_org(store: Store, name: str) -> Json:
    """Makes an organisation. Raises Conflict."""
    try:
        return org(store, str(accounts.add_org(store, name)))
    except IntegrityError:
        raise Conflict("exists", f"there is an organisation of the name {name!r}: give another") from None


def rename_org(store: Store, org_id: str, name: str) -> Json:
    """Gives an organisation, and the owner of the works that it holds, another name. Raises Missing, Conflict.

    A work that kept the old name would look like one of whoever takes that name next.
    """
    org(store, org_id)
    one, held = number(org_id), sa.select(holdings.c.work_id).where(holdings.c.org_id == number(org_id))
    before = sa.select(orgs.c.name).where(orgs.c.id == one).scalar_subquery()
    theirs = (works.c.owner == before) & works.c.id.in_(held)
    changes = (
        (sa.update(works).where(theirs).values(owner=name), "works of the same titles are registered for"),
        (sa.update(orgs).where(orgs.c.id == one).values(name=name), "there is an organisation of"),
    )
    with store.write() as connection:
        for change, taken in changes:
            try:
                connection.execute(change)
            except IntegrityError:
                raise Conflict("exists", f"{taken} the name {name!r}: give another") from None
    return org(store, org_id)


def list_people(store: Store, page: Page) -> Json:
    """All people, by id."""
    rows = paged(store.rows, sa.select(people), [people.c.id], page, False)
    return page_json(rows, ["id"], page, person_json)


def person(store: Store, person_id: str) -> Json:
    """A person. Raises Missing."""
    query = sa.select(people).where(people.c.id == number(person_id))
    return person_json(_row(store, query, "person", person_id))


def add_person(store: Store, org_id: str, name: str, email: str, role: str) -> Json:
    """Adds a person. Raises Missing for the organisation, Conflict for the address."""
    org(store, org_id)
    try:
        return person(store, str(accounts.add_person(store, number(org_id), name, email, role)))
    except IntegrityError:
        raise Conflict("exists", f"there is a person with the address {email!r}: change them") from None


def change_person(store: Store, person_id: str, changes: Json) -> Json:
    """Changes name, role or whether they may sign in; their sessions end when they may not. Raises Missing."""
    before = person(store, person_id)
    if changes:
        _change(store, sa.update(people).where(people.c.id == number(before["id"])).values(**changes))
    if changes.get("active") is False:
        _change(store, sa.delete(sessions).where(sessions.c.person_id == number(before["id"])))
    return person(store, person_id)


def list_keys(store: Store, who: Caller, page: Page) -> Json:
    """The keys that the caller may see, by id."""
    query = sa.select(keys).where(_visible(who))
    return page_json(paged(store.rows, query, [keys.c.id], page, False), ["id"], page, key_json)


def key(store: Store, who: Caller, key_id: str) -> Json:
    """A key that the caller may see. Raises Missing."""
    return key_json(_key_row(store, who, key_id))


def made_key(store: Store, made: NewKey) -> Json:
    """A key that was just made."""
    return key_json(_row(store, sa.select(keys).where(keys.c.id == made.id), "key", made.id))


def add_key(
    store: Store,
    org_id: str,
    role: str,
    label: str,
    scopes: list[str] | None = None,
    expires: datetime | None = None,
    person_id: str | None = None,
) -> NewKey:
    """Makes a key. Raises Missing, Unfit."""
    org(store, org_id)
    if person_id is not None:
        holder = person(store, person_id)
        if holder["org"] != org_id:
            raise Unfit(f"person {person_id} is of the organisation {holder['org']}: make the key there")
    try:
        return accounts.add_key(
            store,
            number(org_id),
            role,
            label,
            scopes,
            _time(expires),
            None if person_id is None else number(person_id),
        )
    except ValueError as error:
        raise Unfit(str(error)) from None


def rotate(store: Store, who: Caller, key_id: str, overlap: timedelta) -> NewKey:
    """A new key in place of one, which ends after ``overlap``. Raises Missing, Conflict for one that has ended."""
    row = _key_row(store, who, key_id)
    if row.revoked or (row.expires and row.expires <= now()):
        raise Conflict("ended", "this key has ended: make a new one")
    made = accounts.add_key(store, row.org_id, row.role, row.label, _still(row), row.expires, row.person_id)
    last = _time(datetime.now(UTC) + overlap)
    ends = last if row.expires is None else min(last or "", row.expires)
    _change(store, sa.update(keys).where(keys.c.id == row.id).values(expires=ends))
    return made


def revoke(store: Store, who: Caller, key_id: str) -> None:
    """Ends a key and its sessions at once. Raises Missing."""
    row = _key_row(store, who, key_id)
    with store.write() as connection:
        connection.execute(
            sa.update(keys).where(keys.c.id == row.id, keys.c.revoked.is_(None)).values(revoked=now())
        )
        connection.execute(sa.delete(sessions).where(sessions.c.key_id == row.id))


def org_json(row: sa.Row[Any]) -> Json:
    """An organisation, as the API tells it."""
    return {"id": str(row.id), "name": row.name, "created": row.created}


def person_json(row: sa.Row[Any]) -> Json:
    """A person, as the API tells it."""
    told = {"id": str(row.id), "org": str(row.org_id), "name": row.name, "email": row.email, "role": row.role}
    return {**told, "active": row.active, "created": row.created}


def key_json(row: sa.Row[Any]) -> Json:
    """A key, as the API tells it: without what would make it one."""
    told = {"id": row.id, "org": str(row.org_id), "label": row.label, "role": row.role, "scopes": row.scopes}
    times = {name: getattr(row, name) for name in ("created", "expires", "revoked", "used")}
    return {**told, "person": None if row.person_id is None else str(row.person_id), **times}


def _visible(who: Caller) -> sa.ColumnElement[bool]:
    return sa.true() if "accounts" in who.scopes else keys.c.id == (who.key_id or "")


def _key_row(store: Store, who: Caller, key_id: str) -> sa.Row[Any]:
    return _row(store, sa.select(keys).where(_visible(who), keys.c.id == key_id), "key", key_id)


def _row(store: Store, query: sa.Select[Any], what: str, name: str) -> sa.Row[Any]:
    row = store.row(query)
    if row is None:
        raise Missing(what, name)
    return row


def _still(row: sa.Row[Any]) -> list[str]:
    """The key's scopes that its role still has."""
    return sorted(set(row.scopes) & SCOPES_OF[row.role])


def _change(store: Store, statement: sa.Update | sa.Delete) -> None:
    with store.write() as connection:
        connection.execute(statement)


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")
