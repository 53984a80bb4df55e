"""Matches: what captures hold. By file or upload an answer is a job; by fingerprint it comes at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.api.access import needs, store
from service.api.forms import file_or_upload, handed_in
from service.api.jobs import JobOut, accepted
from service.api.problem import Problem, not_found
from service.api.receiving import incoming
from service.api.schemas import Id
from service.api.text import Country, Moment, Place
from service.incoming import Incoming
from service.jobs.queue import PRIORITIES
from service.store import uploads
from service.store.caller import Caller
from service.store.jobs import New
from service.store.store import Store
from service.store.uploads import Upload

router = APIRouter(prefix="/v1/matches", tags=["matches"])

Held = Annotated[Store, Depends(store)]
Files = Annotated[Incoming, Depends(incoming)]


class CapturedIn(BaseModel):
    """Where and when it was captured, as far as that is known: by this a licence allows it, or does not."""

    model_config = ConfigDict(extra="forbid")
    place: Place | None = None
    territory: Country | None = None
    at: Moment | None = None


class MatchIn(BaseModel):
    """A capture to be examined: a finished upload. ``priority``: 1 to 1000, lower first."""

    model_config = ConfigDict(extra="forbid")
    upload: Id
    captured: CapturedIn = Field(default_factory=CapturedIn)
    case: Id | None = None
    priority: Annotated[int, Field(ge=1, le=1000)] = PRIORITIES["match"]


def checked(model: type[BaseModel], values: dict[str, Any]) -> Any:
    """The values as the model has them. Raises a Problem 422."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = [{"at": "/".join(map(str, one["loc"])), "problem": one["msg"]} for one in error.errors()]
        said = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong)
        raise Problem(422, "invalid", said, errors=wrong) from None


def finished(held: Store, who: Caller, upload_id: str) -> Upload:
    """An upload that is whole. Raises a Problem."""
    upload = uploads.find(held, who, upload_id)
    if upload is None:
        raise not_found("upload", upload_id)
    if upload.sha256 is None:
        raise Problem(409, "unfinished", f"upload {upload_id} has {upload.received} of {upload.length} bytes")
    return upload


_ADDRESS = (
    "url: no address is fetched here: hand in the file, in a form or as an upload; the page fetches files, and "
    "POST /v1/streams watches streams"
)
_BODY = file_or_upload(
    {
        "place": {"type": "string"},
        "territory": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "case": {"type": "string"},
        "priority": {"type": "integer"},
    },
    {"application/json": {"schema": {"$ref": "#/components/schemas/MatchIn"}}},
)


@router.post("", status_code=202, openapi_extra=_BODY)
async def match_file(
    request: Request,
    response: Response,
    who: Annotated[Caller, needs("matches:write")],
    held: Held,
    files: Files,
) -> JobOut:
    """Has a capture examined: a file in a form, or an upload named in JSON. The answer is that of the job."""
    async with handed_in(request, who, files, "captured", ("place", "territory", "at")) as values:
        if "url" in values:
            raise Problem(422, "invalid", _ADDRESS)
        wanted: MatchIn = checked(MatchIn, values)
        return await run_in_threadpool(_asked, request, response, who, held, wanted)


def _asked(request: Request, response: Response, who: Caller, held: Store, wanted: MatchIn) -> JobOut:
    upload = finished(held, who, wanted.upload)
    given = {
        "name": upload.name,
        "sha256": upload.sha256,
        "captured": wanted.captured.model_dump(mode="json", exclude_none=True),
    }
    job = accepted(request, who, New("match", wanted.priority, given, upload.id, wanted.case))
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job
