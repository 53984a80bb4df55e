"""Idempotency-Key: a POST that is sent again after a broken line acts once, and is answered as the first time."""

import hashlib
import re
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.access import identify
from service.api.problem import Problem, response
from service.store import idempotency
from service.store.accounts import Refused
from service.store.caller import Caller
from service.store.idempotency import Earlier
from service.store.store import Store

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_FORM = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT_HEADERS = ("content-type", "location", "etag")
_NEVER = ("/v1/sessions", "/v1/login")


class Idempotency:
    """Middleware: keeps the answers of POSTs that bring a key, for a day."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        given = _given(scope)
        who = await run_in_threadpool(_caller, scope) if given is not None else None
        if given is None or who is None:
            await self._app(scope, receive, send)
        elif not _FORM.fullmatch(given):
            problem = Problem(422, "invalid", f"{HEADER} has 1 to 200 visible characters of ASCII")
            await response(problem)(scope, receive, send)
        else:
            await self._keyed(scope, receive, send, who, f"{who.key_id or who.person_id} {given}")

    async def _keyed(self, scope: Scope, receive: Receive, send: Send, who: Caller, key: str) -> None:
        store: Store = scope["app"].state.store
        body = _Body(scope, receive)
        earlier = await run_in_threadpool(idempotency.begin, store, who.org_id, key)
        if earlier is not None:
            await body.drain()
            await _again(earlier, body.digest())(scope, receive, send)
            return
        answer = _Answer()
        try:
            await self._app(scope, body.receive, answer.take)
        finally:
            if 200 <= answer.status < 300:
                kept = (body.digest(), answer.status, answer.kept())
                await run_in_threadpool(idempotency.finish, store, who.org_id, key, *kept)
            else:
                await run_in_threadpool(idempotency.forget, store, who.org_id, key)
        for message in answer.messages:
            await send(message)


class _Body:
    """The body as the app reads it, hashed on the way; a multipart boundary, other at each try, is left out."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        kind, _, rest = Headers(scope=scope).get("content-type", "").partition(";")
        found = re.search(r'boundary="?([^";]+)', rest) if kind.strip().startswith("multipart/") else None
        self._boundary = found[1].encode("latin-1") if found else b""
        self._receive, self._tail, self._over = receive, b"", False
        asked = (scope["path"].encode(), scope["query_string"], kind.encode("latin-1"))
        self._hash = hashlib.sha256(b"\0".join(asked) + b"\0")

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._update(message.get("body", b""))
        self._over = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Reads it to its end and keeps nothing."""
        while not self._over:
            await self.receive()

    def digest(self) -> str:
        """SHA-256 of path, query, type and what was read."""
        whole = self._hash.copy()
        whole.update(self._tail)
        return whole.hexdigest()

    def _update(self, chunk: bytes) -> None:
        if not self._boundary:
            self._hash.update(chunk)
            return
        data = (self._tail + chunk).replace(self._boundary, b"")
        ready = max(0, len(data) - len(self._boundary) + 1)
        self._hash.update(data[:ready])
        self._tail = data[ready:]


class _Answer:
    """What the app answers, held back until it is kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 0

    async def take(self, message: Message) -> None:
        self.messages.append(message)
        self.status = message.get("status", self.status)

    def kept(self) -> dict[str, Any] | None:
        """What can be told again; None where it holds a secret, or is no text."""
        headers = Headers(raw=self.messages[0]["headers"])
        try:
            body = b"".join(message.get("body", b"") for message in self.messages).decode()
        except UnicodeDecodeError:
            return None
        told = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
        return None if "no-store" in headers.get("cache-control", "") else {"headers": told, "body": body}


def _given(scope: Scope) -> str | None:
    counts = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith("/v1/")
    return Headers(scope=scope).get(HEADER) if counts and not scope["path"].startswith(_NEVER) else None


def _caller(scope: Scope) -> Caller | None:
    """Who asks; None for whom the app will refuse anyway."""
    try:
        return identify(Request(scope), scope["app"].state.store)
    except (Refused, Problem):
        return None


def _again(earlier: Earlier, digest: str) -> Response:
    if earlier.status is None:
        problem = Problem(
            409, "in-progress", f"a request with this {HEADER} is under way", {"Retry-After": "1"}
        )
    elif earlier.digest != digest:
        problem = Problem(422, "key-reused", f"this {HEADER} was sent with another request: give a new one")
    elif earlier.response is None:
        problem = Problem(
            409, "done", "this was done; its answer held a secret and is not kept: see what is there"
        )
    else:
        headers = {**earlier.response["headers"], REPLAYED: "true"}
        return Response(earlier.response["body"], earlier.status, headers)
    return response(problem)
