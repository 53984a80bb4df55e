"""Works: what is registered, where it may be shown, and how much of it was found."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.web.history import timed
from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)


@router.get("/works")
async def works(request: Request, api: Api, who: Signed, q: str = "", after: str = "") -> Response:
    """Works, and the form that registers files of new ones."""
    found = await api.get("/v1/works", q=q, after=after, limit=50)
    return page(request, "works.html", who, works=found["items"], next=found["next"], q=q)


@router.post("/works")
async def add_work(
    api: Api, csrf: Token, title: Annotated[str, Form()], kind: Annotated[str, Form()] = "",
    identifier: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """A new work, and its page, where its files are handed in."""
    about = {"title": title, "kind": kind, "identifiers": [identifier] if identifier.strip() else []}
    made = await api.send("POST", "/v1/works", about, csrf)
    return RedirectResponse(f"/works/{made['id']}", 303)


@router.get("/works/{work_id}")
async def work(request: Request, api: Api, who: Signed, work_id: str) -> Response:
    """A work: identifiers, files, licences, coverage."""
    return page(
        request, "work.html", who,
        work=await api.get(f"/v1/works/{work_id}"),
        licences=(await api.get(f"/v1/works/{work_id}/licences"))["items"],
        coverage=await api.items(f"/v1/works/{work_id}/coverage", limit=100),
        found=await api.items("/v1/matches", work=work_id, limit=20),
        airings=list(map(timed, await api.items(f"/v1/works/{work_id}/airings", limit=50))),
    )  # fmt: skip


@router.post("/works/{work_id}/licences")
async def add_licence(
    api: Api, csrf: Token, work_id: str, territory: Annotated[str, Form()] = "", place: Annotated[str, Form()] = "",
    starts: Annotated[str, Form()] = "", ends: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """One more place and time where the work may be shown."""
    held = (await api.get(f"/v1/works/{work_id}/licences"))["items"]
    names = ("territory", "place", "starts", "ends")
    kept = [{name: licence[name] for name in names} for licence in held]
    given = (
        territory.upper(),
        place,
        starts and f"{starts}T00:00:00Z",
        ends and f"{ends}T00:00:00Z",
    )
    added = {name: value.strip() or None for name, value in zip(names, given, strict=True)}
    await api.send("PUT", f"/v1/works/{work_id}/licences", {"items": [*kept, added]}, csrf)
    return RedirectResponse(f"/works/{work_id}#licences", 303)


@router.post("/works/{work_id}/licences/{number}/remove")
async def remove_licence(api: Api, csrf: Token, work_id: str, number: int) -> Response:
    """Takes one of them back."""
    held = (await api.get(f"/v1/works/{work_id}/licences"))["items"]
    names = ("territory", "place", "starts", "ends")
    kept = [{name: one[name] for name in names} for i, one in enumerate(held) if i != number]
    await api.send("PUT", f"/v1/works/{work_id}/licences", {"items": kept}, csrf)
    return RedirectResponse(f"/works/{work_id}#licences", 303)
