"""Signing in and out: an API key becomes a session of this browser, or a provider says who it is."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Cookie, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.web.backend import Refusal
from service.web.rendering import page
from service.web.visitor import Api, Token

router = APIRouter(include_in_schema=False)
FORM = (
    "whorl_form"  # the cookie that ties the form to the browser that asked for it, before there is a session
)


@router.get("/sign-in")
def form(request: Request, next: str = "/", problem: str = "") -> Response:
    """The form. ``next`` is where to go then."""
    mark = request.cookies.get(FORM) or secrets.token_urlsafe(24)
    oidc = bool(getattr(request.app.state.settings, "oidc_issuer", ""))
    response = page(
        request,
        "sign_in.html",
        None,
        401 if problem else 200,
        next=_ours(next),
        problem=problem,
        mark=mark,
        oidc=oidc,
    )
    response.set_cookie(FORM, mark, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return response


@router.post("/sign-in")
async def sign_in(
    request: Request,
    api: Api,
    key: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
    csrf: Annotated[str, Form()] = "",
    whorl_form: Annotated[str, Cookie()] = "",
) -> Response:
    """Takes a key for a session."""
    if not (csrf and secrets.compare_digest(csrf.encode(), whorl_form.encode())):
        return form(request, next, "This form is no longer valid. Try again.")
    answer = await api.ask("POST", "/v1/sessions", {"key": key.strip()})
    if not answer.is_success:
        return form(
            request,
            next,
            "This key is not known, has expired, or was revoked. Ask your administrator for another.",
        )
    response = RedirectResponse(_ours(next), 303)
    for cookie in answer.headers.get_list("set-cookie"):
        response.headers.append("set-cookie", cookie)
    return response


@router.post("/sign-out")
async def sign_out(api: Api, csrf: Token) -> Response:
    """Ends the session."""
    answer = await api.ask("DELETE", "/v1/sessions", csrf=csrf)
    if answer.status_code not in (200, 204, 401):
        raise Refusal(
            answer.status_code, "sign-out", "You are still signed in. Reload the page and try again."
        )
    response = RedirectResponse("/sign-in", 303)
    for cookie in answer.headers.get_list("set-cookie"):
        response.headers.append("set-cookie", cookie)
    return response


def _ours(address: str) -> str:
    """The address if it is a path of this service, else the first page: nobody is sent elsewhere."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inside else "/"
