"""Overlaps: stretches that two organisations claim, until somebody says whose they are."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)


@router.get("/overlaps")
async def overlaps(request: Request, api: Api, who: Signed, after: str = "") -> Response:
    """All that the visitor's organisation has a part in."""
    found = await api.get("/v1/overlaps", after=after, limit=50)
    return page(request, "overlaps.html", who, overlaps=found["items"], next=found["next"])


@router.post("/overlaps/{overlap_id}")
async def resolve(api: Api, csrf: Token, overlap_id: str, owner: Annotated[str, Form()]) -> Response:
    """Says whose it is."""
    await api.send("POST", f"/v1/overlaps/{overlap_id}/resolve", {"owner": owner}, csrf)
    return RedirectResponse("/overlaps", 303)
