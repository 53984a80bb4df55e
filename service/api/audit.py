"""The log of who did what, an administrator's to read."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from service.api.access import needs, store
from service.api.pages import Asked
from service.store import audit
from service.store.caller import Caller
from service.store.store import Store

router = APIRouter(prefix="/v1/audit", tags=["accounts"])
_SEEN = r"^[^\x00]*$"


class Entry(BaseModel):
    """Something that was done or refused: ``action`` as a method and a route, ``object`` the path that was asked."""

    id: str
    at: str
    request: str
    actor: str
    org: str
    action: str
    object: str
    detail: dict[str, Any]


class EntryPage(BaseModel):
    """A page of the log, newest first."""

    items: list[Entry]
    next: str | None


@router.get("", response_model=EntryPage)
def list_audit(
    who: Annotated[Caller, needs("audit")],
    held: Annotated[Store, Depends(store)],
    page: Asked,
    actor: Annotated[
        str | None, Query(max_length=500, pattern=_SEEN, description="The name of who did it.")
    ] = None,
    object: Annotated[
        str | None, Query(max_length=500, pattern=_SEEN, description="A path, and all below it.")
    ] = None,
) -> Any:
    """What was done and by whom, newest first."""
    return audit.list_audit(held, page, actor, object)
