"""The web page: `add_to(app)` puts its routes beside those of the API."""

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from service.streams.addresses import Addresses
from service.streams.fetch import Fetcher
from service.web import (
    addresses,
    admin,
    answers,
    assets,
    cases,
    home,
    jobs,
    media,
    overlaps,
    session,
    streams,
    works,
)
from service.web.backend import Refusal
from service.web.rendering import page
from service.web.shelf import Shelf

TITLES = {403: "Not allowed", 404: "Not found", 409: "That does not go together", 429: "Too many requests"}


def add_to(app: FastAPI) -> None:
    """Adds all pages."""
    app.state.media = Shelf(app)
    app.state.fetcher = Fetcher(Addresses())
    for module in (
        assets,
        session,
        home,
        addresses,
        answers,
        works,
        overlaps,
        jobs,
        streams,
        cases,
        admin,
        media,
    ):
        app.include_router(module.router)
    app.add_exception_handler(Refusal, _refused)  # type: ignore[arg-type]
    of_api = app.exception_handlers[HTTPException]

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        """A wrong address that a person typed gets a page, all else the API's form of errors."""
        if (
            error.status_code == 404
            and not request.url.path.startswith("/v1/")
            and "text/html" in request.headers.get("accept", "")
        ):
            return _refused(request, Refusal(404, "not-found", "There is nothing at this address."))
        answered: Response = of_api(request, error)  # type: ignore[assignment]
        return answered


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
