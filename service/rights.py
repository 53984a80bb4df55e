"""What makes an infringement of a match, or not: licences, allowed places, whose the work is.

Pure functions of an answer and of what is known about its references; `service/store/findings.py` finds that out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
# ISO 3166-1 alpha-2.
_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_CODES.split())
HALF = 0.5  # of the shorter match that must lie in the other for both to be of the same stretch


@dataclass(frozen=True, slots=True)
class Licence:
    """Where and when a work may be shown; null means anywhere, at any time. From ``starts`` on, before ``ends``."""

    id: int
    territory: str | None = None
    place: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None

    def allows(self, captured: Json) -> bool:
        """Whether what was captured at {"place", "territory", "at"} is allowed. What is not known is not allowed."""
        there = self.territory is None or self.territory == captured.get("territory")
        return there and self._place(captured.get("place")) and self._time(captured.get("at"))

    def _place(self, place: str | None) -> bool:
        if self.place is None:
            return True
        found, allowed = host(place or ""), host(self.place)
        # A channel's name is that channel; a host's name is all below it too.
        return found == allowed or ("." in allowed and found.endswith(f".{allowed}"))

    def _time(self, at: str | None) -> bool:
        if self.starts is None and self.ends is None:
            return True
        if at is None:
            return False
        moment = utc(at)
        return (self.starts is None or self.starts <= moment) and (self.ends is None or moment < self.ends)


@dataclass(frozen=True, slots=True)
class Claim:
    """That a reference is an organisation's, under its work."""

    org_id: int
    work_id: int
    title: str
    owner: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """That a stretch is in references of two organisations. ``owner`` is whose it is, once that is resolved."""

    id: int
    sides: frozenset[tuple[int, int]]  # (reference, organisation)
    owner: int | None = None

    @property
    def refs(self) -> frozenset[int]:
        """The references; one, where both handed in the same bytes."""
        return frozenset(ref_id for ref_id, _ in self.sides)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about the references of an answer; licences are by work."""

    claims: dict[int, list[Claim]] = field(default_factory=dict)
    licences: dict[int, list[Licence]] = field(default_factory=dict)
    overlaps: Sequence[Overlap] = ()
    verdicts: dict[int, Json] = field(default_factory=dict)


def host(place: str) -> str:
    """What names a place: of a URL its host, without port; else the name; in lower case."""
    name = place.strip().lower()
    if "://" in name:
        try:
            name = urlsplit(name).hostname or ""
        except ValueError:
            name = ""
    return name.rstrip(".")


def utc(text: str) -> datetime:
    """The moment of an ISO 8601 text; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def ref_ids(matches: Iterable[Json]) -> set[int]:
    """The references of matches and of those that they explain."""
    found = set[int]()
    for match in matches:
        found |= {int(match["reference"]["id"])} | ref_ids(match.get("also_in", ()))
        found |= {int(ref_id) for ref_id in match.get("tied_with", ())}
    return found


def judged(answer: Json, captured: Json, known: Known, only: int | None = None) -> Json:
    """The answer with ``licensed``, ``overlap`` and ``verdict_of_review`` at its matches, one match a stretch.

    Its status is "licensed" where all that was found is. With ``only``, nothing is told but that organisation's works, nor
    that others' are being registered.
    """
    matches = answer["matches"]
    if only is not None:
        matches = _of(matches, known, only)
    matches = [_told(match, captured, known) for match in _one_a_stretch(matches, known)]
    missed = any(only in (None, org_id) for org_id in answer.get("registering", ()))
    return {**answer, "status": _status(answer, matches), "matches": matches, "registering": missed}


def _status(answer: Json, matches: Sequence[Json]) -> str:
    if answer["error"] is not None:
        return "error"
    verdicts = {"licensed" if "licensed" in match else match["verdict"] for match in matches}
    return next((status for status in ("match", "review", "licensed") if status in verdicts), "no-match")


def _of(matches: Iterable[Json], known: Known, org_id: int) -> list[Json]:
    """Those of references that the organisation claims."""

    def own(ref_id: str) -> bool:
        return any(claim.org_id == org_id for claim in known.claims.get(int(ref_id), ()))

    kept = []
    for match in matches:
        inner = _of(match.get("also_in", ()), known, org_id)
        tied = [ref_id for ref_id in match.get("tied_with", ()) if own(ref_id)]
        # What a stranger's work explained stands for itself where that work is not told.
        kept += [_with(match, inner, tied)] if own(match["reference"]["id"]) else inner
    return kept


