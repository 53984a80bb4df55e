"""Works and references as organisations hold them, over the catalog's tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json, printable
from index.database import identifiers, refs, works
from service.store.accounts import ADMINISTRATION, administration
from service.store.caller import Caller
from service.store.errors import Conflict, Missing
from service.store.overlaps import note_overlaps, pass_on, without_claim
from service.store.paging import Page, Read, number, page_json, paged, reading
from service.store.store import Store, now
from service.store.tables import claims, holdings, licences, orgs

Check = Callable[[Json], None]  # raises where what is there is not what the caller has seen


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of a work; ``identifiers`` are (scheme, value)."""

    title: str
    kind: str = ""
    identifiers: frozenset[tuple[str, str]] = frozenset()


def list_works(
    store: Store, who: Caller, page: Page, text: str = "", identifier: tuple[str, str] | None = None
) -> Json:
    """The caller's works, those whose title or an identifier holds ``text``, or that have the identifier."""
    query = _works(who)
    if text:
        named = sa.select(identifiers.c.work_id).where(identifiers.c.value.icontains(text, autoescape=True))
        query = query.where(works.c.title.icontains(text, autoescape=True) | works.c.id.in_(named))
    if identifier:
        same = sa.tuple_(identifiers.c.scheme, identifiers.c.value) == sa.tuple_(*identifier)
        query = query.where(works.c.id.in_(sa.select(identifiers.c.work_id).where(same)))
    rows = paged(store.rows, query, [works.c.id], page, last_first=False)
    named_by = _identifiers(store.rows, [row.id for row in rows])
    return page_json(rows, ["id"], page, lambda row: _work_json(row, named_by))


def work(read: Read, who: Caller, work_id: str, lock: bool = False) -> Json:
    """A work of the caller's; with ``lock`` nobody else changes it in this transaction. Raises Missing."""
    if lock:
        list(read(sa.select(works.c.id).where(works.c.id == number(work_id)).with_for_update()))
    rows = read(_works(who).where(works.c.id == number(work_id)))
    if not rows:
        raise Missing("work", work_id)
    return _work_json(rows[0], _identifiers(read, [rows[0].id]))


def details(store: Store, org_id: int, work_id: str) -> tuple[Details, str]:
    """What `Engine.store` needs of a work that a file is registered under, and its owner. Raises Missing."""
    mine = (works.c.id == number(work_id)) & (holdings.c.org_id == org_id)
    row = store.row(sa.select(works).join(holdings).where(mine))
    if row is None:
        raise Missing("work", work_id)
    named = _identifiers(store.rows, [row.id])[row.id]
    pairs = frozenset((scheme, value) for scheme, _, value in (one.partition(":") for one in named))
    return Details(row.title, row.kind, pairs), row.owner


def create(store: Store, who: Caller, what: Details) -> Json:
    """A new work of the caller's organisation, its owner. Raises Conflict where there is one of that title and kind."""
    with store.write() as connection:
        work_id, new = _found_or_made(connection, who.org_id, what)
        if not new:
            raise Conflict(
                "exists", f"work {work_id} has this title and kind: change it, or give another title"
            )
        return work(reading(connection), who, str(work_id))


def find_or_create(store: Store, org_id: int, all_of_them: Iterable[Details]) -> list[tuple[str, bool]]:
    """(id, whether it is new) of the organisation's work of each title and kind; all are made, or none.

    Identifiers are added to what a work has.
    """
    with store.write() as connection:
        made = []
        for what in all_of_them:
            work_id, new = _found_or_made(connection, org_id, what)
            _add_identifiers(connection, work_id, what.identifiers)
            made.append((str(work_id), new))
        return made


def change(store: Store, who: Caller, work_id: str, changes: dict[str, Any], check: Check) -> Json:
    """Changes a work's title, kind, identifiers. Raises Missing, Conflict, and what ``check`` raises."""
    with store.write() as connection:
        found = work(reading(connection), who, work_id, lock=True)
        check(found)
        columns = {name: changes[name] for name in ("title", "kind") if name in changes}
        same = {"title": found["title"], "kind": found["kind"], "owner": found["owner"]} | columns
        if (other := _same(connection, **same)) not in (None, int(found["id"])):
            raise Conflict("exists", f"work {other} has this title and kind: give another title")
        if columns:
            connection.execute(sa.update(works).where(works.c.id == int(found["id"])).values(**columns))
        if "identifiers" in changes:
            connection.execute(sa.delete(identifiers).where(identifiers.c.work_id == int(found["id"])))
            _add_identifiers(connection, int(found["id"]), changes["identifiers"])
        return work(reading(connection), who, work_id)


