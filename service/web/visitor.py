"""Who looks at a page: what the API says about the session that the browser brought."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Header, Request

from service.web.backend import Backend


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person or key that is signed in; ``csrf`` goes with every change that a page of theirs asks for."""

    name: str
    org: str
    role: str
    scopes: frozenset[str]
    csrf: str

    def may(self, scope: str) -> bool:
        """Whether the role has a scope: what it has not is not offered."""
        return scope in self.scopes


def backend(request: Request) -> Backend:
    """The API as the visitor sees it."""
    return Backend(request)


async def visitor(api: Annotated[Backend, Depends(backend)]) -> Visitor:
    """Who is signed in. Raises Refusal 401."""
    me = await api.get("/v1/me")
    return Visitor(me["name"], me["org"]["name"], me["role"], frozenset(me["scopes"]), me["csrf"])


def token(csrf: Annotated[str, Form()] = "", x_csrf_token: Annotated[str, Header()] = "") -> str:
    """The token that a form, or htmx for it, brought; the API compares it with that of the session."""
    return csrf or x_csrf_token


Api = Annotated[Backend, Depends(backend)]
Signed = Annotated[Visitor, Depends(visitor)]
Token = Annotated[str, Depends(token)]
