"""What happened in streams: kept in the order in which it was told, and told to those who may know of it."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.store import airings, webhooks
from service.store.caller import Caller
from service.store.errors import Missing
from service.store.knowable import judged_works, only_own, own_refs
from service.store.paging import Page, Read, page_json, paged, reading
from service.store.store import Store
from service.store.tables import stream_events, streams
from service.store.webhooks import Tell


def keep(connection: sa.Connection, stream_id: str, events: list[Json]) -> None:
    """Adds events of a stream, in its watcher's own transaction; every event there is comes in here.

    So does what webhooks tell of them: all of it is stored, or nothing.
    """
    stream = connection.execute(sa.select(streams).where(streams.c.id == stream_id)).one()
    for event in events:
        ref_id = int(event["reference"]["id"]) if "reference" in event else None
        values = {"stream_id": stream_id, "name": event.get("id"), "ref_id": ref_id, "at": event["at"]}
        if "airing" in event:
            airings.note(connection, stream_id, event)
        insert = sa.insert(stream_events).values(**values, event=event).returning(stream_events.c.id)
        tell = _teller(connection, connection.scalars(insert).one(), stream)
        webhooks.enqueue(connection, stream.org_id, f"stream.{event['event']}", tell)


def _teller(connection: sa.Connection, event_id: int, stream: sa.Row[Any]) -> Tell:
    """Tells callers of an event as the API does, and of which stream; those nothing who may not know of it."""
    read = reading(connection)
    where = {name: stream.captured.get(name) for name in ("place", "territory")}
    about = {"label": stream.label, **where, "case": stream.case_id, "page": f"/streams/{stream.id}"}

    def tell(who: Caller) -> Json | None:
        told = _told(read, list(read(_seen(who).where(stream_events.c.id == event_id))))
        return told[0] | about if told else None

    return tell


def list_events(
    store: Store, who: Caller, stream_id: str, page: Page, kinds: Collection[str] = (), newest: bool = False
) -> Json:
    """A page of a stream's events, the first first or the ``newest``; all, or those of some kinds. Raises Missing."""
    if store.row(sa.select(streams.c.id).where(streams.c.id == stream_id, who.sees(streams))) is None:
        raise Missing("stream", stream_id)
    query = _seen(who).where(stream_events.c.stream_id == stream_id)
    if kinds:
        query = query.where(stream_events.c.event["event"].as_string().in_(kinds))
    rows = paged(store.rows, query, [stream_events.c.id], page, last_first=newest)
    known = {row.id: told for row, told in zip(rows, _told(store.rows, rows), strict=True)}
    return page_json(rows, ["id"], page, lambda row: known[row.id])


def after(store: Store, who: Caller, last: int, stream_id: str | None = None, most: int = 200) -> list[Json]:
    """The caller's next events after one, at most so many, of one stream or of all."""
    query = _seen(who).where(stream_events.c.id > last)
    if stream_id is not None:
        query = query.where(stream_events.c.stream_id == stream_id)
    return _told(store.rows, store.rows(query.order_by(stream_events.c.id).limit(most)))


def last(store: Store) -> int:
    """The id of the last event of all; 0 before any."""
    row = store.row(sa.select(sa.func.max(stream_events.c.id).label("last")))
    return (row and row.last) or 0


def numbers(store: Store, who: Caller, stream_id: str) -> set[int]:
    """The numbers of the airings of a stream that the caller may know of."""
    of_works = _seen(who).where(stream_events.c.stream_id == stream_id, stream_events.c.ref_id.is_not(None))
    return {row.event["airing"] for row in store.rows(of_works)}


def shown_works(read: Read, who: Caller, captured: Json, showing: list[Json]) -> list[Json]:
    """Of the works that are on in a stream those that the caller may know of."""
    if who.role == "holder":
        own = {row.ref_id for row in read(own_refs(who))} if showing else set()
        showing = [one for one in showing if int(one["reference"]["id"]) in own]
    return judged_works(read, [(captured, one["at"], one) for one in showing])


def _seen(who: Caller) -> sa.Select[Any]:
    """Events of the caller's streams; a rights holder is told of no other's works, as in answers."""
    columns = (stream_events, streams.c.captured)
    query = (
        sa.select(*columns).join(streams, streams.c.id == stream_events.c.stream_id).where(who.sees(streams))
    )
    return only_own(query, who, stream_events.c.ref_id)


def _told(read: Read, rows: list[sa.Row[Any]]) -> list[Json]:
    of_works = [row for row in rows if row.ref_id is not None]
    judged_ones = judged_works(read, [(row.captured, row.at, row.event) for row in of_works])
    told = dict(zip((row.id for row in of_works), judged_ones, strict=True))
    return [{"sequence": row.id, "stream_id": row.stream_id} | told.get(row.id, row.event) for row in rows]
