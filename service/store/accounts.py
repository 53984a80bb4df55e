"""Organisations, people, and the API keys by which programs are known.

A key is the text ``whorl_<id>_<secret>``. It is shown once, when it is made; kept is only the SHA-256 of its secret,
which is 32 random bytes, so that no slow hash is needed.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.store.caller import SCOPES_OF, Caller
from service.store.store import Store, now
from service.store.tables import keys, orgs, people

ADMINISTRATION = "Administration"  # the organisation of the first key
_FORM = re.compile(r"whorl_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_USE_NOTED_EVERY = timedelta(minutes=1)  # a write at each request would cost more than the request


class Refused(Exception):  # noqa: N818  # it is an answer, not a failure
    """The key, session or login does not say who asks; the message says why."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; ``text`` is what its holder sends, and is kept nowhere."""

    id: str
    text: str


def add_org(store: Store, name: str) -> int:
    """Makes an organisation and returns its id. Raises IntegrityError when the name is taken."""
    with store.write() as connection:
        made = connection.execute(sa.insert(orgs).values(name=name, created=now()).returning(orgs.c.id))
        return int(made.scalar_one())


def administration(connection: sa.Connection) -> int:
    """The id of the administration, which is made if need be."""
    found = connection.scalar(sa.select(orgs.c.id).where(orgs.c.name == ADMINISTRATION))
    made = sa.insert(orgs).values(name=ADMINISTRATION, created=now()).returning(orgs.c.id)
    return int(found if found is not None else connection.execute(made).scalar_one())


def org_named(store: Store, name: str) -> int:
    """The id of the organisation of this name, which is made if need be."""
    found = store.row(sa.select(orgs.c.id).where(orgs.c.name == name))
    return int(found.id) if found else add_org(store, name)


def add_person(store: Store, org_id: int, name: str, email: str, role: str) -> int:
    """Makes a person of an organisation and returns their id. Raises IntegrityError when the address is taken."""
    row = {"org_id": org_id, "name": name, "email": email.lower(), "role": role}
    with store.write() as connection:
        insert = sa.insert(people).values(**row, active=True, created=now()).returning(people.c.id)
        return int(connection.execute(insert).scalar_one())


def add_key(
    store: Store,
    org_id: int,
    role: str,
    label: str = "",
    scopes: Iterable[str] | None = None,
    expires: str | None = None,
    person_id: int | None = None,
) -> NewKey:
    """Makes a key with these scopes of the role, all unless given. ``expires`` is a time as `now` gives it.

    Raises ValueError for a scope that the role has not.
    """
    wanted = SCOPES_OF[role] if scopes is None else frozenset(scopes)
    if beyond := wanted - SCOPES_OF[role]:
        raise ValueError(f"the role {role} has not the scopes {', '.join(sorted(beyond))}")
    row = {"org_id": org_id, "role": role, "label": label, "expires": expires, "person_id": person_id}
    with store.write() as connection:
        return _insert(connection, scopes=sorted(wanted), **row)


def first_key(store: Store) -> NewKey | None:
    """The administrator's key of a database without any key, None where there is one already."""
    with store.write() as connection:  # which takes the lock first: of two that start, one makes it
        if connection.scalar(sa.select(sa.func.count()).select_from(keys)):
            return None
        org_id = administration(connection)
        scopes = sorted(SCOPES_OF["administrator"])
        return _insert(connection, org_id=org_id, role="administrator", label="first start", scopes=scopes)


def authenticate(store: Store, text: str) -> Caller:
    """The caller who sends this key. Raises Refused."""
    parts = _FORM.fullmatch(text)
    row = store.row(keys_with_people().where(keys.c.id == parts[1])) if parts else None
    if parts is None or row is None or not hmac.compare_digest(row.secret_sha256, _sha256(parts[2])):
        raise Refused("unknown key")
    who = caller_of(row)
    _note_use(store, row)
    return who


def caller_of(row: sa.Row[Any]) -> Caller:
    """The caller of a row of key and person. Raises Refused for what is expired, revoked or switched off."""
    if row.revoked is not None:
        raise Refused("this key was revoked")
    if row.expires is not None and row.expires <= now():
        raise Refused("this key has expired: make a new one")
    if row.person_id is None:
        return Caller(row.label or row.id, row.org_id, row.role, frozenset(row.scopes), row.id)
    if not row.person_active:
        raise Refused("this person may no longer log in")
    # A person's keys follow their role: who is no longer an administrator has no administrator's key either.
    scopes = frozenset(row.scopes) & SCOPES_OF[row.person_role]
    return Caller(row.person_name, row.org_id, row.person_role, scopes, row.id, row.person_id)


def keys_with_people() -> sa.Select[Any]:
    """Rows for `caller_of`."""
    person = (people.c.name, people.c.role, people.c.active)
    columns = [column.label(f"person_{column.name}") for column in person]
    return sa.select(keys, *columns).select_from(keys.outerjoin(people))


def _note_use(store: Store, row: sa.Row[Any]) -> None:
    if row.used is None or datetime.fromisoformat(row.used) < datetime.now(UTC) - _USE_NOTED_EVERY:
        with store.write() as connection:
            connection.execute(sa.update(keys).where(keys.c.id == row.id).values(used=now()))


def _insert(connection: sa.Connection, **row: Any) -> NewKey:
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    made = {"id": key_id, "secret_sha256": _sha256(secret), "created": now()}
    connection.execute(sa.insert(keys).values(**made, **row))
    return NewKey(key_id, f"whorl_{key_id}_{secret}")


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
