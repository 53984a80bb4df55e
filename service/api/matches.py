"""Matches: what captures hold. By file or upload an answer is a job; by fingerprint it comes at once."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.api.access import needs, store
from service.api.forms import form_upload, media_type
from service.api.jobs import JobOut, accepted
from service.api.problem import Problem, not_found
from service.api.receiving import incoming
from service.incoming import Incoming
from service.jobs.queue import PRIORITIES
from service.store import answers, uploads
from service.store.caller import Caller
from service.store.jobs import New
from service.store.store import Store
from service.store.uploads import Upload

router = APIRouter(prefix="/v1/matches", tags=["matches"])

Held = Annotated[Store, Depends(store)]
Files = Annotated[Incoming, Depends(incoming)]


class Captured(BaseModel):
    """Where and when it was captured: a host name or channel, a country (ISO 3166-1 alpha-2), a time (ISO 8601)."""

    model_config = ConfigDict(extra="forbid")
    place: str | None = Field(None, max_length=255)
    territory: str | None = Field(None, pattern="^[A-Za-z]{2}$")
    at: datetime | None = None


class MatchIn(BaseModel):
    """A capture to be examined: a finished upload. ``priority``: 1 to 1000, lower first."""

    model_config = ConfigDict(extra="forbid")
    upload: str
    captured: Captured = Field(default_factory=lambda: Captured.model_validate({}))
    case: str | None = None
    priority: Annotated[int, Field(ge=1, le=1000)] = PRIORITIES["match"]


def checked(model: type[BaseModel], values: dict[str, Any]) -> Any:
    """The values as the model has them. Raises a Problem 422."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = [{"at": "/".join(map(str, one["loc"])), "problem": one["msg"]} for one in error.errors()]
        said = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong)
        raise Problem(422, "invalid", said, errors=wrong) from None


async def json_body(request: Request) -> dict[str, Any]:
    """A small JSON object. Raises a Problem."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > 64 << 10:
        raise Problem(413, "too-large", "a JSON body has a Content-Length of at most 64 KiB")
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise Problem(422, "invalid", "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Problem(422, "invalid", "the body is no JSON object")
    return body


def finished(held: Store, who: Caller, upload_id: str) -> Upload:
    """An upload that is whole. Raises a Problem."""
    upload = uploads.find(held, who, upload_id)
    if upload is None:
        raise not_found("upload", upload_id)
    if upload.sha256 is None:
        raise Problem(409, "unfinished", f"upload {upload_id} has {upload.received} of {upload.length} bytes")
    return upload


def form_values(fields: dict[str, str], inner: str, names: tuple[str, ...]) -> dict[str, Any]:
    """A form's fields with some of them in an object inside: {"captured": {"place": ...}}."""
    empty = {name: value for name, value in fields.items() if value != ""}
    part = {name: empty.pop(name) for name in names if name in empty}
    return {**empty, **({inner: part} if part else {})}


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "place": {"type": "string"},
                        "territory": {"type": "string"},
                        "at": {"type": "string", "format": "date-time"},
                        "case": {"type": "string"},
                        "priority": {"type": "integer"},
                    },
                }
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/MatchIn"}},
        },
    }
}


@router.post("", status_code=202, openapi_extra=_BODY)
async def match_file(
    request: Request,
    response: Response,
    who: Annotated[Caller, needs("matches:write")],
    held: Held,
    files: Files,
) -> JobOut:
    """Has a capture examined: a file in a form, or an upload named in JSON. The answer is that of the job."""
    if media_type(request) == "multipart/form-data":
        upload, fields = await form_upload(request, who, files)
        values = form_values(fields, "captured", ("place", "territory", "at")) | {"upload": upload.id}
    elif media_type(request) == "application/json":
        values = await json_body(request)
    else:
        raise Problem(
            415, "wrong-type", "send multipart/form-data with a file, or application/json with an upload"
        )
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


@router.get("/{match_id}")
def get_match(match_id: str, who: Annotated[Caller, needs("matches:read")], held: Held) -> dict[str, Any]:
    """What a capture holds: the answer of `whorl match --json`, and its id, case, and where it was captured."""
    row = answers.find(held, who, match_id)
    if row is None:
        raise not_found("match", match_id)
    return {"id": row.id, "created": row.created, "case": row.case_id, "captured": row.captured, **row.answer}
