"""Organisations, people and keys: an administrator's to make; and who asks, which anybody may know of themselves."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.api.access import caller, needs, store
from service.api.pages import Asked
from service.api.text import Title
from service.store import accounts, members
from service.store.caller import Caller
from service.store.store import Store

router = APIRouter(prefix="/v1", tags=["accounts"])

Administrator = Annotated[Caller, needs("accounts")]
Anybody = Annotated[Caller, Depends(caller)]
Held = Annotated[Store, Depends(store)]
Role = Literal["holder", "investigator", "reviewer", "administrator"]
Id = Annotated[str, StringConstraints(max_length=40, pattern=r"^[\x21-\x7e]+$")]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$"),
]

LONGEST_OVERLAP = 30 * 24 * 3600  # seconds


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OrgIn(_Body):
    """An organisation to be made, or its new name."""

    name: Title


class Org(BaseModel):
    """An organisation: a rights holder, a unit of investigators."""

    id: str
    name: str
    created: str


class PersonIn(_Body):
    """A person to be added: who signs in at the provider with this address."""

    org: Id
    name: Title
    email: Email
    role: Role


class PersonChange(_Body):
    """What changes of a person; one who is not active may not sign in."""

    name: Title | None = None
    role: Role | None = None
    active: bool | None = None


class Person(BaseModel):
    """A person."""

    id: str
    org: str
    name: str
    email: str
    role: Role
    active: bool
    created: str


class KeyIn(_Body):
    """A key to be made: with these scopes of the role, all unless given; for a person or a program.

    ``org`` is whose objects it sees, that of the first key unless given.
    """

    org: Id | None = None
    role: Role
    label: Title
    scopes: Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=40)] | None = (
        None
    )
    expires: AwareDatetime | None = None
    person: Id | None = None


class Rotation(_Body):
    """Seconds for which the old key stays valid beside the new one."""

    overlap: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP)] = 0


class Key(BaseModel):
    """A key, without its secret."""

    id: str
    org: str
    label: str
    role: Role
    scopes: list[str]
    person: str | None
    created: str
    expires: str | None
    revoked: str | None
    used: str | None


class NewKey(Key):
    """A key that was just made; ``key`` is what its holder sends, told this once."""

    key: str


class OrgPage(BaseModel):
    """A page of organisations."""

    items: list[Org]
    next: str | None


class PersonPage(BaseModel):
    """A page of people."""

    items: list[Person]
    next: str | None


class KeyPage(BaseModel):
    """A page of keys."""

    items: list[Key]
    next: str | None


class OrgName(BaseModel):
    """Whose objects the caller sees."""

    id: str
    name: str


class Me(BaseModel):
    """Who asks. ``csrf`` is what a browser's session must send with every change, as X-CSRF-Token; empty for a key."""

    name: str
    org: OrgName
    role: Role
    scopes: list[str]
    key: str | None
    person: str | None
    csrf: str


@router.get("/me", response_model=Me)
def get_me(request: Request, who: Anybody, held: Held) -> Any:
    """Who asks, and what they may do."""
    org = members.org(held, str(who.org_id))
    person = None if who.person_id is None else str(who.person_id)
    told = {"name": who.name, "org": org, "role": who.role, "scopes": sorted(who.scopes)}
    return {**told, "key": who.key_id, "person": person, "csrf": getattr(request.state, "csrf", "")}


@router.get("/orgs", response_model=OrgPage)
def list_orgs(who: Administrator, held: Held, page: Asked) -> Any:
    """All organisations."""
    return members.list_orgs(held, page)


@router.post("/orgs", status_code=201, response_model=Org)
def add_org(body: OrgIn, who: Administrator, held: Held, response: Response) -> Any:
    """Makes an organisation."""
    return _made(response, "/v1/orgs", members.add_org(held, body.name))


@router.get("/orgs/{org_id}", response_model=Org)
def get_org(org_id: str, who: Administrator, held: Held) -> Any:
    """An organisation."""
    return members.org(held, org_id)


@router.patch("/orgs/{org_id}", response_model=Org)
def rename_org(org_id: str, body: OrgIn, who: Administrator, held: Held) -> Any:
    """Gives an organisation another name."""
    return members.rename_org(held, org_id, body.name)


@router.get("/people", response_model=PersonPage)
def list_people(who: Administrator, held: Held, page: Asked) -> Any:
    """All people."""
    return members.list_people(held, page)


@router.post("/people", status_code=201, response_model=Person)
def add_person(body: PersonIn, who: Administrator, held: Held, response: Response) -> Any:
    """Adds a person."""
    made = members.add_person(held, body.org, body.name, body.email, body.role)
    return _made(response, "/v1/people", made)


@router.get("/people/{person_id}", response_model=Person)
def get_person(person_id: str, who: Administrator, held: Held) -> Any:
    """A person."""
    return members.person(held, person_id)


@router.patch("/people/{person_id}", response_model=Person)
def change_person(person_id: str, body: PersonChange, who: Administrator, held: Held) -> Any:
    """Changes a person; their keys and sessions follow at once."""
    return members.change_person(held, person_id, body.model_dump(exclude_none=True))


@router.get("/keys", response_model=KeyPage)
def list_keys(who: Anybody, held: Held, page: Asked) -> Any:
    """The keys: all of them to an administrator, to others the one that they ask with."""
    return members.list_keys(held, who, page)


@router.post("/keys", status_code=201, response_model=NewKey)
def add_key(body: KeyIn, who: Administrator, held: Held, response: Response) -> Any:
    """Makes a key, and tells it this once."""
    org = body.org or str(accounts.org_named(held, accounts.ADMINISTRATION))
    given = (org, body.role, body.label, body.scopes, body.expires, body.person)
    return _told(response, held, members.add_key(held, *given))


@router.get("/keys/{key_id}", response_model=Key)
def get_key(key_id: str, who: Anybody, held: Held) -> Any:
    """A key."""
    return members.key(held, who, key_id)


@router.post("/keys/{key_id}/rotate", status_code=201, response_model=NewKey)
def rotate_key(
    key_id: str, who: Anybody, held: Held, response: Response, body: Rotation | None = None
) -> Any:
    """Makes a key in place of one, which ends at once or after a while; a key may do so itself."""
    overlap = timedelta(seconds=body.overlap if body else 0)
    return _told(response, held, members.rotate(held, who, key_id, overlap))


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: str, who: Anybody, held: Held) -> None:
    """Ends a key and its sessions, at once and for good; a key may do so itself."""
    members.revoke(held, who, key_id)


def _made(response: Response, place: str, made: dict[str, Any]) -> dict[str, Any]:
    response.headers["Location"] = f"{place}/{made['id']}"
    return made


def _told(response: Response, held: Store, made: accounts.NewKey) -> dict[str, Any]:
    response.headers["Cache-Control"] = "no-store"  # it holds a secret
    return {**_made(response, "/v1/keys", members.made_key(held, made)), "key": made.text}
