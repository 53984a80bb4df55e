"""What was found in a capture, and what people make of it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from evidence.answer import Json
from service.web.backend import Backend, Refusal
from service.web.drawing import drawn, played
from service.web.media import held_sides
from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)
WANTED = {"undecided": {"status": "review", "review": "undecided"}, "decided": {"review": "decided"}}


@router.get("/answers")
async def answers(request: Request, api: Api, who: Signed, status: str = "", after: str = "") -> Response:
    """All answers that the visitor may see, newest first."""
    found = await api.get("/v1/matches", status=status, after=after, limit=50)
    return page(request, "answers.html", who, answers=found["items"], next=found["next"], status=status)


@router.get("/answers/{match_id}")
async def answer(request: Request, api: Api, who: Signed, match_id: str) -> Response:
    """An answer: two timelines for each match, the player, pictures, verdicts."""
    shown = await _shown(request, api, who.may("reviews"), match_id)
    part = request.headers.get("hx-request") == "true"
    return page(request, "answer_body.html" if part else "answer.html", who, answer=shown, played=played)


@router.post("/answers/{match_id}/matches/{reference_id}/verdict")
async def judge(
    request: Request, api: Api, who: Signed, csrf: Token, match_id: str, reference_id: str,
    verdict: Annotated[str, Form()], note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Keeps a verdict; the part of the page with all verdicts of the match."""
    body = {"reference": reference_id, "verdict": verdict, "note": note}
    await api.send("POST", f"/v1/matches/{match_id}/verdicts", body, csrf)
    shown = await _shown(request, api, who.may("reviews"), match_id)
    match = next((one for one in shown["matches"] if one["reference"]["id"] == reference_id), None)
    if match is None:
        raise Refusal(404, "not-found", f"no match with reference {reference_id} in this answer")
    response = page(request, "verdicts.html", who, answer=shown, match=match)
    response.headers["HX-Trigger-After-Settle"] = "judged"
    return response


@router.get("/review")
async def review(request: Request, api: Api, who: Signed, show: str = "undecided") -> Response:
    """The queue: captures whose matches wait for a person, one of them open beside it."""
    wanted = WANTED.get(show, {})
    queue = await api.items("/v1/matches", limit=50, **wanted)
    first = await _shown(request, api, who.may("reviews"), queue[0]["id"]) if queue else None
    return page(request, "review.html", who, queue=queue, answer=first, show=show, played=played)


async def _shown(request: Request, api: Backend, may_review: bool, match_id: str) -> Json:
    """The answer with its drawing, its verdicts and which of its media are at hand."""
    answer = drawn(await api.get(f"/v1/matches/{match_id}"))
    verdicts = await api.items(f"/v1/matches/{match_id}/verdicts")
    for match in answer["matches"]:
        match["verdicts"] = [one for one in verdicts if one["reference"] == match["reference"]["id"]]
        match["held"] = held_sides(request.app, answer, match)
    again = await _job(api, answer["job"])
    kept = again is not None and request.app.state.incoming.path(again["upload"]).is_file()
    return answer | {"may_review": may_review, "again": again, "kept": kept}


async def _job(api: Backend, job_id: str | None) -> Json | None:
    """The job that examined it; None where that is not known, or no business of the visitor's key."""
    response = await api.ask("GET", f"/v1/jobs/{job_id}") if job_id else None
    found: Json | None = response.json() if response is not None and response.is_success else None
    return found
