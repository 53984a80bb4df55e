"""Administration: organisations, people, keys, and the log of who did what."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)


@router.get("/admin")
async def admin(request: Request, api: Api, who: Signed) -> Response:
    """Organisations, people and keys."""
    return await _overview(request, api, who)


async def _overview(request: Request, api: Api, who: Signed, secret: str = "") -> Response:
    return page(
        request, "admin.html", who, secret=secret,
        orgs=(await api.get("/v1/orgs", limit=200))["items"],
        people=await api.items("/v1/people", limit=200),
        keys=await api.items("/v1/keys", limit=200),
    )  # fmt: skip


@router.get("/admin/audit")
async def audit(request: Request, api: Api, who: Signed, after: str = "") -> Response:
    """The log, newest first."""
    found = await api.get("/v1/audit", after=after, limit=100)
    return page(request, "audit.html", who, entries=found["items"], next=found["next"])


@router.post("/admin/orgs")
async def add_org(api: Api, csrf: Token, name: Annotated[str, Form()]) -> Response:
    """A new organisation."""
    await api.send("POST", "/v1/orgs", {"name": name}, csrf)
    return RedirectResponse("/admin#orgs", 303)


@router.post("/admin/people")
async def add_person(
    api: Api, csrf: Token, name: Annotated[str, Form()], email: Annotated[str, Form()],
    org: Annotated[str, Form()], role: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """A new person, who signs in through the provider with this address."""
    await api.send("POST", "/v1/people", {"name": name, "email": email, "org": org, "role": role}, csrf)
    return RedirectResponse("/admin#people", 303)


@router.post("/admin/people/{person_id}")
async def change_person(api: Api, csrf: Token, person_id: str, active: Annotated[str, Form()]) -> Response:
    """Shuts a person out, or lets them in again; their keys and sessions follow at once."""
    await api.send("PATCH", f"/v1/people/{person_id}", {"active": active == "yes"}, csrf)
    return RedirectResponse("/admin#people", 303)


@router.post("/admin/keys")
async def add_key(
    request: Request, api: Api, who: Signed, csrf: Token, label: Annotated[str, Form()],
    org: Annotated[str, Form()], role: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """A new key, whose secret is shown this once."""
    made = await api.send("POST", "/v1/keys", {"label": label, "org": org, "role": role}, csrf)
    return await _overview(request, api, who, made["key"])


@router.post("/admin/keys/{key_id}/rotate")
async def rotate(request: Request, api: Api, who: Signed, csrf: Token, key_id: str) -> Response:
    """Another secret for a key."""
    made = await api.send("POST", f"/v1/keys/{key_id}/rotate", csrf=csrf)
    return await _overview(request, api, who, made["key"])


@router.post("/admin/keys/{key_id}/revoke")
async def revoke(api: Api, csrf: Token, key_id: str) -> Response:
    """The end of a key."""
    await api.send("DELETE", f"/v1/keys/{key_id}", csrf=csrf)
    return RedirectResponse("/admin#keys", 303)
