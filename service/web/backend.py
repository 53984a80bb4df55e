"""The page's way to the API: it asks the same app in the same process, as the browser that asked the page.

So the page can show and do nothing that the API would refuse its visitor, and needs no rules of its own.
"""

from typing import Any

import httpx
from fastapi import Request

from evidence.answer import Json

_PASSED = ("cookie", "user-agent", "x-csrf-token", "origin")


class Refusal(Exception):  # noqa: N818  # the API's problem, on its way to a page
    """What the API would not do: ``status`` of HTTP, ``code`` for programs, ``detail`` for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class Backend:
    """The API as one visitor sees it."""

    def __init__(self, request: Request) -> None:
        self._app = request.app
        self._peer = (request.client.host, request.client.port) if request.client else ("127.0.0.1", 0)
        self._headers = {name: value for name, value in request.headers.items() if name in _PASSED}
        self._headers["x-request-id"] = getattr(request.state, "request_id", "")  # one in the logs
        self._base = str(request.base_url)

    async def ask(
        self, method: str, path: str, body: Json | None = None, csrf: str | None = None, **params: Any
    ) -> httpx.Response:
        """The API's answer, whatever it is. ``params`` that are None or empty are left out."""
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=self._peer)
        headers = self._headers | ({"x-csrf-token": csrf} if csrf else {})
        kept = {name: value for name, value in params.items() if value not in (None, "")}
        async with httpx.AsyncClient(transport=transport, base_url=self._base, trust_env=False) as client:
            return await client.request(method, path, json=body, params=kept, headers=headers)

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of a GET. Raises Refusal."""
        return _json(await self.ask("GET", path, **params))

    async def items(self, path: str, **params: Any) -> list[Json]:
        """The items of one page of a list; none where the visitor's role has no part in it. Raises Refusal."""
        response = await self.ask("GET", path, **params)
        return [] if response.status_code == 403 else list(_json(response)["items"])

    async def send(
        self, method: str, path: str, body: Json | None = None, csrf: str | None = None, **params: Any
    ) -> Any:
        """The JSON that a change gives, None where it gives none. Raises Refusal."""
        return _json(await self.ask(method, path, body, csrf, **params))


def _json(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json() if response.content else None
    try:
        said = response.json()
    except ValueError:
        said = {}
    raise Refusal(response.status_code, said.get("code", "http"), said.get("detail", response.reason_phrase))