def remove(store: Store, who: Caller, work_id: str, check: Check) -> None:
    """Removes a work with its references. Raises Missing."""
    with store.write() as connection:
        check(work(reading(connection), who, work_id, lock=True))
        here = int(work_id)
        for row in connection.execute(sa.select(claims).where(claims.c.work_id == here)).all():
            _unclaim(connection, row.ref_id, row.org_id)
        connection.execute(sa.delete(refs).where(refs.c.work_id == here))
        connection.execute(sa.delete(works).where(works.c.id == here))


def remove_empty(connection: sa.Connection, work_id: str) -> None:
    """Removes a work that has no references and no licences: one that nobody has done anything with."""
    here = number(work_id)
    used = (sa.exists().where(table.c.work_id == here) for table in (refs, claims, licences))
    connection.execute(sa.delete(works).where(works.c.id == here, ~sa.or_(*used)))


def list_references(store: Store, who: Caller, page: Page, work_id: str | None = None) -> Json:
    """The caller's references, of one work where that is given."""
    query = _references(who)
    if work_id is not None:
        query = query.where(sa.func.coalesce(claims.c.work_id, refs.c.work_id) == number(work_id))
    keys = [refs.c.id, _claimant]
    return page_json(
        paged(store.rows, query, keys, page, last_first=False), ["id", "org_id"], page, _reference_json
    )


def reference(store: Store, who: Caller, ref_id: str) -> Json:
    """A reference of the caller's. Raises Missing."""
    row = store.row(_references(who).where(refs.c.id == number(ref_id)))
    if row is None:
        raise Missing("reference", ref_id)
    return _reference_json(row)


def remove_reference(store: Store, who: Caller, ref_id: str) -> None:
    """Removes the caller's claim to a reference, and the reference with the last; an administrator's call all of it.

    Raises Missing.
    """
    found = reference(store, who, ref_id)
    with store.write() as connection:
        if who.role == "administrator":
            connection.execute(sa.delete(refs).where(refs.c.id == int(found["id"])))
        else:
            _unclaim(connection, int(found["id"]), who.org_id)


def own(
    store: Store, org_id: int, ref_id: int, work_id: str, name: str, matches: Iterable[Json] = ()
) -> None:
    """Makes a reference that `Engine.store` gave an organisation's, under its work; called again it changes nothing.

    ``name`` is the file's name as this organisation handed it in. The rule for who registers:

    1. Examine the file before it is stored (`Engine.examine`, or the match of its fingerprint), and keep the ``matches`` of
       `answer_json`.
    2. ``details(store, org_id, work_id)`` gives what `Engine.store` needs; it returns the reference that holds these bytes
       already where there is one.
    3. Call this with the reference's id, whether it is new or not, and those matches.

    Where another organisation claims the same bytes, or one of the ``matches`` with the verdict "match" is of a reference
    that another claims, an overlap is noted, for people to resolve: neither is hidden, and nobody sees the other's works.
    What the command line registered is claimed by the organisation that it names as the owner, else by the administration.
    Raises Missing where the work is not the organisation's.
    """
    with store.write() as connection:
        held = sa.select(holdings).where(
            (holdings.c.work_id == number(work_id)) & (holdings.c.org_id == org_id)
        )
        if connection.execute(held).first() is None:
            raise Missing("work", work_id)
        if connection.scalar(sa.select(refs.c.id).where(refs.c.id == ref_id)) is None:
            raise Missing("reference", ref_id)
        found = [match for match in matches if match["verdict"] == "match"]
        for held_id in {ref_id, *(number(match["reference"]["id"]) for match in found)}:
            _claim_of_holder(connection, held_id, org_id)
        _claim(connection, ref_id, org_id, int(work_id), name)
        note_overlaps(connection, org_id, ref_id, found)


_claimant = sa.func.coalesce(claims.c.org_id, 0)


