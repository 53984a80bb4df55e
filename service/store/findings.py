"""Answers as they are told: with licences, overlaps and people's verdicts; lists of them; coverage of works."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evidence.answer import Json
from index.database import fingerprints, refs, works
from service.rights import Claim, Known, Overlap, judged, ref_ids
from service.store import licences
from service.store.caller import Caller
from service.store.errors import Missing, Unfit
from service.store.paging import Page, Read, cursor, number, paged
from service.store.store import Store, now
from service.store.tables import answers, claims, findings, overlaps, verdicts
from service.store.works import list_references

# Stored statuses that may be told as this one: licences and the caller's role make less of a match.
_TOLD_AS = {
    "match": ("match",),
    "review": ("match", "review"),
    "licensed": ("match", "review"),
    "no-match": ("match", "review", "no-match"),
    "error": ("error",),
}
MOST_READ = (
    1000  # answers that are read for one page: where fewer fit a filter, the page is short and has a next
)
_KEYS = [answers.c.created, answers.c.id]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which answers: of a status as told, a case, a work, since a time, with this in the name; all judged or not."""

    status: str | None = None
    case_id: str | None = None
    work_id: str | None = None
    since: str | None = None
    reviewed: bool | None = None
    text: str = ""


def note_findings(connection: sa.Connection, answer_id: str, matches: Iterable[Json]) -> None:
    """Notes which references a new answer tells of: by this it is found again."""
    for ref_id in sorted(ref_ids(matches)):
        connection.execute(sa.insert(findings).values(answer_id=answer_id, ref_id=ref_id))


def list_answers(store: Store, who: Caller, page: Page, wanted: Filter) -> Json:
    """A page of the caller's answers, the last first."""
    query = _wanted(sa.select(answers).where(who.sees(answers)), wanted)
    items: list[Json] = []
    after, read = page.after, 0
    while True:
        rows = paged(store.rows, query, _KEYS, Page(page.limit, after), last_first=True)
        for row, item in zip(rows[: page.limit], _told(store.rows, who, rows[: page.limit]), strict=True):
            if len(items) == page.limit:
                return {"items": items, "next": after}
            items += [item] if wanted.status in (None, item["status"]) else []
            after, read = cursor(row, ["created", "id"]), read + 1
        if len(rows) <= page.limit:
            return {"items": items, "next": None}
        if len(items) == page.limit or read >= MOST_READ:
            return {"items": items, "next": after}


def answer(read: Read, who: Caller, answer_id: str) -> Json:
    """An answer of the caller's. Raises Missing."""
    return _told(read, who, [_row(read, who, answer_id)])[0]


def told(store: Store, who: Caller, answer_json: Json, captured: Json, registering: Iterable[int]) -> Json:
    """An answer that is not kept, such as that to a fingerprint, as `answer` would tell it.

    ``registering`` are the organisations of which originals were not registered yet while it was examined.
    """
    answer_json = answer_json | {"registering": registering}
    known = known_of(store.rows, ref_ids(answer_json["matches"]))
    return judged(answer_json, captured, known, _only(who))


def add_verdict(store: Store, who: Caller, answer_id: str, ref_id: str, verdict: str, note: str) -> Json:
    """Keeps what a person makes of a match. Raises Missing, Unfit."""
    shown = answer(store.rows, who, answer_id)
    if ref_id not in {match["reference"]["id"] for match in shown["matches"]}:
        raise Unfit(
            f"answer {answer_id} has no match of reference {ref_id[:40]!r}: give the id in one of its matches"
        )
    values = {"answer_id": answer_id, "ref_id": number(ref_id), "verdict": verdict, "note": note}
    with store.write() as connection:
        made = sa.insert(verdicts).values(**values, actor=who.name, at=now()).returning(verdicts)
        return _verdict_json(connection.execute(made).one())


def list_verdicts(store: Store, who: Caller, answer_id: str, page: Page) -> Json:
    """All that people made of an answer's matches, in their order. Raises Missing."""
    _row(store.rows, who, answer_id)
    query = sa.select(verdicts).where(verdicts.c.answer_id == answer_id)
    rows = paged(store.rows, query, [verdicts.c.id], page, last_first=False)
    shown = rows[: page.limit]
    return {
        "items": [_verdict_json(row) for row in shown],
        "next": cursor(shown[-1], ["id"]) if len(rows) > page.limit else None,
    }


def coverage(store: Store, who: Caller, work_id: str, page: Page) -> Json:
    """Which seconds of a work's references were found in captures that the caller sees. Raises nothing."""
    listed = list_references(store, who, page, work_id)
    items = [_covered(store.rows, who, one) for one in listed["items"]]
    return {"items": items, "next": listed["next"]}


