"""The first page: hand in a capture, see what is under way and what was found; and the search box."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from service.web.rendering import page
from service.web.visitor import Api, Signed

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request, api: Api, who: Signed) -> Response:
    """Hand in, under way, latest answers."""
    if not who.may("uploads"):
        return RedirectResponse("/review", 303)
    return page(
        request, "home.html", who,
        jobs=[job for job in await api.items("/v1/jobs", limit=20) if job["state"] in ("queued", "running")],
        answers=await api.items("/v1/matches", limit=10),
        cases=await api.items("/v1/cases", limit=100) if who.may("cases") else [],
    )  # fmt: skip


@router.get("/search")
async def search(request: Request, api: Api, who: Signed, q: str = "") -> Response:
    """Captures, works and cases that a word or number is in."""
    q = q.strip()[:200]
    found: dict[str, Any] = {
        "answers": await api.items("/v1/matches", q=q, limit=20) if q and who.may("matches:read") else [],
        "works": await api.items("/v1/works", q=q, limit=20) if q and who.may("works:read") else [],
        "cases": await api.items("/v1/cases", q=q, limit=20) if q and who.may("cases") else [],
    }
    return page(request, "search.html", who, q=q, **found)
