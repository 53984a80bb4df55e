"""What a caller may know of works in streams: a rights holder of own ones alone, as in answers."""

from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from service.rights import judged
from service.store.caller import Caller
from service.store.findings import known_of
from service.store.paging import Read
from service.store.tables import claims, lives


def only_own(query: sa.Select[Any], who: Caller, ref_id: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The query without what a holder is not told; what is of no work (null) is everybody's."""
    if who.role != "holder":
        return query
    return query.where(ref_id.is_(None) | ref_id.in_(own_refs(who)))


def own_refs(who: Caller) -> sa.Select[Any]:
    """``ref_id`` of the references of the caller's organisation, those that are or were on the air with them."""
    on_air = sa.select((-lives.c.number).label("ref_id"))
    known = sa.union(
        sa.select(claims.c.ref_id).where(claims.c.org_id == who.org_id),
        on_air.where(lives.c.org_id == who.org_id, lives.c.number.is_not(None)),
    ).subquery()
    return sa.select(known.c.ref_id)


def judged_works(read: Read, some: list[tuple[Json, str, Json]]) -> list[Json]:
    """Works with ``licensed`` and ``overlap``, as a match of an answer has them; given where and when each was seen."""
    known = known_of(read, {int(event["reference"]["id"]) for _, _, event in some})
    return [
        judged({"error": None, "matches": [event]}, captured | {"at": at}, known)["matches"][0]
        for captured, at, event in some
    ]
