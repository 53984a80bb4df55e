"""Who asks: a dependency that knows the caller, and one that asks for a scope.

A program sends a key, a browser the cookie of its session; with a change a browser sends the session's CSRF token too,
which no other site can know.
"""

import hmac
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request

from service.api.limits import Limiter
from service.api.problem import Problem
from service.store.accounts import Refused, authenticate
from service.store.caller import Caller
from service.store.sessions import caller_of_session
from service.store.store import Store

COOKIE = "whorl_session"
CSRF_HEADER = "X-CSRF-Token"
_SAFE = ("GET", "HEAD", "OPTIONS")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def store(request: Request) -> Store:
    """The store of the app that was asked."""
    found: Store = request.app.state.store
    return found


def caller(request: Request, held: Annotated[Store, Depends(store)]) -> Caller:
    """Who asks. Raises a Problem: 401; 403 for a change without the CSRF token; 429 for too many requests."""
    try:
        who = identify(request, held)
    except Refused as error:
        raise Problem(401, "unauthenticated", str(error), _CHALLENGE) from None
    request.state.caller = who
    limiter: Limiter = request.app.state.limiter
    limiter.take(who)
    return who


def identify(request: Request, held: Store) -> Caller:
    """Who asks, by key or by session. Raises Refused, and a Problem 403 for a session's change without its token."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return authenticate(held, key.strip())
    token = request.cookies.get(COOKIE)
    if token is None:
        raise Refused("give an API key: Authorization: Bearer whorl_…")
    who, csrf = caller_of_session(held, token)
    request.state.csrf = csrf
    if request.method not in _SAFE:
        same_origin(request)
        if not hmac.compare_digest(csrf.encode(), request.headers.get(CSRF_HEADER, "").encode()):
            raise Problem(403, "csrf", f"a change by a browser's session needs its token in {CSRF_HEADER}")
    return who


def same_origin(request: Request) -> None:
    """Raises a Problem 403 for what another site has a browser send."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise Problem(403, "csrf", "another site asked for this")


def needs(scope: str) -> Any:
    """A dependency that gives the Caller if they have the scope: ``who: Annotated[Caller, needs("jobs")]``."""

    def check(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if scope not in who.scopes:
            raise Problem(403, "forbidden", f"this needs the scope {scope!r}, which this key or role has not")
        return who

    check.scope = scope  # type: ignore[attr-defined]  # for the test that walks all routes
    return Depends(check)
