"""Cases: what captures belong to."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from service.api.access import needs, store
from service.api.etags import Answered, Seen, etag
from service.api.pages import Asked
from service.api.schemas import Case, CaseChange, CaseIn, Cases
from service.api.text import Search
from service.store import cases
from service.store.caller import Caller
from service.store.store import Store

router = APIRouter(prefix="/v1/cases", tags=["cases"])
Who = Annotated[Caller, needs("cases")]
Held = Annotated[Store, Depends(store)]


@router.get("", response_model=Cases)
def list_cases(who: Who, held: Held, page: Asked, q: Search = "", closed: bool | None = None) -> Any:
    """Cases, the last first."""
    return cases.list_cases(held, who, page, q, closed)


@router.post("", status_code=201, response_model=Case)
def create_case(body: CaseIn, who: Who, held: Held, response: Response) -> Any:
    """Opens a case."""
    made = cases.create(held, who, body.name)
    response.headers["Location"] = f"/v1/cases/{made['id']}"
    response.headers["ETag"] = etag(made)
    return made


@router.get("/{case_id}", response_model=Case)
def get_case(case_id: str, who: Who, held: Held, response: Response, answered: Answered) -> Any:
    """A case."""
    return answered(response, cases.case(held.rows, who, case_id))


@router.patch("/{case_id}", response_model=Case)
def change_case(case_id: str, body: CaseChange, who: Who, held: Held, response: Response, seen: Seen) -> Any:
    """Renames, closes or opens a case."""
    changed = cases.change(held, who, case_id, body.name, body.closed, seen)
    response.headers["ETag"] = etag(changed)
    return changed
