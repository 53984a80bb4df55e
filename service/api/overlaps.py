"""Overlaps: the same stretch in works of two organisations."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from service.api.access import needs, store
from service.api.pages import Asked
from service.api.schemas import Overlap, Overlaps, Resolution
from service.store import overlaps
from service.store.caller import Caller
from service.store.store import Store

router = APIRouter(prefix="/v1/overlaps", tags=["overlaps"])
Held = Annotated[Store, Depends(store)]


@router.get("", response_model=Overlaps)
def list_overlaps(
    who: Annotated[Caller, needs("works:read")], held: Held, page: Asked, resolved: bool | None = None
) -> Any:
    """Overlaps that the caller's organisation is a side of."""
    return overlaps.list_overlaps(held, who, page, resolved)


@router.post("/{overlap_id}/resolve", response_model=Overlap)
def resolve_overlap(
    overlap_id: str, body: Resolution, who: Annotated[Caller, needs("works:write")], held: Held
) -> Any:
    """Says whose a stretch is: an administrator either side's, a side only that it is the other's."""
    return overlaps.resolve(held, who, overlap_id, body.owner)
