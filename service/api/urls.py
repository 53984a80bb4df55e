"""Paths and queries of requests: a NUL means nothing in them, and a database refuses it with an error of its own."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problem import Problem, not_found, response

_NUL = re.compile(rb"%00")


class CleanUrl:
    """Middleware: nothing is found at a path with a NUL, and a query with one is refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        problem = _problem(scope) if scope["type"] == "http" else None
        if problem is not None:
            await response(problem)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _problem(scope: Scope) -> Problem | None:
    if "\0" in scope["path"]:
        return not_found("page", scope["path"].replace("\0", "\N{REPLACEMENT CHARACTER}"))
    if _NUL.search(scope["query_string"]):
        return Problem(422, "invalid", "the query has a NUL character: leave it out")
    return None
