"""References are registered by jobs: of a file in a form, of an upload, or of a fingerprint alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from fingerprint.exchange import MEDIA_TYPE
from service.api.access import needs, store
from service.api.forms import form_upload, media_type
from service.api.given import checked, fingerprint_body, finished, form_values, json_body
from service.api.jobs import JobOut, accepted
from service.api.problem import Problem
from service.api.receiving import incoming, refused
from service.api.schemas import Body, Id
from service.incoming import Incoming, IncomingError
from service.jobs.queue import PRIORITIES
from service.store import works
from service.store.caller import Caller
from service.store.jobs import New
from service.store.store import Store
from service.store.uploads import Upload

router = APIRouter(prefix="/v1/references", tags=["references"])

Held = Annotated[Store, Depends(store)]
Files = Annotated[Incoming, Depends(incoming)]


class ReferenceIn(Body):
    """An original to be registered under a work of the caller's: a finished upload. ``priority``: 1 to 1000, lower first."""

    upload: Id
    work: Id
    priority: Annotated[int, Field(ge=1, le=1000)] = PRIORITIES["register"]


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "work"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "work": {"type": "string"},
                        "priority": {"type": "integer"},
                    },
                }
            },
            "application/json": {"schema": ReferenceIn.model_json_schema()},
            MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("", status_code=202, openapi_extra=_BODY, response_model=JobOut)
async def register(
    request: Request,
    response: Response,
    who: Annotated[Caller, needs("works:write")],
    held: Held,
    files: Files,
    work: Annotated[Id | None, Query(description="The work, where a fingerprint is sent.")] = None,
) -> Any:
    """Has an original registered: a file in a form, an upload named in JSON, or a fingerprint (`whorl fingerprint`)."""
    if media_type(request) == "multipart/form-data":
        upload, fields = await form_upload(request, who, files)
        values = form_values(fields, "", ()) | {"upload": upload.id}
    elif media_type(request) == "application/json":
        values = await json_body(request)
    elif media_type(request) == MEDIA_TYPE:
        body = await fingerprint_body(request)
        upload = await run_in_threadpool(_kept, files, who, body)
        values = {"upload": upload.id, "work": work}
    else:
        raise Problem(415, "wrong-type", f"send multipart/form-data, application/json, or {MEDIA_TYPE}")
    wanted = checked(ReferenceIn, values)
    return await run_in_threadpool(_asked, request, response, who, held, wanted)


def _kept(files: Incoming, who: Caller, body: bytes) -> Upload:
    """A fingerprint as an upload. Raises a Problem."""
    try:
        upload = files.create(who, "fingerprint.whorl", len(body))
        writing = files.open(upload)
        writing.write(body)
        writing.settle()
        writing.conclude(keep=True)
    except IncomingError as error:
        raise refused(error) from None
    return upload


def _asked(request: Request, response: Response, who: Caller, held: Store, wanted: ReferenceIn) -> JobOut:
    upload = finished(held, who, wanted.upload)
    works.details(held, who.org_id, wanted.work)
    given = {"name": upload.name, "sha256": upload.sha256, "work": wanted.work}
    job = accepted(request, who, New("register", wanted.priority, given, upload.id))
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job
