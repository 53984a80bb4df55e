"""Who asks: a dependency that knows the caller, and one that asks for a scope."""

from typing import Annotated, Any

from fastapi import Depends, Request

from service.api.problem import Problem
from service.store.accounts import Refused, authenticate
from service.store.caller import Caller
from service.store.store import Store

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def store(request: Request) -> Store:
    """The store of the app that was asked."""
    found: Store = request.app.state.store
    return found


def caller(request: Request, held: Annotated[Store, Depends(store)]) -> Caller:
    """Who asks. Raises a Problem 401."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        detail = "give an API key: Authorization: Bearer whorl_…"
        raise Problem(401, "unauthenticated", detail, _CHALLENGE)
    try:
        who = authenticate(held, key.strip())
    except Refused as error:
        raise Problem(401, "unauthenticated", str(error), _CHALLENGE) from None
    request.state.caller = who
    return who


def needs(scope: str) -> Any:
    """A dependency that gives the Caller if they have the scope: ``who: Annotated[Caller, needs("jobs")]``."""

    def check(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if scope not in who.scopes:
            raise Problem(403, "forbidden", f"this needs the scope {scope!r}, which this key or role has not")
        return who

    return Depends(check)
