"""References: the registered files of works."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from service.api.access import needs, store
from service.api.etags import Answered
from service.api.pages import Asked
from service.api.receiving import incoming
from service.api.schemas import Id, Reference, References
from service.incoming import Incoming
from service.store import works
from service.store.caller import Caller
from service.store.store import Store

router = APIRouter(prefix="/v1/references", tags=["references"])
Reader = Annotated[Caller, needs("works:read")]
Writer = Annotated[Caller, needs("works:write")]
Held = Annotated[Store, Depends(store)]
Files = Annotated[Incoming, Depends(incoming)]


@router.get("", response_model=References)
def list_references(who: Reader, held: Held, page: Asked, work: Id | None = None) -> Any:
    """References, of one `work` where that is given."""
    return works.list_references(held, who, page, work)


@router.get("/{reference_id}", response_model=Reference)
def get_reference(reference_id: str, who: Reader, held: Held, response: Response, answered: Answered) -> Any:
    """A reference."""
    return answered(response, works.reference(held, who, reference_id))


@router.delete("/{reference_id}", status_code=204)
def remove_reference(reference_id: str, who: Writer, held: Held) -> None:
    """Removes a reference, at once and for good; where another organisation claims the same bytes, the caller's claim."""
    works.remove_reference(held, who, reference_id)
