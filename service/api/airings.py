"""Times that works were on in streams, and that somebody has seen to them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from service.api.access import needs, store
from service.api.pages import Asked
from service.api.schemas import Body, Id
from service.api.stream_schemas import AiringsOnAir
from service.store import airings
from service.store.airings import Wanted
from service.store.caller import Caller
from service.store.store import Store

router = APIRouter(prefix="/v1/airings", tags=["streams"])
Who = Annotated[Caller, needs("streams")]
Held = Annotated[Store, Depends(store)]
Seen = Annotated[
    bool | None,
    Query(description="Those that somebody marked as seen, or those that nobody has, without licensed ones."),
]


class SeenIn(Body):
    """The airings that somebody has seen to, by ``id``."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=200)]


class SeenOut(BaseModel):
    """How many of them were not marked before."""

    marked: int


@router.get("", response_model=AiringsOnAir, response_model_exclude_unset=True)
def list_airings(who: Who, held: Held, page: Asked, stream: Id | None = None, seen: Seen = None) -> Any:
    """Times that works were on in the caller's streams, the last first: of a stream, those that were seen or not."""
    return airings.list_airings(held, who, page, Wanted(stream_id=stream, seen=seen))


@router.post("/seen", response_model=SeenOut)
def mark_seen(body: SeenIn, who: Who, held: Held) -> Any:
    """Marks airings as seen: nobody of the organisation needs to see to them any more."""
    return {"marked": airings.mark_seen(held, who, body.ids)}
