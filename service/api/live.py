"""References that are on the air: recorded from a stream, or of codes that an encoder pushes while the event runs."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, StrictBool, model_validator

from fingerprint.exchange import MEDIA_TYPE
from service.api.access import needs, store
from service.api.answers import Failure
from service.api.etags import Answered
from service.api.fingerprints import BODY, fingerprint_body
from service.api.forms import media_type
from service.api.pages import Asked
from service.api.problem import Problem
from service.api.schemas import Body, Id, Next
from service.api.stream_schemas import Address
from service.api.streams import Most, readable
from service.api.text import Identifier, Moment, Title, Word
from service.api.works import pairs
from service.rights import utc
from service.store import lives, works
from service.store.caller import Caller
from service.store.paging import LARGEST_ID
from service.store.store import Store
from service.store.streams import TooManyError
from service.store.works import Details
from service.streams.addresses import shown
from service.watcher.pushing import LONGEST, OnAir

router = APIRouter(prefix="/v1/live", tags=["live"])
Reader = Annotated[Caller, needs("works:read")]
Writer = Annotated[Caller, needs("works:write")]
Held = Annotated[Store, Depends(store)]
LiveState = Literal["waiting", "recording", "ending", "ended", "failed"]


class LiveIn(Body):
    """What is on the air: the ``url`` of a stream, or with ``push`` what an encoder will send; under a ``work`` or a title.

    At its end it is registered like a file, unless ``keep`` is false.
    """

    url: Address | None = None
    push: StrictBool = False
    work: Id | None = None
    title: Title | None = None
    kind: Word = ""
    identifiers: Annotated[list[Identifier], Field(max_length=100, default_factory=list)]
    keep: StrictBool = True

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.url is None) != self.push:
            raise ValueError("give the url of a stream, or push: true")
        if (self.work is None) == (self.title is None):
            raise ValueError("give a work, or the title of one")
        if self.work is not None and (self.kind or self.identifiers):
            raise ValueError("give a work, or what a new one is called: title, kind, identifiers")
        return self


class LiveEnd(Body):
    """The end: whether it is registered, where that is another thing than was said at its begin."""

    keep: StrictBool | None = None


class Live(BaseModel):
    """A reference that is or was on the air.

    ``on_air`` is what events call it meanwhile, ``reference`` what it was registered as; ``sequence`` the last codes pushed.
    """

    id: str
    org: str
    created_by: str
    url: str | None
    work: str
    title: str
    state: LiveState
    keep: bool
    error: Failure | None
    on_air: str | None
    reference: str | None
    sequence: int
    duration: float
    created: str
    ended: str | None


class Lives(BaseModel):
    """A page of references on the air, the last first."""

    items: list[Live]
    next: Next


def _on_air(request: Request) -> OnAir:
    found: OnAir = request.app.state.on_air
    return found


Air = Annotated[OnAir, Depends(_on_air)]


@router.get("", response_model=Lives)
def list_live(who: Reader, held: Held, page: Asked, state: LiveState | None = None) -> Any:
    """References that are or were on the air, the last first."""
    return lives.list_lives(held, who, page, state)


@router.post("", status_code=201, response_model=Live)
def begin_live(body: LiveIn, who: Writer, held: Held, most: Most, air: Air, response: Response) -> Any:
    """Begins a reference that is on the air: streams that are watched are compared with it from its first seconds on."""
    if body.url is not None:
        readable(body.url)
    try:
        lives.check_room(held.rows, who, most)
        about = _about(held, who, body)
        number = air.begin(who.org_id, about) if body.push else None
        made = lives.create(held, who, body.url, about, body.keep, number, most)
    except TooManyError as error:
        raise Problem(429, "too-many-live", str(error), {"Retry-After": "60"}) from None
    response.headers["Location"] = f"/v1/live/{made['id']}"
    return made


@router.get("/{live_id}", response_model=Live)
def get_live(live_id: str, who: Reader, held: Held, response: Response, answered: Answered) -> Any:
    """A reference that is or was on the air."""
    return answered(response, lives.live(held, who, live_id))


@router.delete("/{live_id}", status_code=204)
def remove_live(live_id: str, who: Writer, held: Held) -> None:
    """Removes one that is over from the list, and what was told of it while it was on the air; what it became stays."""
    lives.remove(held, who, live_id)


@router.post(
    "/{live_id}/codes",
    response_model=Live,
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: BODY}}},
)
async def push_codes(
    request: Request,
    live_id: str,
    who: Writer,
    held: Held,
    air: Air,
    sequence: Annotated[
        int, Query(ge=1, le=LARGEST_ID, description="1, 2, 3, ...: what comes twice counts once.")
    ],
    begin: Annotated[
        float, Query(ge=0, le=LONGEST, description="The second of the reference at which they begin.")
    ],
    at: Annotated[Moment, Query(description="When that second was aired.")],
) -> Any:
    """More codes of a reference: the fingerprint of its next seconds (`whorl fingerprint`), in order."""
    if media_type(request) != MEDIA_TYPE:
        raise Problem(415, "wrong-type", f"send a fingerprint as Content-Type: {MEDIA_TYPE}")
    await run_in_threadpool(lives.live, held, who, live_id)  # nobody else's bytes are read
    body, aired = await fingerprint_body(request), utc(at).timestamp()
    try:
        made = await run_in_threadpool(air.checked, body, begin)
    except ValueError as error:
        raise Problem(422, "bad-fingerprint", str(error)) from None

    def add(row: lives.Live) -> float:
        return air.add(row, made, begin, aired)

    try:
        return await run_in_threadpool(lives.push, held, who, live_id, sequence, add)
    except ValueError as error:
        raise Problem(422, "bad-fingerprint", str(error)) from None


@router.post("/{live_id}/end", response_model=Live)
def end_live(live_id: str, body: LiveEnd, who: Writer, held: Held, air: Air) -> Any:
    """Ends it: what was pushed is registered or forgotten at once, what is recorded soon after."""
    row = lives.end(held, who, live_id, body.keep)
    if row.state == "ending" and (row.url is None or row.number is None):
        air.conclude(row)
    return lives.live(held, who, live_id)


def _about(held: Store, who: Caller, body: LiveIn) -> dict[str, Any]:
    """The work, made if need be, and what the reference is called."""
    if body.work is not None:
        title, work, made = works.details(held, who.org_id, body.work)[0].title, body.work, False
    else:
        title = body.title or ""
        details = Details(title, body.kind, frozenset(pairs(body.identifiers)))
        ((work, made),) = works.find_or_create(held, who.org_id, [details])
    name = shown(body.url).rpartition("/")[2] if body.url else ""
    return {"work": work, "made": made, "title": title, "name": name or title}
