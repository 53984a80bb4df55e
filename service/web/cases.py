"""Cases of an investigating unit, and the captures in each."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)


@router.get("/cases")
async def cases(request: Request, api: Api, who: Signed) -> Response:
    """All cases."""
    return page(request, "cases.html", who, cases=(await api.get("/v1/cases", limit=200))["items"])


@router.post("/cases")
async def open_case(api: Api, csrf: Token, name: Annotated[str, Form()]) -> Response:
    """Opens a case and shows it."""
    made = await api.send("POST", "/v1/cases", {"name": name}, csrf)
    return RedirectResponse(f"/cases/{made['id']}", 303)


@router.get("/cases/{case_id}")
async def case(request: Request, api: Api, who: Signed, case_id: str) -> Response:
    """A case and its captures."""
    found = await api.get(f"/v1/cases/{case_id}")
    answers = await api.items("/v1/matches", case=case_id, limit=100)
    return page(request, "case.html", who, case=found, answers=answers)


@router.post("/cases/{case_id}")
async def change_case(
    api: Api,
    csrf: Token,
    case_id: str,
    name: Annotated[str, Form()] = "",
    closed: Annotated[str, Form()] = "",
) -> Response:
    """Renames, closes or opens again."""
    body = ({"name": name} if name else {}) | ({"closed": closed == "yes"} if closed else {})
    await api.send("PATCH", f"/v1/cases/{case_id}", body, csrf)
    return RedirectResponse(f"/cases/{case_id}", 303)