def _works(who: Caller) -> sa.Select[Any]:
    many = sa.select(sa.func.count()).where(claims.c.work_id == works.c.id).scalar_subquery()
    bare = sa.select(sa.func.count()).where(refs.c.work_id == works.c.id).scalar_subquery()
    count = sa.case((holdings.c.org_id.is_(None), bare), else_=many).label("many")
    joined = works.outerjoin(holdings, holdings.c.work_id == works.c.id)
    return sa.select(works, holdings.c.org_id, count).select_from(joined).where(who.sees(holdings))


def _references(who: Caller) -> sa.Select[Any]:
    """One row a claim; an administrator sees those that nobody claims too."""
    at = works.c.id == sa.func.coalesce(claims.c.work_id, refs.c.work_id)
    columns = (refs.c.id, refs.c.sha256, refs.c.duration, works.c.id.label("work_id"), works.c.title)
    shown = sa.func.coalesce(claims.c.name, refs.c.name).label("name")
    since = sa.func.coalesce(claims.c.since, refs.c.added).label("added")
    joined = refs.outerjoin(claims, claims.c.ref_id == refs.c.id).join(works, at)
    return (
        sa.select(*columns, shown, since, _claimant.label("org_id"))
        .select_from(joined)
        .where(who.sees(claims))
    )


def _work_json(row: sa.Row[Any], named_by: dict[int, list[str]]) -> Json:
    return {
        "id": str(row.id),
        "title": printable(row.title),
        "kind": row.kind,
        "owner": printable(row.owner),
        "org": None if row.org_id is None else str(row.org_id),
        "identifiers": named_by[row.id],
        "references": row.many,
    }


def _reference_json(row: sa.Row[Any]) -> Json:
    return {
        "id": str(row.id),
        "name": printable(row.name),
        "work": {"id": str(row.work_id), "title": printable(row.title)},
        "org": str(row.org_id) if row.org_id else None,
        "sha256": row.sha256,
        "duration": round(row.duration, 3),
        "added": row.added,
    }


def _identifiers(read: Read, work_ids: list[int]) -> dict[int, list[str]]:
    named: dict[int, list[str]] = {work_id: [] for work_id in work_ids}
    order = (identifiers.c.scheme, identifiers.c.value)
    for row in read(sa.select(identifiers).where(identifiers.c.work_id.in_(work_ids)).order_by(*order)):
        named[row.work_id].append(f"{row.scheme}:{row.value}")
    return named


def _same(connection: sa.Connection, title: str, kind: str, owner: str) -> int | None:
    where = (works.c.title == title) & (works.c.kind == kind) & (works.c.owner == owner)
    return connection.scalar(sa.select(works.c.id).where(where))


def _found_or_made(connection: sa.Connection, org_id: int, what: Details) -> tuple[int, bool]:
    """A work that the command line registered for an owner of this name becomes the organisation's."""
    owner = str(connection.scalar(sa.select(orgs.c.name).where(orgs.c.id == org_id)))
    work_id = _same(connection, what.title, what.kind, owner)
    held_by = sa.select(holdings.c.org_id).where(holdings.c.work_id == work_id)
    if connection.scalar(held_by) not in (None, org_id):
        raise Conflict(
            "exists", f"a work of this title, kind and owner {owner!r} is held already: give another title"
        )
    if work_id is None:
        values = {"title": what.title, "kind": what.kind, "owner": owner}
        work_id = int(
            connection.execute(sa.insert(works).values(**values).returning(works.c.id)).scalar_one()
        )
        _add_identifiers(connection, work_id, what.identifiers)
    return work_id, _hold(connection, org_id, work_id)


def _add_identifiers(connection: sa.Connection, work_id: int, pairs: Iterable[tuple[str, str]]) -> None:
    rows = connection.execute(sa.select(identifiers).where(identifiers.c.work_id == work_id))
    for scheme, value in sorted(set(pairs) - {(row.scheme, row.value) for row in rows}):
        connection.execute(sa.insert(identifiers).values(work_id=work_id, scheme=scheme, value=value))


def _claim(connection: sa.Connection, ref_id: int, org_id: int, work_id: int, name: str) -> None:
    of_ref = connection.execute(sa.select(claims.c.org_id).where(claims.c.ref_id == ref_id)).scalars().all()
    if org_id in of_ref:
        return
    _insert_claim(connection, ref_id, org_id, work_id, name)
    if not of_ref:
        _move(connection, ref_id, org_id, work_id)


