"""Times that works were on in streams: noted as events tell of them, and to be seen until somebody has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json, printable
from index.database import refs
from service.store.caller import Caller
from service.store.knowable import judged_works, only_own
from service.store.paging import Page, Read, number, page_json, paged
from service.store.store import Store, now
from service.store.tables import airings, claims, lives, streams

GOING = ("waiting", "watching")  # states of streams in which what is on goes on
_OF_EVENTS = ("event", "id", "segment", "stream", "stream_time", "at", "airing")  # what no airing has
_ZERO = (
    "zero"  # kept with an airing and not told: when its stream's time began, ``stream_time`` before ``at``
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which airings: of a stream, of a work, those that were seen or not."""

    stream_id: str | None = None
    work_id: str | None = None
    seen: bool | None = None


def note(connection: sa.Connection, stream_id: str, event: Json) -> None:
    """Notes what an event tells of an airing. One that was seen in doubt is to be seen again once it is sure."""
    mine = (airings.c.stream_id == stream_id) & (airings.c.number == event["airing"])
    before = connection.execute(sa.select(airings).where(mine)).one_or_none()
    # That of the first event counts: an examination that lags, or a stream that was away, makes no work longer.
    zero = before.event.get(_ZERO) if before is not None else None
    zero = zero or _text(datetime.fromisoformat(event["at"]) - timedelta(seconds=event["stream_time"]))
    began, until = _span(event, datetime.fromisoformat(zero))
    values = {"ref_id": int(event["reference"]["id"]), "over": event["event"] == "ended"}
    told = {name: value for name, value in event.items() if name not in _OF_EVENTS} | {_ZERO: zero}
    if before is None:
        made = {"stream_id": stream_id, "number": event["airing"], "began": began, "until": until}
        connection.execute(sa.insert(airings).values(**made, **values, event=told))
        return
    if told.get("delay") is None and before.event.get("delay") is not None:
        told["delay"] = before.event["delay"]
    surer = told["verdict"] == "match" and before.event["verdict"] != "match"
    values |= {"began": min(began, before.began), "until": max(until, before.until)}
    values |= {"seen": None} if surer else {}
    connection.execute(sa.update(airings).where(mine).values(**values, event=told))


def list_airings(store: Store, who: Caller, page: Page, wanted: Wanted) -> Json:
    """A page of the airings that the caller may know of, the last first.

    Of those that nobody has seen the licensed ones are left out, as they are no alarms: such a page may be a short one.
    """
    rows = paged(store.rows, _wanted(who, wanted), [airings.c.id], page, last_first=True)
    known = {row.id: told for row, told in zip(rows, _told(store.rows, rows), strict=True)}
    found = page_json(rows, ["id"], page, lambda row: known[row.id])
    if wanted.seen is False:
        found["items"] = [one for one in found["items"] if "licensed" not in one]
    return found


def last(read: Read, who: Caller, stream_ids: Sequence[str]) -> dict[str, Json]:
    """Of each of these streams the airing that began last, of those that are over; streams without one are left out."""
    over = airings.c.over | streams.c.state.not_in(GOING)
    newest = (
        _seen(who)
        .where(airings.c.stream_id.in_(stream_ids), over)
        .with_only_columns(sa.func.max(airings.c.id))
    )
    rows = read(_seen(who).where(airings.c.id.in_(newest.group_by(airings.c.stream_id))))
    return {one["stream_id"]: one for one in _told(read, rows)}


def mark_seen(store: Store, who: Caller, ids: Sequence[str]) -> int:
    """Marks those of these airings that the caller may know of as seen; how many were not so before."""
    with store.write() as connection:
        query = _seen(who).where(airings.c.id.in_([number(one) for one in ids]), airings.c.seen.is_(None))
        rows = connection.execute(query).all()
        marked = sa.update(airings).where(airings.c.id.in_([row.id for row in rows]))
        connection.execute(marked.values(seen=now()))
        # So that whoever looks at the same wall is told.
        changed = sa.update(streams).where(streams.c.id.in_({row.stream_id for row in rows}))
        connection.execute(changed.values(version=streams.c.version + 1))
        return len(rows)


def _seen(who: Caller) -> sa.Select[Any]:
    """Airings in the caller's streams; a rights holder is told of no other's works."""
    of_stream = [streams.c[name] for name in ("label", "url", "captured", "case_id", "state")]
    columns = sa.select(airings).add_columns(*of_stream, streams.c.seen.label("alive"))
    joined = columns.join(streams, streams.c.id == airings.c.stream_id)
    return only_own(joined.where(who.sees(streams)), who, airings.c.ref_id)


def _wanted(who: Caller, wanted: Wanted) -> sa.Select[Any]:
    query = _seen(who)
    if wanted.stream_id is not None:
        query = query.where(airings.c.stream_id == wanted.stream_id)
    if wanted.work_id is not None:
        query = query.where(airings.c.ref_id.in_(_of_work(wanted.work_id)))
    if wanted.seen is not None:
        query = query.where(airings.c.seen.is_not(None) if wanted.seen else airings.c.seen.is_(None))
    return query


def _of_work(work_id: str) -> sa.CompoundSelect[Any]:
    """The references of a work, by whoever's claim, on the air or not."""
    return sa.union(
        sa.select(claims.c.ref_id).where(claims.c.work_id == number(work_id)),
        sa.select(refs.c.id).where(refs.c.work_id == number(work_id)),
        sa.select(-lives.c.number).where(
            lives.c.about["work"].as_string() == work_id, lives.c.number.is_not(None)
        ),
    )


def _told(read: Read, rows: Sequence[sa.Row[Any]]) -> list[Json]:
    works = judged_works(read, [(row.captured, row.began, row.event) for row in rows])
    return [_airing(row, work) for row, work in zip(rows, works, strict=True)]


def _airing(row: sa.Row[Any], work: Json) -> Json:
    going = not row.over and row.state in GOING
    work.pop(_ZERO, None)
    return work | {
        "id": str(row.id),
        "stream_id": row.stream_id,
        "stream": {
            "label": row.label,
            "url": printable(row.url),
            "place": row.captured.get("place"),
            "territory": row.captured.get("territory"),
            "case": row.case_id,
        },
        "airing": row.number,
        "began": row.began,
        "until": max(row.until, row.alive or "") if going else row.until,
        "going": going,
        "seen": row.seen,
    }


def _span(event: Json, zero: datetime) -> tuple[str, str]:
    """The first and the last second that an event tells of; ``zero`` is when its stream's time began."""
    start = min(one["query_start"] for one in event["segments"])
    end = max(one["query_end"] for one in event["segments"])
    return _text(zero + timedelta(seconds=start)), _text(zero + timedelta(seconds=end))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
