"""Login at an OIDC provider, where the operator named one. Authlib checks state, nonce, PKCE and the token's signature."""

import hashlib
from typing import Annotated, Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import RedirectResponse
from httpx2 import HTTPError
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.middleware.sessions import SessionMiddleware

from service.api.problem import Problem
from service.api.sessions import give_cookie
from service.settings import Settings
from service.store import sessions
from service.store.accounts import Refused
from service.store.sessions import Session
from service.store.store import Store

router = APIRouter(prefix="/v1/login/oidc", tags=["accounts"])

_MINUTES = 10 * 60  # seconds that a login may take
_SIGNED_BY = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
    "EdDSA",
)  # never "none", never a shared secret


def add_to(app: FastAPI, settings: Settings) -> None:
    """Makes the routes work, where there is a provider."""
    app.state.oidc = None
    if not settings.oidc_issuer:
        return
    oauth = OAuth()
    app.state.oidc = oauth.register(
        "oidc",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 10},
    )
    # State and nonce of a login under way, in a cookie that is signed: any of several processes may finish it.
    signing = hashlib.sha256(
        b"whorl login\0" + settings.oidc_client_secret.get_secret_value().encode()
    ).hexdigest()
    app.add_middleware(
        SessionMiddleware, secret_key=signing, session_cookie="whorl_login", max_age=_MINUTES, path="/v1/login",
        https_only=settings.public_url.startswith("https:"),
    )  # fmt: skip


@router.get("", status_code=302, response_class=RedirectResponse)
async def begin_login(request: Request, next: Annotated[str, Query(max_length=500)] = "/") -> Any:
    """Sends the browser to the provider."""
    client = _client(request)
    request.session["next"] = _inside(next)
    try:
        return await client.authorize_redirect(request, _callback(request))
    except (HTTPError, AuthlibBaseError, ValueError) as error:
        raise Problem(
            503, "provider", f"the login provider does not answer ({type(error).__name__})"
        ) from error


@router.get("/callback", status_code=303, response_class=RedirectResponse)
async def end_login(request: Request) -> Any:
    """Where the provider sends the browser back to: the session begins."""
    told = await _identity(request)
    begun = await run_in_threadpool(_begun, request.app.state.store, told)
    response = RedirectResponse(request.session.pop("next", "/"), 303)
    give_cookie(request, response, begun)
    return response


async def _identity(request: Request) -> dict[str, Any]:
    """The claims of the provider's token, which is checked. Raises a Problem."""
    client = _client(request)
    try:
        metadata = await client.load_server_metadata()
        offered = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
        metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in _SIGNED_BY]
        token = await client.authorize_access_token(request)
    except HTTPError as error:
        raise Problem(
            503, "provider", f"the login provider does not answer ({type(error).__name__})"
        ) from error
    except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
        raise Problem(401, "login-failed", f"the login failed ({type(error).__name__}): try again") from error
    claims: dict[str, Any] | None = token.get("userinfo")
    if not claims or not claims.get("sub"):
        raise Problem(401, "login-failed", "the provider does not say who this is")
    return claims


def _begun(store: Store, claims: dict[str, Any]) -> Session:
    email = str(claims.get("email", "")) if claims.get("email_verified") is True else ""
    try:
        return sessions.begin(store, person_id=sessions.person_of(store, str(claims["sub"]), email))
    except Refused as error:
        raise Problem(403, "unknown-person", str(error)) from None


def _client(request: Request) -> Any:
    if request.app.state.oidc is None:
        raise Problem(404, "not-found", "no login provider is set: sign in with a key")
    return request.app.state.oidc


def _callback(request: Request) -> str:
    base = request.app.state.settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}{request.app.url_path_for('end_login')}"


def _inside(address: str) -> str:
    """The address if it is a path of this service: nobody is sent elsewhere."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inside else "/"
