"""Errors as problem+json (RFC 9457): every error of the API has this one form."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


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
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        **problem.more,
    }
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def add_to(app: FastAPI) -> None:
    """Gives every error of the app this form."""

    @app.exception_handler(Problem)
    def _problem(_: Request, error: Problem) -> JSONResponse:
        return response(error)

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [{"at": "/".join(map(str, one["loc"])), "problem": one["msg"]} for one in error.errors()]
        said = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong)
        return response(Problem(422, "invalid", said, errors=wrong))

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        return response(Problem(error.status_code, "http", str(error.detail), headers))
