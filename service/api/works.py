"""Works: what an organisation holds the rights of, and where it may be shown."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from service.api.access import needs, store
from service.api.etags import Answered, Seen, etag
from service.api.pages import Asked
from service.api.problem import Problem
from service.api.schemas import Coverage, HeldLicences, Licences, Table, Work, WorkChange, WorkIn, Works
from service.api.stream_schemas import AiringsOnAir
from service.api.tables import works_of_table
from service.api.text import Identifier, Search
from service.store import airings, findings, licences, works
from service.store.airings import Wanted
from service.store.caller import Caller
from service.store.store import Store
from service.store.works import Details

router = APIRouter(prefix="/v1/works", tags=["works"])
Reader = Annotated[Caller, needs("works:read")]
Writer = Annotated[Caller, needs("works:write")]
Held = Annotated[Store, Depends(store)]


@router.get("", response_model=Works)
def list_works(
    who: Reader,
    held: Held,
    page: Asked,
    q: Search = "",
    identifier: Annotated[Identifier | None, Query()] = None,
) -> Any:
    """Works whose title or an identifier holds `q`, or that have an `identifier`."""
    pair = None if identifier is None else pairs([identifier])[0]
    return works.list_works(held, who, page, q, pair)


@router.post("", status_code=201, response_model=Work)
def create_work(body: WorkIn, who: Writer, held: Held, response: Response) -> Any:
    """A new work of the caller's organisation."""
    details = Details(body.title, body.kind, frozenset(pairs(body.identifiers)))
    return _made(response, works.create(held, who, details))


@router.post("/table", response_model=Table, openapi_extra=works_of_table.openapi)
def create_works(
    rows: Annotated[list[tuple[str, Details]], Depends(works_of_table)], who: Writer, held: Held
) -> Any:
    """Works of a table (CSV) with the columns title, kind, identifiers (parted by `;`) and file: all of them or none."""
    made = works.find_or_create(held, who.org_id, [details for _, details in rows])
    told = zip(rows, made, strict=True)
    items = [
        {"row": n, "file": file, "work": w, "new": new} for n, ((file, _), (w, new)) in enumerate(told, 1)
    ]
    return {"items": items}


@router.get("/{work_id}", response_model=Work)
def get_work(work_id: str, who: Reader, held: Held, response: Response, answered: Answered) -> Any:
    """A work."""
    return answered(response, works.work(held.rows, who, work_id))


@router.patch("/{work_id}", response_model=Work)
def change_work(
    work_id: str, body: WorkChange, who: Writer, held: Held, response: Response, seen: Seen
) -> Any:
    """Changes what is given of a work."""
    changes: dict[str, Any] = body.model_dump(exclude_none=True)
    if body.identifiers is not None:
        changes["identifiers"] = pairs(body.identifiers)
    return _tagged(response, works.change(held, who, work_id, changes, seen))


@router.delete("/{work_id}", status_code=204)
def remove_work(work_id: str, who: Writer, held: Held, seen: Seen) -> None:
    """Removes a work and its references, at once and for good."""
    works.remove(held, who, work_id, seen)


@router.get("/{work_id}/licences", response_model=HeldLicences)
def get_licences(work_id: str, who: Reader, held: Held, response: Response, answered: Answered) -> Any:
    """Where and when a work may be shown."""
    return answered(response, licences.of_work(held.rows, who, work_id))


@router.put("/{work_id}/licences", response_model=HeldLicences)
def put_licences(
    work_id: str, body: Licences, who: Writer, held: Held, response: Response, seen: Seen
) -> Any:
    """Puts these in the place of a work's licences."""
    for window in body.items:
        if window.starts and window.ends and window.ends <= window.starts:
            raise Problem(
                422, "invalid", f"a licence ends at {window.ends}, before it starts: turn the two round"
            )
    windows = [window.model_dump() for window in body.items]
    return _tagged(response, licences.put(held, who, work_id, windows, seen))


@router.get("/{work_id}/coverage", response_model=Coverage)
def get_coverage(work_id: str, who: Reader, held: Held, page: Asked) -> Any:
    """Which seconds of a work were found in captures, by reference."""
    works.work(held.rows, who, work_id)
    return findings.coverage(held, who, work_id, page)


@router.get("/{work_id}/airings", response_model=AiringsOnAir, response_model_exclude_unset=True)
def list_airings(work_id: str, who: Reader, held: Held, page: Asked) -> Any:
    """The times that a work was on in the organisation's streams, the last first."""
    works.work(held.rows, who, work_id)
    return airings.list_airings(held, who, page, Wanted(work_id=work_id))


def pairs(texts: list[str]) -> list[tuple[str, str]]:
    """(scheme, value) of identifiers that were checked."""
    return [(scheme, value) for scheme, _, value in (text.partition(":") for text in texts)]


def _tagged(response: Response, body: dict[str, Any]) -> dict[str, Any]:
    response.headers["ETag"] = etag(body)
    return body


def _made(response: Response, body: dict[str, Any]) -> dict[str, Any]:
    response.headers["Location"] = f"/v1/works/{body['id']}"
    return _tagged(response, body)
