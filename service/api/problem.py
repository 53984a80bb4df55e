"""Errors as problem+json (RFC 9457): every error of the API has this one form."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from evidence.answer import printable
from index.database import CatalogError
from service.store.errors import Conflict, Missing, Unfit

MEDIA_TYPE = "application/problem+json"
LONGEST = 2000  # characters of a detail: what was sent is told, but not all of it


class Problem(Exception):  # noqa: N818  # RFC 9457 calls it so
    """A request that cannot be met. ``code`` is for programs, ``detail`` for people: what is wrong, and the next step."""

    def __init__(
        self, status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more
        self.headers = headers


def not_found(what: str, name: object) -> Problem:
    """What is not there, or not the caller's: both look the same."""
    return Problem(404, "not-found", f"no {what} {name!s}")


def response(problem: Problem) -> JSONResponse:
    """The problem as an answer."""
    body = {
        "type": "about:blank",
        "title": _phrase(problem.status),
        "status": problem.status,
        "code": problem.code,
        "detail": _told(problem.detail),
        **problem.more,
    }
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def _phrase(status: int) -> str:
    """HTTP's name of a status; 460 is that of the tus protocol."""
    return "Checksum Mismatch" if status == 460 else HTTPStatus(status).phrase


def _told(text: str) -> str:
    return printable(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def invalid(error: RequestValidationError) -> Problem:
    """What is wrong with a request."""
    wrong = [{"at": _place(one["loc"]), "problem": _told(one["msg"])} for one in error.errors()[:100]]
    said = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong)
    return Problem(422, "invalid", said, errors=wrong)


def _place(parts: tuple[int | str, ...]) -> str:
    return _told("/".join(map(str, parts)))


def _of_another_type(request: Request, error: RequestValidationError) -> Problem | None:
    """That a body is no JSON, where it does not say that it is: without that it is not read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    unread = any(one["loc"] == ("body",) and one["type"] != "missing" for one in error.errors())
    if not unread or kind == "application/json" or kind.endswith("+json"):
        return None
    return Problem(415, "wrong-type", "send the body as Content-Type: application/json")


def of_store(error: Exception) -> Problem:
    """Why the store does not do what it was asked."""
    if isinstance(error, Missing):
        return Problem(404, "not-found", str(error))
    if isinstance(error, Conflict):
        return Problem(409, error.code, str(error))
    if isinstance(error, Unfit):
        return Problem(422, "invalid", str(error))
    # The place of the database is no stranger's business: the log has it.
    return Problem(
        503, "unavailable", "the database cannot do this now: try again later", {"Retry-After": "5"}
    )


def _of_http(request: Request, error: HTTPException) -> Problem:
    """What the framework says in a word or two, with the next step where there is one."""
    headers = dict(error.headers) if error.headers else None
    path, status = request.scope["path"], error.status_code
    if status == 404:
        return Problem(404, "not-found", f"nothing is at {path}: /openapi.json lists what there is", headers)
    if status == 405:
        detail = f"{request.method} is not taken at {path}: the header Allow names what is"
        return Problem(405, "wrong-method", detail, headers)
    return Problem(status, "http", str(error.detail), headers)


def add_to(app: FastAPI) -> None:
    """Gives every error of the app this form."""

    @app.exception_handler(Problem)
    def _problem(_: Request, error: Problem) -> JSONResponse:
        return response(error)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return response(_of_another_type(request, error) or invalid(error))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        return response(_of_http(request, error))

    def _store(_: Request, error: Exception) -> JSONResponse:
        return response(of_store(error))

    for kind in (Missing, Conflict, Unfit, CatalogError):
        app.add_exception_handler(kind, _store)
