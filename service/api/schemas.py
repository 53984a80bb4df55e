"""What answers look like: the models that the OpenAPI document is made of."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from service.api.text import SEEN, Country, Identifier, Moment, Note, Place, Title, Word

Id = Annotated[str, Field(max_length=64, pattern=SEEN)]
Next = Annotated[str | None, Field(description="The cursor of the next page, null on the last.")]


class Body(BaseModel):
    """What a request holds: nothing else is taken, so that a slip of the pen is told."""

    model_config = ConfigDict(extra="forbid")


class WorkIn(Body):
    """A work to be registered; it belongs to the caller's organisation."""

    title: Title
    kind: Word = ""
    identifiers: Annotated[list[Identifier], Field(max_length=100)] = []


class WorkChange(Body):
    """What is to be changed of a work; ``identifiers`` take the place of all it has."""

    title: Title | None = None
    kind: Word | None = None
    identifiers: Annotated[list[Identifier], Field(max_length=100)] | None = None


class Work(BaseModel):
    """A work. ``org`` is the organisation that holds it, null where it was registered by the command line."""

    id: str
    title: str
    kind: str
    owner: str
    org: str | None
    identifiers: list[str]
    references: Annotated[int, Field(description="How many references it has.")]


class Works(BaseModel):
    """A page of works."""

    items: list[Work]
    next: Next


class TableRow(BaseModel):
    """What became of a row of a table: ``file`` is what the row says, to hand in that file under this work."""

    row: int
    file: str
    work: str
    new: bool


class Table(BaseModel):
    """What became of a table of works."""

    items: list[TableRow]


class Licence(Body):
    """Where and when a work may be shown: null means anywhere, at any time. From ``starts`` on, before ``ends``."""

    territory: Country | None = None
    place: Place | None = None
    starts: Moment | None = None
    ends: Moment | None = None


class Licences(Body):
    """All licences of a work."""

    items: Annotated[list[Licence], Field(max_length=1000)]


class HeldLicence(BaseModel):
    """A licence as it is kept."""

    id: str
    territory: str | None
    place: str | None
    starts: str | None
    ends: str | None


class HeldLicences(BaseModel):
    """All licences of a work, as they are kept."""

    items: list[HeldLicence]


class Stretch(BaseModel):
    """Seconds of a reference."""

    start: float
    end: float


class Named(BaseModel):
    """What is meant, by id, and what it is called."""

    id: str
    name: str


class Titled(BaseModel):
    """A work, by id and title."""

    id: str
    title: str


class Covered(BaseModel):
    """Which seconds of a reference were found in captures; ``codes`` are those it can be found by, by algorithm."""

    reference: Named
    duration: float
    codes: dict[str, int]
    found: list[Stretch]
    found_seconds: float
    answers: int


class Coverage(BaseModel):
    """How much of a work was found, by reference."""

    items: list[Covered]
    next: Next


class Reference(BaseModel):
    """A registered file. ``duration`` in seconds."""

    id: str
    name: str
    work: Titled
    org: str | None
    sha256: str
    duration: float
    added: str


class References(BaseModel):
    """A page of references."""

    items: list[Reference]
    next: Next


class Side(BaseModel):
    """One of the two that claim a stretch."""

    org: Named
    reference: Named
    title: str


class SharedStretch(Stretch):
    """Seconds of the first side's reference, and of the other's."""

    other_start: float
    other_end: float


class Overlap(BaseModel):
    """The same stretch in references of two organisations; ``owner`` is the one it was resolved for."""

    id: str
    found: str
    resolved: str | None
    owner: str | None
    sides: list[Side]
    segments: list[SharedStretch]


class Overlaps(BaseModel):
    """A page of overlaps."""

    items: list[Overlap]
    next: Next


class Resolution(Body):
    """Whose the stretch is: the id of the organisation of one of the sides."""

    owner: Id


class CaseIn(Body):
    """A case to be opened."""

    name: Title


class CaseChange(Body):
    """What is to be changed of a case."""

    name: Title | None = None
    closed: StrictBool | None = None


class Case(BaseModel):
    """A case and how many captures were answered in it. ``closed`` is when, null while it is open."""

    id: str
    org: str
    name: str
    created: str
    closed: str | None
    answers: int


class Cases(BaseModel):
    """A page of cases."""

    items: list[Case]
    next: Next


class VerdictIn(Body):
    """What a person makes of a match: of its ``reference``."""

    reference: Id
    verdict: Literal["confirm", "reject"]
    note: Note = ""


class Verdict(BaseModel):
    """What a person made of a match. All are kept, the last one counts."""

    id: str
    reference: str
    verdict: str
    note: str
    actor: str
    at: str


class Verdicts(BaseModel):
    """A page of verdicts, the first first."""

    items: list[Verdict]
    next: Next
