"""Overlaps: the same stretch in references of two organisations, until people say whose it is."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json, printable
from index.database import refs, works
from service.store.caller import Caller
from service.store.errors import Conflict, Missing
from service.store.paging import Page, number, page_json, paged
from service.store.store import Store, now
from service.store.tables import claims, orgs, overlaps

_mine, _theirs = claims.alias("mine"), claims.alias("theirs")
_my_work, _their_work = works.alias("my_work"), works.alias("their_work")
_my_org, _their_org = orgs.alias("my_org"), orgs.alias("their_org")


def list_overlaps(store: Store, who: Caller, page: Page, resolved: bool | None = None) -> Json:
    """Those that the caller's organisation is a side of; all of them for an administrator."""
    query = _overlaps(who)
    if resolved is not None:
        query = query.where(overlaps.c.resolved.is_not(None) if resolved else overlaps.c.resolved.is_(None))
    return page_json(paged(store.rows, query, [overlaps.c.id], page, last_first=False), ["id"], page, _json)


def resolve(store: Store, who: Caller, overlap_id: str, owner: str) -> Json:
    """Says whose the stretch is: an administrator of anybody, a side only that it is the other's.

    Raises Missing, Conflict.
    """
    one = _overlaps(who).where(overlaps.c.id == number(overlap_id))
    row = store.row(one)
    if row is None:
        raise Missing("overlap", overlap_id)
    if number(owner) not in (row.org_id, row.other_org_id):
        raise Conflict(
            "not-a-side", f"{owner[:40]!r} is no side of it: give {row.org_id} or {row.other_org_id}"
        )
    if who.role != "administrator" and number(owner) == who.org_id:
        raise Conflict(
            "not-yours-to-say", "you may give it to the other side: that it is yours, an administrator says"
        )
    with store.write() as connection:
        values = {"owner_org_id": number(owner), "resolved": now()}
        connection.execute(sa.update(overlaps).where(overlaps.c.id == row.id).values(**values))
    return _json(store.rows(one)[0])


def note_overlaps(connection: sa.Connection, org_id: int, ref_id: int, matches: Iterable[Json]) -> None:
    """Notes what the reference of an organisation shares with those of others: all of it, and what it surely matches."""
    whole = connection.scalar(sa.select(refs.c.duration).where(refs.c.id == ref_id))
    everything = [{"start": 0.0, "end": whole, "other_start": 0.0, "other_end": whole}]
    _note(connection, org_id, ref_id, ref_id, everything)
    for match in matches:
        other = number(match["reference"]["id"])
        if other != ref_id:
            _note(connection, org_id, ref_id, other, [_stretch(segment) for segment in match["segments"]])


def without_claim(connection: sa.Connection, ref_id: int, org_id: int) -> None:
    """Forgets the overlaps of a claim that was taken away: there is nothing to resolve any more."""
    one = (overlaps.c.ref_id == ref_id) & (overlaps.c.org_id == org_id)
    other = (overlaps.c.other_ref_id == ref_id) & (overlaps.c.other_org_id == org_id)
    connection.execute(sa.delete(overlaps).where(one | other))


def pass_on(connection: sa.Connection, ref_id: int, before: int, org_id: int) -> None:
    """Makes another organisation a side of the overlaps of a claim, and whose they are; one with itself is none."""
    for ref, org in (
        (overlaps.c.ref_id, overlaps.c.org_id),
        (overlaps.c.other_ref_id, overlaps.c.other_org_id),
    ):
        side = sa.and_(ref == ref_id, org == before)
        won = side & (overlaps.c.owner_org_id == before)
        connection.execute(sa.update(overlaps).where(won).values(owner_org_id=org_id))
        connection.execute(sa.update(overlaps).where(side).values({org: org_id}))
    connection.execute(sa.delete(overlaps).where(overlaps.c.org_id == overlaps.c.other_org_id))


def _stretch(segment: Json) -> Json:
    names = {"start": "query_start", "end": "query_end", "other_start": "ref_start", "other_end": "ref_end"}
    return {name: segment[of] for name, of in names.items()}


def _note(
    connection: sa.Connection, org_id: int, ref_id: int, other_ref_id: int, segments: list[Json]
) -> None:
    """With each other organisation that claims the other reference; once, from whichever side it was found."""
    of_others = (claims.c.ref_id == other_ref_id) & (claims.c.org_id != org_id)
    for other_org in connection.execute(sa.select(claims.c.org_id).where(of_others)).scalars().all():
        sides = (
            ("ref_id", ref_id),
            ("org_id", org_id),
            ("other_ref_id", other_ref_id),
            ("other_org_id", other_org),
        )
        values = dict(sides)
        turned = {"ref_id": other_ref_id, "org_id": other_org, "other_ref_id": ref_id, "other_org_id": org_id}
        if not any(
            connection.execute(sa.select(overlaps.c.id).filter_by(**way)).first() for way in (values, turned)
        ):
            connection.execute(sa.insert(overlaps).values(**values, segments=segments, found=now()))


def _overlaps(who: Caller) -> sa.Select[Any]:
    columns: list[Any] = [overlaps]
    for name, org, claim, work in (
        ("my", _my_org, _mine, _my_work),
        ("their", _their_org, _theirs, _their_work),
    ):
        columns += [
            org.c.name.label(f"{name}_org"),
            claim.c.name.label(f"{name}_name"),
            work.c.title.label(f"{name}_title"),
        ]
    joined = (
        overlaps.join(_mine, (_mine.c.ref_id == overlaps.c.ref_id) & (_mine.c.org_id == overlaps.c.org_id))
        .join(
            _theirs,
            (_theirs.c.ref_id == overlaps.c.other_ref_id) & (_theirs.c.org_id == overlaps.c.other_org_id),
        )
        .join(_my_work, _my_work.c.id == _mine.c.work_id)
        .join(_their_work, _their_work.c.id == _theirs.c.work_id)
        .join(_my_org, _my_org.c.id == overlaps.c.org_id)
        .join(_their_org, _their_org.c.id == overlaps.c.other_org_id)
    )
    seen = who.sees(overlaps) | (overlaps.c.other_org_id == who.org_id)
    return sa.select(*columns).select_from(joined).where(seen)


def _json(row: sa.Row[Any]) -> Json:
    return {
        "id": str(row.id),
        "found": row.found,
        "resolved": row.resolved,
        "owner": None if row.owner_org_id is None else str(row.owner_org_id),
        "sides": [
            _side(row.org_id, row.my_org, row.ref_id, row.my_name, row.my_title),
            _side(row.other_org_id, row.their_org, row.other_ref_id, row.their_name, row.their_title),
        ],
        "segments": row.segments,
    }


def _side(org_id: int, org: str, ref_id: int, name: str, title: str) -> Json:
    return {
        "org": {"id": str(org_id), "name": printable(org)},
        "reference": {"id": str(ref_id), "name": printable(name)},
        "title": printable(title),
    }
