"""Browser sessions: a random token in a cookie, of which the SHA-256 is kept, for a key's holder or a person."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.store.accounts import Refused, caller_of, keys_with_people
from service.store.caller import SCOPES_OF, Caller
from service.store.store import Store, now
from service.store.tables import keys, people, sessions

LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was just begun: ``token`` is for the cookie, ``csrf`` goes with every change."""

    token: str
    csrf: str
    expires: str


def begin(store: Store, key_id: str | None = None, person_id: int | None = None) -> Session:
    """Begins a session of the key or of the person; those that are over are forgotten."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    expires = (datetime.now(UTC) + LASTS).isoformat(timespec="milliseconds")
    row = {"id_sha256": _sha256(token), "csrf": csrf, "created": now(), "expires": expires}
    with store.write() as connection:
        connection.execute(sa.delete(sessions).where(sessions.c.expires <= now()))
        connection.execute(sa.insert(sessions).values(**row, key_id=key_id, person_id=person_id))
    return Session(token, csrf, expires)


def caller_of_session(store: Store, token: str) -> tuple[Caller, str]:
    """Who holds the session, and its CSRF token. Raises Refused, also when the key or person no longer may."""
    row = store.row(sa.select(sessions).where(sessions.c.id_sha256 == _sha256(token)))
    if row is None or row.expires <= now():
        raise Refused("this session is over: sign in again")
    return (_key_holder(store, row.key_id) if row.key_id else _person(store, row.person_id)), row.csrf


def end(store: Store, token: str) -> None:
    """Ends the session, if there is one."""
    with store.write() as connection:
        connection.execute(sa.delete(sessions).where(sessions.c.id_sha256 == _sha256(token)))


def person_of(store: Store, subject: str, email: str) -> int:
    """The person whom the provider calls ``subject``; at the first time, whoever has the address. Raises Refused.

    ``email`` is empty where the provider does not vouch for it.
    """
    row = store.row(sa.select(people).where(people.c.subject == subject))
    if row is None and email:
        row = _first_login(store, subject, email.lower())
    if row is None or not row.active:
        raise Refused(f"{email or subject} may not sign in here: ask an administrator to be added")
    return int(row.id)


def _first_login(store: Store, subject: str, email: str) -> sa.Row[Any] | None:
    new = (people.c.email == email) & people.c.subject.is_(None)
    with store.write() as connection:
        connection.execute(sa.update(people).where(new).values(subject=subject))
    return store.row(sa.select(people).where(people.c.subject == subject))


def _key_holder(store: Store, key_id: str) -> Caller:
    row = store.row(keys_with_people().where(keys.c.id == key_id))
    assert row is not None, "keys are never deleted"
    return caller_of(row)


def _person(store: Store, person_id: int) -> Caller:
    row = store.row(sa.select(people).where(people.c.id == person_id))
    if row is None or not row.active:
        raise Refused("this person may no longer log in")
    return Caller(row.name, row.org_id, row.role, SCOPES_OF[row.role], None, row.id)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