def _claim_of_holder(connection: sa.Connection, ref_id: int, org_id: int) -> None:
    """Gives a reference that nobody claims to whose it is, before ``org_id`` claims it: to who holds its work, to the
    organisation that it was registered for, else to the administration. What is ``org_id``'s own is left to claim.
    """
    at = refs.join(works, works.c.id == refs.c.work_id)
    at = at.outerjoin(holdings, holdings.c.work_id == works.c.id).outerjoin(
        orgs, orgs.c.name == works.c.owner
    )
    columns = (refs.c.work_id, refs.c.name, holdings.c.org_id, orgs.c.id.label("named"))
    row = connection.execute(sa.select(*columns).select_from(at).where(refs.c.id == ref_id)).one_or_none()
    if row is None:  # removed meanwhile, or on the air
        return
    claimed = connection.execute(sa.select(claims.c.org_id).where(claims.c.ref_id == ref_id)).first()
    if row.org_id is None and row.named is not None and (claimed or row.named != org_id):
        _hold(connection, row.named, row.work_id)
    holder = row.named if row.org_id is None else row.org_id
    if claimed is None and holder != org_id:
        _insert_claim(connection, ref_id, holder or administration(connection), row.work_id, row.name)


def _insert_claim(connection: sa.Connection, ref_id: int, org_id: int, work_id: int, name: str) -> None:
    values = {"ref_id": ref_id, "org_id": org_id, "work_id": work_id, "name": name, "since": now()}
    connection.execute(sa.insert(claims).values(**values))


def _move(connection: sa.Connection, ref_id: int, org_id: int, work_id: int) -> None:
    """Puts the reference under the work; the one that it leaves is the organisation's too, to change or to remove."""
    left = connection.execute(sa.select(refs.c.work_id).where(refs.c.id == ref_id)).scalar_one()
    connection.execute(sa.update(refs).where(refs.c.id == ref_id).values(work_id=work_id))
    _hold(connection, org_id, left)


def _hold(connection: sa.Connection, org_id: int, work_id: int) -> bool:
    """Makes a work that nobody holds the organisation's, with what the administration claimed of it; whether nobody did."""
    held = connection.scalar(sa.select(holdings.c.org_id).where(holdings.c.work_id == work_id))
    if held is None:
        connection.execute(sa.insert(holdings).values(work_id=work_id, org_id=org_id, since=now()))
        _pass_on(connection, org_id, work_id)
    return held is None


def _pass_on(connection: sa.Connection, org_id: int, work_id: int) -> None:
    """Makes the administration's claims under a work the organisation's, with their overlaps; those it has itself go."""
    administrations = sa.select(orgs.c.id).where(orgs.c.name == ADMINISTRATION, orgs.c.id != org_id)
    theirs = (claims.c.org_id == administrations.scalar_subquery()) & (claims.c.work_id == work_id)
    for ref_id, before in connection.execute(sa.select(claims.c.ref_id, claims.c.org_id).where(theirs)).all():
        of_ref = claims.c.ref_id == ref_id
        if connection.execute(sa.select(claims).where(of_ref, claims.c.org_id == org_id)).first():
            connection.execute(sa.delete(claims).where(theirs, of_ref))
            without_claim(connection, ref_id, before)
        else:
            connection.execute(sa.update(claims).where(theirs, of_ref).values(org_id=org_id))
            pass_on(connection, ref_id, before, org_id)


def _unclaim(connection: sa.Connection, ref_id: int, org_id: int) -> None:
    """Takes a claim away; who is left has the reference, and with the last claim it goes."""
    connection.execute(sa.delete(claims).where((claims.c.ref_id == ref_id) & (claims.c.org_id == org_id)))
    without_claim(connection, ref_id, org_id)
    left = connection.execute(sa.select(claims.c.work_id).where(claims.c.ref_id == ref_id)).scalars().all()
    if left:
        connection.execute(sa.update(refs).where(refs.c.id == ref_id).values(work_id=left[0]))
    else:
        connection.execute(sa.delete(refs).where(refs.c.id == ref_id))
