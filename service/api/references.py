"""References: the registered files of works."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from fingerprint.exchange import MEDIA_TYPE
from service.api.access import needs, store
from service.api.etags import Answered
from service.api.fingerprints import BODY, fingerprint_body, kept
from service.api.forms import file_or_upload, handed_in, media_type
from service.api.jobs import JobOut, accepted
from service.api.matches import checked, finished
from service.api.pages import Asked
from service.api.problem import Problem
from service.api.receiving import incoming
from service.api.schemas import Body, Id, Reference, References
from service.api.text import Identifier, Title, Word
from service.incoming import Incoming
from service.jobs.queue import PRIORITIES
from service.store import works
from service.store.caller import Caller
from service.store.jobs import New
from service.store.store import Store

router = APIRouter(prefix="/v1/references", tags=["references"])
Reader = Annotated[Caller, needs("works:read")]
Writer = Annotated[Caller, needs("works:write")]
Held = Annotated[Store, Depends(store)]
Files = Annotated[Incoming, Depends(incoming)]


class ReferenceIn(Body):
    """A file to be registered: a finished upload, under a ``work``, or under a title (its name's, unless given)."""

    upload: Id
    work: Id | None = None
    title: Title | None = None
    kind: Word = ""
    identifiers: Annotated[list[Identifier], Field(max_length=100, default_factory=list)]


_BODY = file_or_upload(
    {
        "work": {"type": "string"},
        "title": {"type": "string"},
        "kind": {"type": "string"},
        "identifiers": {"type": "string", "description": "Parted by `;`."},
    },
    {"application/json": {"schema": ReferenceIn.model_json_schema()}, MEDIA_TYPE: BODY},
)


@router.get("", response_model=References)
def list_references(who: Reader, held: Held, page: Asked, work: Id | None = None) -> Any:
    """References, of one `work` where that is given."""
    return works.list_references(held, who, page, work)


@router.post("", status_code=202, openapi_extra=_BODY)
async def register_file(
    request: Request,
    response: Response,
    who: Writer,
    held: Held,
    files: Files,
    work: Annotated[Id | None, Query(description="Of a fingerprint.")] = None,
    title: Annotated[Title | None, Query(description="Of a fingerprint.")] = None,
) -> JobOut:
    """Has a file registered: in a form, an upload named in JSON, or its fingerprint alone (`whorl fingerprint`).

    The reference is that of the job.
    """
    if media_type(request) == MEDIA_TYPE:
        upload = await run_in_threadpool(kept, files, who, await fingerprint_body(request))
        about = {"upload": upload.id, "work": work, "title": title}
        return await run_in_threadpool(_asked, request, response, who, held, checked(ReferenceIn, about))
    async with handed_in(request, who, files) as values:
        if isinstance(values.get("identifiers"), str):
            values["identifiers"] = [part for part in values["identifiers"].split(";") if part.strip()]
        wanted: ReferenceIn = checked(ReferenceIn, values)
        return await run_in_threadpool(_asked, request, response, who, held, wanted)


def _asked(request: Request, response: Response, who: Caller, held: Store, wanted: ReferenceIn) -> JobOut:
    if wanted.work is not None and (wanted.title or wanted.kind or wanted.identifiers):
        raise Problem(422, "invalid", "give a work, or what a new one is called: title, kind, identifiers")
    if wanted.work is not None:
        works.details(held, who.org_id, wanted.work)
    upload = finished(held, who, wanted.upload)
    about = {
        "work": wanted.work,
        "title": wanted.title,
        "kind": wanted.kind,
        "identifiers": wanted.identifiers,
    }
    given = {"name": upload.name, "sha256": upload.sha256} | about
    job = accepted(request, who, New("register", PRIORITIES["register"], given, upload.id))
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job


@router.get("/{reference_id}", response_model=Reference)
def get_reference(reference_id: str, who: Reader, held: Held, response: Response, answered: Answered) -> Any:
    """A reference."""
    return answered(response, works.reference(held, who, reference_id))


@router.delete("/{reference_id}", status_code=204)
def remove_reference(reference_id: str, who: Writer, held: Held) -> None:
    """Removes a reference, at once and for good; where another organisation claims the same bytes, the caller's claim."""
    works.remove_reference(held, who, reference_id)
