"""Jobs: what is under way, what failed and why."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.web.backend import Refusal
from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)


@router.get("/jobs")
async def jobs(request: Request, api: Api, who: Signed, state: str = "", after: str = "") -> Response:
    """Jobs, newest first."""
    found = await api.get("/v1/jobs", state=state, after=after, limit=50)
    return page(request, "jobs.html", who, jobs=found["items"], next=found["next"], state=state)


@router.get("/jobs/{job_id}/card")
async def card(request: Request, api: Api, who: Signed, job_id: str) -> Response:
    """One job as it stands."""
    return page(request, "job_card.html", who, job=await api.get(f"/v1/jobs/{job_id}"))


@router.post("/jobs/{job_id}/{change}")
async def change(request: Request, api: Api, who: Signed, csrf: Token, job_id: str, change: str) -> Response:
    """Cancels a job or does it again."""
    if change not in ("cancel", "retry"):
        raise Refusal(404, "not-found", f"a job cannot be told to {change}")
    await api.send("POST", f"/v1/jobs/{job_id}/{change}", csrf=csrf)
    return page(request, "job_card.html", who, job=await api.get(f"/v1/jobs/{job_id}"))
