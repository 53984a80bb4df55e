"""Streams that are watched: what is wanted, what happens in them as it does, and what was kept of it."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sse_starlette import EventSourceResponse

from service.api.access import needs, store
from service.api.etags import Answered
from service.api.feed import After, Feed, all_changes, events_of
from service.api.pages import Asked
from service.api.problem import Problem
from service.api.schemas import Id
from service.api.stream_schemas import Events, Kind, State, Stream, StreamIn, Streams, shown
from service.api.text import Search
from service.store import events, streams
from service.store.caller import Caller
from service.store.store import Store
from service.store.streams import New, TooManyError
from service.streams.addresses import parsed
from service.streams.errors import StreamError

router = APIRouter(prefix="/v1/streams", tags=["streams"])
Who = Annotated[Caller, needs("streams")]
Held = Annotated[Store, Depends(store)]


def _most(request: Request) -> int:
    most: int = request.app.state.settings.streams_at_once
    return most


Kinds = Annotated[list[Kind] | None, Query(max_length=5, description="Of which kinds; all unless given.")]
Most = Annotated[int, Depends(_most)]


def readable(url: str) -> None:
    """Raises a Problem 422 for what no stream can be at, whatever it resolves to."""
    try:
        parsed(url)
    except StreamError as error:
        raise Problem(422, error.code, str(error)) from None


@router.get("", response_model=Streams)
def list_streams(
    who: Who, held: Held, page: Asked, state: State | None = None, q: Search = "", case: Id | None = None
) -> Any:
    """Streams, the last first: in a state, of a case, with `q` in their label or URL."""
    found = streams.list_streams(held, who, page, state, q, case)
    return found | {"items": list(map(shown, found["items"]))}


@router.post("", status_code=201, response_model=Stream)
def watch_stream(body: StreamIn, who: Who, held: Held, most: Most, response: Response) -> Any:
    """Has a stream watched. Whether it can be is told by its state soon after."""
    readable(body.url)
    captured = body.model_dump(mode="json", include={"place", "territory"}, exclude_none=True)
    try:
        made = streams.create(held, who, New(body.url, body.label, captured, body.case), most)
    except TooManyError as error:
        raise Problem(429, "too-many-streams", str(error), {"Retry-After": "60"}) from None
    response.headers["Location"] = f"/v1/streams/{made['id']}"
    return shown(made)


@router.get("/events/live", response_class=EventSourceResponse)
async def live_events_of_all(request: Request, who: Who, after: After) -> Response:
    """All the caller's streams as they change: first each as it is, as `stream`; then a `stream` when one has changed,
    `removed` with the id of one that is gone, and every event under its name (`started`, `note`, ...).
    """
    return EventSourceResponse(all_changes(Feed.of(request.app), request, after), ping=15)


@router.get("/{stream_id}", response_model=Stream)
def get_stream(stream_id: str, who: Who, held: Held, response: Response, answered: Answered) -> Any:
    """A stream."""
    return answered(response, shown(streams.stream(held, who, stream_id)))


@router.delete("/{stream_id}", status_code=204)
def remove_stream(stream_id: str, who: Who, held: Held) -> None:
    """Removes a stream with its history and what was kept of it, at once and for good."""
    streams.remove(held, who, stream_id)


@router.post("/{stream_id}/stop", response_model=Stream)
def stop_stream(stream_id: str, who: Who, held: Held) -> Any:
    """Ends watching: nothing more is told of it. One that is not watched stays as it is."""
    return shown(streams.stop(held, who, stream_id))


@router.post("/{stream_id}/start", response_model=Stream)
def start_stream(stream_id: str, who: Who, held: Held, most: Most) -> Any:
    """Has a stream watched again; one that was stopped goes on where it was."""
    try:
        return shown(streams.start(held, who, stream_id, most))
    except TooManyError as error:
        raise Problem(429, "too-many-streams", str(error), {"Retry-After": "60"}) from None


@router.get("/{stream_id}/events", response_model=Events, response_model_exclude_unset=True)
def list_events(
    stream_id: str, who: Who, held: Held, page: Asked, event: Kinds = None, newest: bool = False
) -> Any:
    """What happened in a stream, the first first or the newest; all of it, or the events of some kinds."""
    return events.list_events(held, who, stream_id, page, event or (), newest)


@router.get("/{stream_id}/events/live", response_class=EventSourceResponse)
async def live_events(request: Request, stream_id: str, who: Who, held: Held, after: After) -> Response:
    """What happens in a stream, as it does: each event under its name (`started`, `note`, ...), its sequence as the id."""
    await asyncio.to_thread(streams.stream, held, who, stream_id)
    return EventSourceResponse(events_of(Feed.of(request.app), request, after, stream_id), ping=15)
