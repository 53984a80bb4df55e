"""The wall of watched streams, and the history of each."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from evidence.answer import Json
from service.watcher import places
from service.web.backend import Backend, Refusal
from service.web.history import history
from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)
GOING = ("watching", "waiting", "failed")  # what is to be seen to
SHOWN = ["started", "ended", "note", "error"]
RANKS = {"match": 0, "review": 1, "": 2}


@router.get("/streams")
async def streams(request: Request, api: Api, who: Signed, show: str = "", after: str = "") -> Response:
    """The wall: what is watched, alarms first, or all streams."""
    if show == "all":
        found = await api.get("/v1/streams", after=after, limit=100)
        items, following = found["items"], found["next"]
    else:
        each = [await api.get("/v1/streams", state=state, limit=200) for state in GOING]
        items, following = [one for found in each for one in found["items"]], None
    cards = sorted((_judged(request, one) for one in items), key=lambda one: RANKS[one["alarm"]])
    cases = await api.items("/v1/cases", limit=100) if who.may("cases") else []
    return page(request, "streams.html", who, streams=cards, next=following, show=show, cases=cases)


@router.post("/streams")
async def watch(
    api: Api, csrf: Token, url: Annotated[str, Form()], label: Annotated[str, Form()] = "",
    place: Annotated[str, Form()] = "", territory: Annotated[str, Form()] = "", case: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Has a stream watched."""
    given = {"url": url.strip(), "label": label, "place": place, "territory": territory, "case": case}
    await api.send("POST", "/v1/streams", {name: value for name, value in given.items() if value}, csrf)
    return RedirectResponse("/streams", 303)


@router.get("/streams/{stream_id}")
async def stream(request: Request, api: Api, who: Signed, stream_id: str, after: str = "") -> Response:
    """A stream: what is on, which work was on when, and what else happened."""
    found = _judged(request, await api.get(f"/v1/streams/{stream_id}"))
    asked = {"event": SHOWN, "newest": True, "after": after, "limit": 200}
    told = await api.get(f"/v1/streams/{stream_id}/events", **asked)
    drawn = history(found if not after else found | {"on": []}, told["items"])
    return page(
        request,
        "stream.html",
        who,
        stream=found,
        events=told["items"],
        next=told["next"],
        drawn=drawn,
        older=after,
    )


@router.get("/streams/{stream_id}/card")
async def card(request: Request, api: Api, who: Signed, stream_id: str) -> Response:
    """A stream as the wall shows it."""
    return await _card(request, api, who, stream_id)


@router.post("/streams/{stream_id}/{change}")
async def change(
    request: Request, api: Api, who: Signed, csrf: Token, stream_id: str, change: str
) -> Response:
    """Stops, starts or removes a stream."""
    if change == "remove":
        await api.send("DELETE", f"/v1/streams/{stream_id}", csrf=csrf)
        return RedirectResponse("/streams", 303)
    if change not in ("stop", "start"):
        raise Refusal(404, "not-found", f"a stream cannot be told to {change}")
    await api.send("POST", f"/v1/streams/{stream_id}/{change}", csrf=csrf)
    if request.headers.get("hx-request") == "true":
        return await _card(request, api, who, stream_id)
    return RedirectResponse(f"/streams/{stream_id}", 303)


async def _card(request: Request, api: Backend, who: Signed, stream_id: str) -> Response:
    return page(
        request, "stream_card.html", who, stream=_judged(request, await api.get(f"/v1/streams/{stream_id}"))
    )


def _judged(request: Request, stream: Json) -> Json:
    """The stream with its alarm: "match" where a work is on that may not be, "review" where that is not sure.

    And whether a picture of it is kept, and of which airings there is evidence.
    """
    data = request.app.state.settings.data
    kept = {
        "pictured": places.thumbnail(data, stream["id"]).is_file(),
        "evidence": [places.airing(folder) for folder in places.matches(data, stream["id"])],
    }
    on = [work | {"delay": work.get("delay"), "licensed": work.get("licensed")} for work in stream["on"]]
    verdicts = {work["verdict"] for work in on if not work["licensed"]}
    alarm = next((verdict for verdict in ("match", "review") if verdict in verdicts), "")
    return stream | kept | {"on": on, "alarm": alarm, "told": stream}
