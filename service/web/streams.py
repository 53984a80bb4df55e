"""The wall of watched streams, and the history of each."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from evidence.answer import Json
from service.watcher import places
from service.web.backend import Backend, Refusal
from service.web.history import disguises, history, kinds, remark, timed
from service.web.rendering import page
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)
GOING = ("watching", "waiting", "failed")  # what is to be seen to
RANKS = {"match": 0, "review": 1, "": 2}
UNSEEN = 100  # alarms that nobody has seen, as many as a wall shows


@router.get("/streams")
async def streams(request: Request, api: Api, who: Signed, show: str = "", after: str = "") -> Response:
    """The wall: what is watched, alarms first, or all streams."""
    if show == "all":
        found = await api.get("/v1/streams", after=after, limit=100)
        items, following = found["items"], found["next"]
    else:
        each = [await api.get("/v1/streams", state=state, limit=200) for state in GOING]
        items, following = [one for found in each for one in found["items"]], None
    cards = sorted((_judged(request, one) for one in items), key=_rank)
    cases = await api.items("/v1/cases", limit=100) if who.may("cases") else []
    return page(
        request,
        "streams.html",
        who,
        streams=cards,
        next=following,
        show=show,
        cases=cases,
        **await _unseen(api),
    )


@router.get("/streams/unseen")
async def unseen(request: Request, api: Api, who: Signed) -> Response:
    """The alarms that nobody has seen to, as the wall lists them."""
    return page(request, "stream_unseen.html", who, **await _unseen(api))


@router.post("/streams/seen")
async def seen(
    request: Request, api: Api, who: Signed, csrf: Token, ids: Annotated[list[str], Form()]
) -> Response:
    """Marks alarms as seen; those that are left."""
    await api.send("POST", "/v1/airings/seen", {"ids": ids}, csrf)
    if request.headers.get("hx-request") == "true":
        return page(request, "stream_unseen.html", who, **await _unseen(api))
    return RedirectResponse("/streams", 303)


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
async def stream(
    request: Request, api: Api, who: Signed, stream_id: str, after: str = "", remarks: str = ""
) -> Response:
    """A stream: what is on, which work was on when, and what else happened."""
    found = _judged(request, await api.get(f"/v1/streams/{stream_id}"))
    told = await api.get("/v1/airings", stream=stream_id, after=after, limit=200)
    airings = list(map(timed, told["items"]))
    asked = {"event": ["note", "error"], "newest": True, "after": remarks, "limit": 50}
    happened = await api.get(f"/v1/streams/{stream_id}/events", **asked)
    return page(
        request,
        "stream.html",
        who,
        stream=found,
        airings=airings,
        next=told["next"],
        drawn=history(airings, [] if after else happened["items"]),
        older=after or remarks,
        remarks=[one | {"words": remark(one)} for one in happened["items"]],
        more_remarks=happened["next"],
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
    on = [_work(work) for work in stream["on"]]
    verdicts = {work["verdict"] for work in on}
    alarm = next((verdict for verdict in ("match", "review") if verdict in verdicts), "")
    last = stream["last"] and timed(stream["last"])
    return stream | kept | {"on": on, "last": last, "alarm": alarm, "told": stream}


def _work(work: Json) -> Json:
    """A work that is on, with its verdict as it is told, and what is to be said of its segments."""
    return work | {
        "verdict": "licensed" if work.get("licensed") else work["verdict"],
        "delay": work.get("delay"),
        "disguises": disguises(work["segments"]),
        "kinds": kinds(work["segments"]),
    }


def _rank(stream: Json) -> tuple[bool, int]:
    """Alarms are first, and what is not watched is last."""
    return stream["state"] not in ("watching", "waiting"), RANKS[stream["alarm"]]


async def _unseen(api: Backend) -> Json:
    """The newest alarms that nobody has seen, and whether there are more."""
    found: list[Json] = []
    after = ""
    while len(found) < UNSEEN and after is not None:  # a page may be a short one
        told = await api.get("/v1/airings", seen=False, after=after, limit=200)
        found, after = found + told["items"], told["next"]
    return {"unseen": list(map(timed, found[:UNSEEN])), "more_unseen": bool(found[UNSEEN:] or after)}