def _with(match: Json, also_in: Sequence[Json], tied_with: Sequence[str]) -> Json:
    rest = {key: value for key, value in match.items() if key not in ("also_in", "tied_with")}
    more: Json = {"also_in": list(also_in)} if also_in else {}
    return rest | more | ({"tied_with": list(tied_with)} if tied_with else {})


def _one_a_stretch(matches: Sequence[Json], known: Known) -> list[Json]:
    """Of matches of one stretch that two organisations claim the owner's alone, or the best while that is open."""
    kept: list[Json] = []
    for match in matches:
        for n, before in enumerate(kept):
            shared = _shared(before, match, known)
            if shared is not None:
                kept[n] = _owners(before, match, shared)
                break
        else:
            kept.append(_without_twins(match, known))
    return kept


def _without_twins(match: Json, known: Known) -> Json:
    """The match without those it explains that are of the same stretch by another's claim."""
    best, inner = match, []
    for other in match.get("also_in", ()):
        shared = _shared(match, other, known)
        if shared is None:
            inner.append(other)
        elif _is_owners(other, shared) and not _is_owners(match, shared):
            best = other
    gone = {other["reference"]["id"] for other in match.get("also_in", ())} - {
        o["reference"]["id"] for o in inner
    }
    return _with(best, inner, [ref_id for ref_id in match.get("tied_with", ()) if ref_id not in gone])


def _shared(one: Json, other: Json, known: Known) -> Overlap | None:
    """The overlap by which two matches are of one stretch."""
    refs = frozenset((int(one["reference"]["id"]), int(other["reference"]["id"])))
    found = next((overlap for overlap in known.overlaps if overlap.refs == refs), None)
    return found if found is not None and _same_seconds(one, other) else None


def _same_seconds(one: Json, other: Json) -> bool:
    """Whether at least half of the shorter one's seconds of the capture are in the other too."""
    (first, last), (start, end) = _span(one), _span(other)
    return min(last, end) - max(first, start) >= HALF * min(last - first, end - start)


def _span(match: Json) -> tuple[float, float]:
    segments = match["segments"]
    return min(s["query_start"] for s in segments), max(s["query_end"] for s in segments)


def _owners(before: Json, match: Json, shared: Overlap) -> Json:
    """Which of two matches of one stretch is told."""
    other_way = _is_owners(match, shared) and not _is_owners(before, shared)
    kept, other = (match, before) if other_way else (before, match)
    tied = [ref_id for ref_id in kept.get("tied_with", ()) if ref_id != other["reference"]["id"]]
    return _with(kept, kept.get("also_in", ()), tied)


def _is_owners(match: Json, shared: Overlap) -> bool:
    """Whether it is of the reference of whom the stretch was resolved for."""
    return (int(match["reference"]["id"]), shared.owner) in shared.sides


def _told(match: Json, captured: Json, known: Known) -> Json:
    ref_id = int(match["reference"]["id"])
    claims = known.claims.get(ref_id, [])
    told = dict(match)
    at = [overlap for overlap in known.overlaps if ref_id in overlap.refs]
    if at:
        told["overlap"] = [
            {"id": str(o.id), "resolved": o.owner is not None, "references": sorted(map(str, o.refs))}
            for o in at
        ]
    owners = {overlap.owner for overlap in at if len(overlap.refs) == 1} - {None}
    mine = [claim for claim in claims if claim.org_id in owners]
    if mine:
        told["reference"] = told["reference"] | {"title": mine[0].title, "owner": mine[0].owner}
    licence = _licence(mine or claims, captured, known)
    if licence is not None:
        told["licensed"] = _licence_json(licence)
    if ref_id in known.verdicts:
        told["verdict_of_review"] = known.verdicts[ref_id]
    if "also_in" in told:
        told["also_in"] = [_told(other, captured, known) for other in told["also_in"]]
    return told


def _licence(claims: Sequence[Claim], captured: Json, known: Known) -> Licence | None:
    """One that allows it. While it is open whose a work is, a licence of either side stands: nobody is accused meanwhile."""
    of_works = (licence for claim in claims for licence in known.licences.get(claim.work_id, ()))
    return next((licence for licence in of_works if licence.allows(captured)), None)


def _licence_json(licence: Licence) -> Json:
    return {
        "licence": str(licence.id),
        "territory": licence.territory,
        "place": licence.place,
        "starts": licence.starts and licence.starts.isoformat(),
        "ends": licence.ends and licence.ends.isoformat(),
    }