def _covered(read: Read, who: Caller, reference: Json) -> Json:
    ref_id = int(reference["id"])
    of_ref = (
        sa.select(answers.c.answer).join(findings).where(findings.c.ref_id == ref_id).where(who.sees(answers))
    )
    # The last thousand: a page must not read all that was ever answered about a hit.
    rows = read(of_ref.order_by(answers.c.created.desc()).limit(MOST_READ))
    matched = [m for row in rows for m in row.answer["matches"] if m["reference"]["id"] == reference["id"]]
    spans = [
        (s["ref_start"], s["ref_end"]) for m in matched if m["verdict"] == "match" for s in m["segments"]
    ]
    found = _union(spans)
    codes = read(
        sa.select(fingerprints.c.algorithm, fingerprints.c.count.label("codes")).where(
            fingerprints.c.ref_id == ref_id
        )
    )
    return {
        "reference": {"id": reference["id"], "name": reference["name"]},
        "duration": reference["duration"],
        "codes": {row.algorithm: row.codes for row in codes},
        "found": [{"start": start, "end": end} for start, end in found],
        "found_seconds": round(sum(end - start for start, end in found), 3),
        "answers": len(rows),
    }


def _union(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches that cover what these cover, apart from each other, ascending."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _row(read: Read, who: Caller, answer_id: str) -> sa.Row[Any]:
    rows = read(sa.select(answers).where(answers.c.id == answer_id, who.sees(answers)))
    if not rows:
        raise Missing("match", answer_id)
    return rows[0]


def _wanted(query: sa.Select[Any], wanted: Filter) -> sa.Select[Any]:
    if wanted.status is not None:
        query = query.where(answers.c.status.in_(_TOLD_AS[wanted.status]))
    if wanted.case_id is not None:
        query = query.where(answers.c.case_id == wanted.case_id)
    if wanted.since is not None:
        query = query.where(answers.c.created >= wanted.since)
    if wanted.text:
        query = query.where(answers.c.name.icontains(wanted.text, autoescape=True))
    if wanted.work_id is not None:
        of_work = sa.select(claims.c.ref_id).where(claims.c.work_id == number(wanted.work_id))
        bare = sa.select(refs.c.id).where(refs.c.work_id == number(wanted.work_id))
        held = sa.select(findings.c.answer_id).where(findings.c.ref_id.in_(sa.union(of_work, bare)))
        query = query.where(answers.c.id.in_(held))
    if wanted.reviewed is not None:
        judged_refs = sa.select(verdicts.c.ref_id).where(verdicts.c.answer_id == answers.c.id)
        of_answer = (findings.c.answer_id == answers.c.id) & findings.c.ref_id.not_in(judged_refs)
        left = sa.exists().where(of_answer)
        query = query.where(~left if wanted.reviewed else left)
    return query


def _only(who: Caller) -> int | None:
    """A rights holder is told of no other's works: else any clip would tell what others have registered."""
    return who.org_id if who.role == "holder" else None


def _told(read: Read, who: Caller, rows: list[sa.Row[Any]]) -> list[Json]:
    last = _last_verdicts(read, [row.id for row in rows])
    known = known_of(read, {ref_id for row in rows for ref_id in ref_ids(row.answer["matches"])})
    shown = []
    for row in rows:
        mine = Known(known.claims, known.licences, known.overlaps, last.get(row.id, {}))
        about = {"id": row.id, "created": row.created, "case": row.case_id, "captured": row.captured}
        about["job"] = None  # of answers that were kept before they named it
        shown.append(about | judged(row.answer, row.captured, mine, _only(who)))
    return shown


def known_of(read: Read, ids: set[int]) -> Known:
    """What is known about references: whose they are, where they may be shown, who else claims them."""
    if not ids:
        return Known()
    held: dict[int, list[Claim]] = {}
    at = claims.join(works, works.c.id == claims.c.work_id)
    asked = sa.select(claims, works.c.title, works.c.owner).select_from(at).where(claims.c.ref_id.in_(ids))
    for row in read(asked.order_by(claims.c.since)):
        held.setdefault(row.ref_id, []).append(Claim(row.org_id, row.work_id, row.title, row.owner))
    rows = read(sa.select(overlaps).where(overlaps.c.ref_id.in_(ids) | overlaps.c.other_ref_id.in_(ids)))
    shared = [
        Overlap(r.id, frozenset({(r.ref_id, r.org_id), (r.other_ref_id, r.other_org_id)}), r.owner_org_id)
        for r in rows
    ]
    works_of = {claim.work_id for of_ref in held.values() for claim in of_ref}
    return Known(held, licences.of_works(read, works_of), shared)


def _last_verdicts(read: Read, ids: list[str]) -> dict[str, dict[int, Json]]:
    """The last verdict on each reference of each answer."""
    last: dict[str, dict[int, Json]] = {}
    for row in read(sa.select(verdicts).where(verdicts.c.answer_id.in_(ids)).order_by(verdicts.c.id)):
        last.setdefault(row.answer_id, {})[row.ref_id] = _verdict_json(row)
    return last


def _verdict_json(row: sa.Row[Any]) -> Json:
    about = {"id": str(row.id), "reference": str(row.ref_id)}
    return about | {name: getattr(row, name) for name in ("verdict", "note", "actor", "at")}
