"""Streams and what happens in them, as the API tells it; an event is what `whorl watch --json` prints, and a little more."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from service.api.answers import Failure, Licensed, Registered, Segment, Shared
from service.api.schemas import Body, Id, Next
from service.api.text import SEEN, Country, Place
from service.streams.addresses import LONGEST
from service.streams.levels import LEVELS

State = Literal["waiting", "watching", "ended", "failed", "stopped"]
Kind = Literal["started", "continues", "ended", "note", "error"]
Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST, pattern=SEEN),
    Field(description="http://, https://, udp:// or rtp://.", examples=["https://tv.example.org/live.m3u8"]),
]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=SEEN)]


class StreamIn(Body):
    """A stream to be watched. ``place`` and ``territory`` are where it is shown: by these a licence allows it, or not."""

    url: Address
    label: Label = ""
    place: Place | None = None
    territory: Country | None = None
    case: Id | None = None


class Load(BaseModel):
    """How much is left out because the machine is busy, from 0, where nothing is; ``words`` say it."""

    level: int
    words: str


class WorkOnAir(BaseModel):
    """A work that is on. ``delay``: seconds by which the stream is behind a reference that is itself on the air."""

    airing: int
    since: Annotated[str, Field(description="When it started.")]
    at: Annotated[str, Field(description="When it was last told to be on.")]
    reference: Registered
    verdict: str
    expected_false_matches: float
    segments: list[Segment]
    delay: float | None = None
    licensed: Licensed | None = None
    overlap: list[Shared] | None = None


class Watched(BaseModel):
    """The stream in which something happened, as whoever asked for it has named it."""

    label: str
    url: str
    place: str | None
    territory: str | None
    case: str | None


class AiringOnAir(BaseModel):
    """One time that a work was on in a stream, as the last of its events has it.

    ``airing`` is its number in the stream, ``began`` and ``until`` its first and its last second, so far where it is
    ``going`` on; ``seen``: when somebody marked it as seen.
    """

    id: str
    stream_id: str
    stream: Watched
    airing: int
    began: str
    until: str
    going: bool
    seen: str | None
    reference: Registered
    verdict: str
    expected_false_matches: float
    segments: list[Segment]
    delay: float | None = None
    licensed: Licensed | None = None
    overlap: list[Shared] | None = None


class AiringsOnAir(BaseModel):
    """A page of airings, the last first. It may be a short one: whether there are more, ``next`` says."""

    items: list[AiringOnAir]
    next: Next


class Stream(BaseModel):
    """A stream. ``seen`` is its last sign of life, ``stream_time`` the seconds that were examined, ``on`` what is on."""

    id: str
    org: str
    created_by: str
    url: str
    label: str
    place: str | None
    territory: str | None
    case: str | None
    state: State
    error: Failure | None
    load: Load
    on: list[WorkOnAir]
    last: Annotated[AiringOnAir | None, Field(description="What was on last, and is no longer.")]
    stream_time: float
    created: str
    started: str | None
    ended: str | None
    seen: str | None


class Streams(BaseModel):
    """A page of streams, the last first."""

    items: list[Stream]
    next: Next


class Remark(BaseModel):
    """What happened to a stream, or why it cannot be watched any further."""

    code: str
    message: str


class Event(BaseModel):
    """What happened in a stream: `started`, `continues` and `ended` tell of a work, `note` and `error` of the stream.

    ``sequence`` counts all events of the service; ``stream`` is the stream's URL; ``id`` names an event of a work in its
    stream, ``airing`` is the same in all that is told of one time that a work is on.
    """

    sequence: int
    stream_id: str
    event: Kind
    at: str
    stream: str
    stream_time: float | None = None
    id: str | None = None
    airing: int | None = None
    reference: Registered | None = None
    verdict: str | None = None
    expected_false_matches: float | None = None
    segment: Segment | None = None
    segments: list[Segment] | None = None
    delay: float | None = None
    licensed: Licensed | None = None
    overlap: list[Shared] | None = None
    note: Remark | None = None
    error: Remark | None = None


class Events(BaseModel):
    """A page of events, the first first."""

    items: list[Event]
    next: Next


def shown(stream: dict[str, Any]) -> dict[str, Any]:
    """A stream as the store tells it, with its load in words."""
    level = stream["load"]
    return stream | {"load": {"level": level, "words": LEVELS[level].words}}
