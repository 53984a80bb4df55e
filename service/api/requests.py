"""What happens to every request: it gets an id, is logged, counted, and if it changes something, told in the audit log."""

import logging
import re
import secrets
import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.database import CatalogError
from service.api.metrics import Metrics
from service.api.problem import Problem, response
from service.logs import REQUEST
from service.store import audit
from service.store.caller import Caller

log = logging.getLogger("whorl.requests")

HEADER = "X-Request-ID"
_FORM = re.compile(r"[A-Za-z0-9._-]{8,80}")  # of an id that a proxy gave; others would garble the log
_SAFE = ("GET", "HEAD", "OPTIONS")
# The pieces of an upload come in thousands: its begin and its end are told.
_UNTOLD = {("PATCH", "/v1/uploads/{upload_id}")}


class Requests:
    """Middleware, the outermost of all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        one = _Request(scope, send, given if _FORM.fullmatch(given) else secrets.token_hex(8))
        named = REQUEST.set(one.id)
        try:
            await self._app(scope, receive, one.send)
        except Exception:
            log.exception("failed")
            await one.fail()
        finally:
            one.end()
            REQUEST.reset(named)


class _Request:
    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.id, self.status = request_id, 0
        self._scope, self._send, self._started = scope, send, time.monotonic()
        self._replaced = False
        scope.setdefault("state", {})["request_id"] = request_id

    async def send(self, message: Message) -> None:
        """A message of the app; one that acknowledges a change waits until the change is in the audit log."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers[HEADER] = self.id
            headers["X-Content-Type-Options"] = "nosniff"
            try:
                await self._tell(message["status"], headers.get("Location"))
            except CatalogError:
                log.exception("the audit log cannot be written")
                await self._replace(
                    Problem(
                        503,
                        "unavailable",
                        "the audit log cannot be written: try again later",
                        {"Retry-After": "5"},
                    )
                )
                return
            self.status = message["status"]
        await self._send(message)

    async def fail(self) -> None:
        """Answers for an app that broke, unless it has begun to answer."""
        if not self.status:
            await self._replace(
                Problem(500, "broken", f"this is a fault of ours: tell the operator {self.id}")
            )

    def end(self) -> None:
        """Logs and counts it."""
        seconds = time.monotonic() - self._started
        who = self._caller
        said: dict[str, Any] = {
            "method": self._scope["method"],
            "path": self._scope["path"],
            "status": self.status,
        }
        if who:
            said |= {"actor": who.name, "key": who.key_id, "org": who.org_id}
        log.info("request", extra={"told": {**said, "ms": round(seconds * 1000, 1)}})
        metrics: Metrics = self._scope["app"].state.metrics
        metrics.count(self._scope["method"], self._route, self.status, seconds)

    @property
    def _caller(self) -> Caller | None:
        found: Caller | None = self._scope["state"].get("caller")
        return found

    @property
    def _route(self) -> str:
        """The route's path with its parameters' names: "/v1/works/{work_id}"."""
        return str(getattr(self._scope.get("route"), "path", "none"))

    async def _tell(self, status: int, location: str | None) -> None:
        method, who = self._scope["method"], self._caller
        if method in _SAFE or who is None or (method, self._route) in _UNTOLD:
            return
        object_ = location or self._scope["path"]
        store = self._scope["app"].state.store
        action = f"{method} {self._route}"
        await run_in_threadpool(audit.record, store, who, self.id, action, object_[:500], status=status)

    async def _replace(self, problem: Problem) -> None:
        self._replaced, self.status = True, problem.status
        answer = response(problem)
        answer.headers[HEADER] = self.id
        await answer(self._scope, _nothing, self._send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
