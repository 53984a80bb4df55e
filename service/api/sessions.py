"""A browser's session: begun with a key, or after a login at an OIDC provider; ended when its holder says so."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from service.api.access import COOKIE, caller, same_origin, store
from service.api.problem import Problem
from service.store import sessions
from service.store.accounts import Refused, authenticate
from service.store.caller import Caller
from service.store.sessions import LASTS, Session
from service.store.store import Store

router = APIRouter(prefix="/v1/sessions", tags=["accounts"])

Held = Annotated[Store, Depends(store)]


class KeyText(BaseModel):
    """The key that is typed in."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, StringConstraints(max_length=200)]


class Begun(BaseModel):
    """A session: its cookie comes with it; ``csrf`` must be sent with every change, as X-CSRF-Token."""

    csrf: str
    expires: str


@router.post("", status_code=201)
def begin_session(request: Request, response: Response, body: KeyText, held: Held) -> Begun:
    """Begins a session of the key's holder."""
    same_origin(request)
    try:
        who = authenticate(held, body.key.strip())
    except Refused as error:
        raise Problem(401, "unauthenticated", str(error)) from None
    request.state.caller = who
    begun = sessions.begin(held, key_id=who.key_id)
    give_cookie(request, response, begun)
    return Begun(csrf=begun.csrf, expires=begun.expires)


@router.delete("", status_code=204)
def end_session(
    request: Request, response: Response, who: Annotated[Caller, Depends(caller)], held: Held
) -> None:
    """Ends the session whose cookie is sent."""
    sessions.end(held, request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE)


def give_cookie(request: Request, response: Response, begun: Session) -> None:
    """Hands the session to the browser: scripts cannot read it, other sites cannot send it with a change."""
    secure = request.url.scheme == "https"
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        COOKIE, begun.token, int(LASTS.total_seconds()), httponly=True, samesite="lax", secure=secure
    )
