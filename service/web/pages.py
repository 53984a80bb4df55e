"""The web page: `add_to(app)` puts its routes beside those of the API."""

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from service.web import admin, answers, assets, cases, home, jobs, media, session, works
from service.web.backend import Refusal
from service.web.rendering import page

TITLES = {403: "Not allowed", 404: "Not found", 409: "That does not go together", 429: "Too many requests"}


def add_to(app: FastAPI) -> None:
    """Adds all pages."""
    app.state.media = media.Uploaded(app)
    for module in (assets, session, home, answers, works, jobs, cases, admin, media):
        app.include_router(module.router)
    app.add_exception_handler(Refusal, _refused)  # type: ignore[arg-type]


def _refused(request: Request, error: Refusal) -> Response:
    """What a visitor sees where the API refused."""
    wanted_part = request.headers.get("hx-request") == "true"
    if error.status == 401:
        return _to_sign_in(request, wanted_part)
    if wanted_part or request.url.path.startswith("/media/"):
        return PlainTextResponse(error.detail, error.status)
    title = TITLES.get(error.status, "That did not work")
    return page(request, "refused.html", None, error.status, title=title, detail=error.detail)


def _to_sign_in(request: Request, wanted_part: bool) -> Response:
    if wanted_part:
        return Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
    if request.method != "GET" or request.url.path.startswith("/media/"):
        return RedirectResponse("/sign-in", 303)
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(back)}", 303)
