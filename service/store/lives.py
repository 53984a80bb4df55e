"""References that are on the air: who records or pushes them, how far they are, and what becomes of them at their end."""

import secrets
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store.caller import Caller
from service.store.errors import Conflict, Missing
from service.store.leases import ON_AIR, Lease
from service.store.paging import Page, Read, page_json, paged, reading
from service.store.store import Store, now
from service.store.streams import TooManyError
from service.store.tables import lives
from service.store.works import remove_empty

Live = sa.Row  # of the table ``lives``


def create(
    store: Store, who: Caller, url: str | None, about: Json, keep: bool, number: int | None, most: int
) -> Json:
    """A new one: of a stream that a watcher records, or with a ``number``, whose codes are pushed. Raises TooManyError."""
    row = {
        "id": secrets.token_hex(16), "org_id": who.org_id, "actor": who.name, "url": url, "about": about, "keep": keep,
        "state": "waiting" if url else "recording", "number": number, "sequence": 0, "duration": 0.0, "created": now(),
        "turn": 0,
    }  # fmt: skip
    with store.write() as connection:
        check_room(reading(connection), who, most)
        connection.execute(sa.insert(lives).values(**row))
        return _json(_row(reading(connection), who, str(row["id"])))


def check_room(read: Read, who: Caller, most: int) -> None:
    """Raises TooManyError where as many are on the air as may be."""
    if (
        len(read(sa.select(lives.c.id).where(lives.c.org_id == who.org_id, lives.c.state.in_(ON_AIR))))
        >= most
    ):
        raise TooManyError(f"{most} references are on the air: end one first")


def live(store: Store, who: Caller, live_id: str) -> Json:
    """One of the caller's. Raises Missing."""
    return _json(_row(store.rows, who, live_id))


def list_lives(store: Store, who: Caller, page: Page, state: str | None = None) -> Json:
    """A page of the caller's, the last first."""
    query = sa.select(lives).where(who.sees(lives))
    if state is not None:
        query = query.where(lives.c.state == state)
    rows = paged(store.rows, query, [lives.c.created, lives.c.id], page, last_first=True)
    return page_json(rows, ["created", "id"], page, _json)


def push(store: Store, who: Caller, live_id: str, sequence: int, add: Callable[[Live], float]) -> Json:
    """Counts codes that an encoder pushed, once: ``add`` stores them, and gives the duration so far.

    What was counted already changes nothing. Raises Missing; Conflict for one that takes none, or a gap before it.
    """
    with store.write() as connection:
        row = _row(reading(connection), who, live_id)
        if row.url is not None or row.state != "recording":
            raise Conflict(
                "not-pushed",
                f"{live_id} takes no codes: it is {row.state if row.url is None else 'a stream'}",
            )
        if sequence > row.sequence + 1:
            raise Conflict(
                "gap", f"codes {sequence} come after {row.sequence}: send {row.sequence + 1} first"
            )
        if sequence == row.sequence + 1:
            _set(connection, live_id, sequence=sequence, duration=add(row))
        return _json(_row(reading(connection), who, live_id))


def end(store: Store, who: Caller, live_id: str, keep: bool | None) -> Live:
    """Says that it is to end; the row. One that is over stays as it is. Raises Missing."""
    with store.write() as connection:
        row = _row(reading(connection), who, live_id)
        if row.state in ON_AIR:
            _set(connection, live_id, state="ending", keep=row.keep if keep is None else keep)
        return _row(reading(connection), who, live_id)


def remove(store: Store, who: Caller, live_id: str) -> None:
    """Removes one that is over; what it was registered as stays. Raises Missing; Conflict for one that is on the air."""
    with store.write() as connection:
        if _row(reading(connection), who, live_id).state in ON_AIR:
            raise Conflict("on-air", f"{live_id} is on the air: end it first")
        connection.execute(sa.delete(lives).where(lives.c.id == live_id))


def held(store: Store, lease: Lease) -> Live | None:
    """The row, while it is the watcher's."""
    return store.row(sa.select(lives).where(lease.held))


def advance(store: Store, lease: Lease, number: int, duration: float) -> bool:
    """How far a recording is; False where it is not this watcher's."""
    with store.write() as connection:
        state = sa.case((lives.c.state == "waiting", "recording"), else_=lives.c.state)
        values = {"number": number, "duration": duration, "state": state}
        return bool(connection.execute(sa.update(lives).where(lease.held).values(**values)).rowcount)


def finish(store: Store, live_id: str, ref_id: int | None, error: Json | None = None) -> None:
    """It is over: registered as ``ref_id``, if at all; else a work goes too that was made for it alone."""
    with store.write() as connection:
        over = {"state": "failed" if error else "ended", "error": error, "ref_id": ref_id}
        _set(connection, live_id, **over, ended=now(), watcher=None)
        (row,) = reading(connection)(sa.select(lives).where(lives.c.id == live_id))
        others = sa.select(lives.c.about).where(lives.c.org_id == row.org_id, lives.c.state.in_(ON_AIR))
        works = {about["work"] for about in connection.execute(others).scalars()}
        if ref_id is None and row.about.get("made") and row.about["work"] not in works:
            remove_empty(connection, row.about["work"])


def _set(connection: sa.Connection, live_id: str, **values: Any) -> None:
    connection.execute(sa.update(lives).where(lives.c.id == live_id).values(**values))


def _row(read: Read, who: Caller, live_id: str) -> Live:
    rows = read(sa.select(lives).where(lives.c.id == live_id, who.sees(lives)))
    if not rows:
        raise Missing("live reference", live_id)
    return rows[0]


def _json(row: Live) -> Json:
    same = ("id", "url", "state", "keep", "error", "sequence", "duration", "created", "ended")
    return {
        **{name: getattr(row, name) for name in same},
        "org": str(row.org_id),
        "created_by": row.actor,
        "work": row.about["work"],
        "title": row.about["title"],
        "on_air": None if row.number is None else str(-row.number),
        "reference": None if row.ref_id is None else str(row.ref_id),
    }
