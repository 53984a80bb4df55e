"""What captures hold, as the API tells it: the JSON of `whorl match`, and what makes an infringement of it or not."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.api.schemas import Next, Verdict

Status = Literal["match", "review", "licensed", "no-match", "error"]


class Query(BaseModel):
    """The capture. ``duration`` in seconds."""

    name: str
    sha256: str
    duration: float
    kinds: list[str]


class Failure(BaseModel):
    """Why it could not be examined."""

    code: str
    message: str


class Disguise(BaseModel):
    """What was done to hide the copy; ``rotation`` is there only where the picture was turned: by so many degrees
    clockwise, after it was mirrored where it was.
    """

    mirror: bool
    crop: list[float] | None
    pitch: float
    rotation: int | None = None


class Segment(BaseModel):
    """Seconds of the capture that are seconds of the reference; ``track`` where it is not the first track of sound."""

    kind: str
    query_start: float
    query_end: float
    ref_start: float
    ref_end: float
    time_scale: float
    disguise: Disguise
    score: float
    track: int | None = None


class Replaced(BaseModel):
    """Seconds in which the stream of this kind is another than the work's."""

    kind: str
    query_start: float
    query_end: float


class Registered(BaseModel):
    """The reference that was found; ``sha256`` is that of its file."""

    id: str
    name: str
    title: str
    owner: str
    sha256: str | None = None


class Licensed(BaseModel):
    """The licence by which this is no infringement."""

    licence: str
    territory: str | None
    place: str | None
    starts: str | None
    ends: str | None


class Shared(BaseModel):
    """That two organisations claim this stretch; ``references`` are those that it is in."""

    id: str
    resolved: bool
    references: list[str]


class Match(BaseModel):
    """A work in the capture."""

    reference: Registered
    verdict: str
    expected_false_matches: float
    segments: list[Segment]
    replaced: list[Replaced] | None = None
    repeats: list[Segment] | None = None
    also_in: list["Match"] | None = None
    tied_with: list[str] | None = None
    licensed: Licensed | None = None
    overlap: list[Shared] | None = None
    verdict_of_review: Verdict | None = None


class Engine(BaseModel):
    """What examined it. ``references``: registered files that it was compared with; null where that is not known."""

    version: str
    algorithms: list[str]
    references: int | None = None


class Found(BaseModel):
    """What a capture holds. ``status`` is "licensed" where all that was found may be shown there and then.

    ``registering``: originals were still being registered while it was examined, and it was not compared with those: of a
    rights holder own ones alone. Examine it again, or ask again, when they are registered. ``warnings``: what could not be
    read of a damaged capture, and why nothing was found, where there is anything to say.
    """

    query: Query
    status: Status
    error: Failure | None
    elapsed: float
    matches: list[Match]
    registering: bool = False
    engine: Engine
    warnings: list[str] | None = None


class Captured(BaseModel):
    """Where and when it was captured, as far as that is known."""

    place: str | None = None
    territory: str | None = None
    at: str | None = None


class Answer(Found):
    """What a capture holds, as it is kept. ``job`` is that which examined it, and can examine it again."""

    id: str
    job: str | None = None
    created: str
    case: Annotated[str | None, Field(description="The case it belongs to.")]
    captured: Captured


class Answers(BaseModel):
    """A page of answers, the last first."""

    items: list[Answer]
    next: Next
