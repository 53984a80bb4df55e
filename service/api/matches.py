"""Matches: what captures hold. By file or upload an answer is a job; by fingerprint it comes at once."""

import asyncio
from concurrent.futures.process import BrokenProcessPool
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from fingerprint.exchange import MEDIA_TYPE
from index.database import CatalogError
from service.api.access import needs, store
from service.api.answers import Found
from service.api.forms import form_upload, media_type
from service.api.given import checked, fingerprint_body, finished, form_values, json_body
from service.api.jobs import JobOut, accepted
from service.api.problem import Problem
from service.api.receiving import incoming
from service.api.schemas import Body, Id
from service.api.text import Country, Moment, Place
from service.incoming import Incoming
from service.jobs.queue import PRIORITIES
from service.matcher import BusyError, Matcher
from service.store import findings
from service.store.caller import Caller
from service.store.jobs import New
from service.store.store import Store

router = APIRouter(prefix="/v1/matches", tags=["matches"])

Held = Annotated[Store, Depends(store)]
Files = Annotated[Incoming, Depends(incoming)]


class CapturedIn(Body):
    """Where and when it was captured."""

    place: Place | None = None
    territory: Country | None = None
    at: Moment | None = None


class FoundAtOnce(Found):
    """What a capture holds; ``searched`` says for which disguises: none."""

    searched: Literal["plain"]


class MatchIn(Body):
    """A capture to be examined: a finished upload. ``priority``: 1 to 1000, lower first."""

    upload: Id
    captured: CapturedIn = CapturedIn()
    case: Id | None = None
    priority: Annotated[int, Field(ge=1, le=1000)] = PRIORITIES["match"]


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


_FINGERPRINT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/fingerprint", openapi_extra=_FINGERPRINT, response_model=FoundAtOnce, response_model_exclude_unset=True
)
async def match_fingerprint(
    request: Request,
    who: Annotated[Caller, needs("matches:write")],
    held: Held,
    captured: Annotated[CapturedIn, Query()],
) -> Any:
    """What a capture holds, of which only the fingerprint is sent (`whorl fingerprint --query`): answered at once.

    No disguise is undone, `searched` says so: send the file where "no-match" does not suffice.
    """
    if media_type(request) != MEDIA_TYPE:
        raise Problem(415, "wrong-type", f"send a fingerprint as Content-Type: {MEDIA_TYPE}")
    body = await fingerprint_body(request)
    matcher: Matcher = request.app.state.matcher
    try:
        answer = await asyncio.wrap_future(matcher.ask(body))
    except ValueError as error:
        raise Problem(422, "bad-fingerprint", str(error)) from None
    except BusyError as error:
        raise Problem(503, "busy", str(error), {"Retry-After": "1"}) from None
    except (CatalogError, BrokenProcessPool) as error:
        raise Problem(
            503, "unavailable", f"the catalog cannot be searched now: {error}", {"Retry-After": "5"}
        ) from None
    there = captured.model_dump(mode="json", exclude_none=True)
    return await run_in_threadpool(findings.told, held, who, answer, there)
