"""Who asks: a dependency that knows the caller, and one that asks for a scope."""

from typing import Annotated, Any

from fastapi import Depends, Request

from service.api.problem import Problem
from service.store.caller import Caller
from service.store.store import Store


def store(request: Request) -> Store:
    """The store of the app that was asked."""
    found: Store = request.app.state.store
    return found


def caller(request: Request, held: Annotated[Store, Depends(store)]) -> Caller:
    """Who asks. Raises a Problem 401."""
    raise Problem(401, "unauthenticated", "give an API key: Authorization: Bearer whorl_…")


def needs(scope: str) -> Any:
    """A dependency that gives the Caller if they have the scope: ``who: Annotated[Caller, needs("jobs")]``."""

    def check(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if scope not in who.scopes:
            raise Problem(403, "forbidden", f"this needs the scope {scope!r}, which this key or role has not")
        return who

    return Depends(check)
