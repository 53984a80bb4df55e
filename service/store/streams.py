"""Streams that are watched, as people see them: what is wanted, in which state they are, which works are on."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json, printable
from service.store import airings, events
from service.store.airings import GOING
from service.store.caller import Caller
from service.store.errors import Conflict, Missing
from service.store.paging import Page, Read, page_json, paged, reading
from service.store.store import Store, now
from service.store.tables import cases, streams


class TooManyError(Exception):
    """An organisation has too many streams watched."""


@dataclass(frozen=True, slots=True)
class New:
    """What a stream is watched with; ``captured`` is its place and territory, as far as they are known."""

    url: str
    label: str = ""
    captured: Json = field(default_factory=dict)
    case_id: str | None = None


def create(store: Store, who: Caller, new: New, most: int) -> Json:
    """A stream that waits to be watched; an organisation has ``most`` of them at most. Raises TooManyError, Missing."""
    row = {
        "id": secrets.token_hex(16), "org_id": who.org_id, "actor": who.name, "url": new.url, "label": new.label,
        "captured": new.captured, "case_id": new.case_id, "state": "waiting", "version": 0, "load": 0, "showing": [],
        "stream_time": 0.0, "created": now(), "turn": 0,
    }  # fmt: skip
    with store.write() as connection:
        if new.case_id is not None:
            own = sa.select(cases.c.id).where(cases.c.id == new.case_id, who.sees(cases))
            if connection.scalar(own) is None:
                raise Missing("case", new.case_id)
        _check_room(connection, who.org_id, most)
        connection.execute(sa.insert(streams).values(**row))
        return _seen(reading(connection), who, str(row["id"]))


def stream(store: Store, who: Caller, stream_id: str) -> Json:
    """A stream of the caller's. Raises Missing."""
    return _seen(store.rows, who, stream_id)


def list_streams(
    store: Store, who: Caller, page: Page, state: str | None = None, text: str = "", case: str | None = None
) -> Json:
    """A page of the caller's streams, the last first: in a state, of a case, with this in their label or URL."""
    query = sa.select(streams).where(who.sees(streams))
    if state is not None:
        query = query.where(streams.c.state == state)
    if case is not None:
        query = query.where(streams.c.case_id == case)
    if text:
        named = [c.icontains(text, autoescape=True) for c in (streams.c.label, streams.c.url)]
        query = query.where(sa.or_(*named))
    rows = paged(store.rows, query, [streams.c.created, streams.c.id], page, last_first=True)
    shown = _told(store.rows, who, rows)
    return page_json(rows, ["created", "id"], page, shown)


def versions(store: Store, who: Caller) -> dict[str, int]:
    """The version of each of the caller's streams: it grows with every change."""
    rows = store.rows(sa.select(streams.c.id, streams.c.version).where(who.sees(streams)))
    return {row.id: row.version for row in rows}


def mark(store: Store) -> tuple[object, ...]:
    """What is another one as soon as a stream, or what happened in one, is."""
    numbers = [sa.func.coalesce(sa.func.sum(column), 0) for column in (streams.c.version, streams.c.turn)]
    row = store.row(sa.select(sa.func.count(), sa.func.max(streams.c.created), *numbers).select_from(streams))
    return (events.last(store), *(row or ()))


def some(store: Store, who: Caller, ids: list[str]) -> list[Json]:
    """Those of the caller's streams that have these ids, the first first."""
    wanted = sa.select(streams).where(who.sees(streams), streams.c.id.in_(ids))
    rows = store.rows(wanted.order_by(streams.c.created, streams.c.id))
    return list(map(_told(store.rows, who, rows), rows))


def stop(store: Store, who: Caller, stream_id: str) -> Json:
    """From this moment on nothing more is told of it; one that is not watched stays as it is. Raises Missing."""
    with store.write() as connection:
        found = _seen(reading(connection), who, stream_id)
        if found["state"] in GOING:
            values = {"state": "stopped", "ended": now(), "watcher": None}
            _set(connection, stream_id, **values, turn=streams.c.turn + 1)
        return _seen(reading(connection), who, stream_id)


def start(store: Store, who: Caller, stream_id: str, most: int) -> Json:
    """Has it watched again, from where it was if it was stopped. Raises Missing, TooManyError."""
    with store.write() as connection:
        found = _seen(reading(connection), who, stream_id)
        if found["state"] not in GOING:
            _check_room(connection, int(found["org"]), most)
            values = {"state": "waiting", "error": None, "ended": None, "load": 0, "watcher": None}
            _set(connection, stream_id, **values, turn=streams.c.turn + 1)
        return _seen(reading(connection), who, stream_id)


def remove(store: Store, who: Caller, stream_id: str) -> None:
    """Removes a stream and its history for good. Raises Missing; Conflict while it belongs to a case that is closed."""
    with store.write() as connection:
        found = _seen(reading(connection), who, stream_id)
        closed = sa.select(cases.c.closed).where(cases.c.id == found["case"])
        if found["case"] is not None and connection.scalar(closed) is not None:
            raise Conflict("closed", f"case {found['case']} is closed: open it to remove what is in it")
        connection.execute(sa.delete(streams).where(streams.c.id == stream_id))


def _set(connection: sa.Connection, stream_id: str, **values: Any) -> None:
    changed = sa.update(streams).where(streams.c.id == stream_id)
    connection.execute(changed.values(**values, version=streams.c.version + 1))


def _check_room(connection: sa.Connection, org_id: int, most: int) -> None:
    going = sa.select(sa.func.count()).where(streams.c.org_id == org_id, streams.c.state.in_(GOING))
    if (connection.scalar(going) or 0) >= most:
        raise TooManyError(f"{most} streams are watched: stop one first")


def _seen(read: Read, who: Caller, stream_id: str) -> Json:
    rows = read(sa.select(streams).where(streams.c.id == stream_id, who.sees(streams)))
    if not rows:
        raise Missing("stream", stream_id)
    return _told(read, who, rows)(rows[0])


def _told(read: Read, who: Caller, rows: Sequence[sa.Row[Any]]) -> Callable[[sa.Row[Any]], Json]:
    """What makes one of these rows into what a caller is told of it."""
    last = airings.last(read, who, [row.id for row in rows])

    def shown(row: sa.Row[Any]) -> Json:
        going = row.state in GOING
        same = ("id", "state", "label", "error", "created", "started", "ended", "seen")
        return {
            **{name: getattr(row, name) for name in same},
            "org": str(row.org_id),
            "url": printable(row.url),
            "created_by": row.actor,
            "place": row.captured.get("place"),
            "territory": row.captured.get("territory"),
            "case": row.case_id,
            "stream_time": round(row.stream_time, 3),
            "load": row.load,
            "on": events.shown_works(read, who, row.captured, row.showing) if going else [],
            "last": last.get(row.id),
        }

    return shown
