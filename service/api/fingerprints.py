"""Fingerprints in the place of files: asked with, they are answered at once; registered, the content stays at home."""

import asyncio
from concurrent.futures.process import BrokenProcessPool
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool

from fingerprint.exchange import MEDIA_TYPE
from index.database import CatalogError
from service.api.access import needs, store
from service.api.answers import Found
from service.api.forms import media_type
from service.api.matches import CapturedIn
from service.api.problem import Problem
from service.api.receiving import refused
from service.incoming import Incoming, IncomingError
from service.matcher import BusyError, Matcher
from service.store import findings, jobs
from service.store.caller import Caller
from service.store.store import Store
from service.store.uploads import Upload

router = APIRouter(prefix="/v1/matches", tags=["matches"])

LARGEST = 128 << 20  # bytes of a fingerprint: an hour of sound and pictures
NAME = "fingerprint.whorl"


class FoundAtOnce(Found):
    """What a capture holds; ``searched`` says for which disguises: none."""

    searched: Literal["plain"]


BODY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/fingerprint",
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: BODY}}},
    response_model=FoundAtOnce,
    response_model_exclude_unset=True,
)
async def match_fingerprint(
    request: Request,
    who: Annotated[Caller, needs("matches:write")],
    held: Annotated[Store, Depends(store)],
    captured: Annotated[CapturedIn, Query()],
) -> Any:
    """What a capture holds, of which only the fingerprint is sent (`whorl fingerprint --query`): answered at once.

    No disguise is undone, `searched` says so: send the file where "no-match" does not suffice.
    """
    if media_type(request) != MEDIA_TYPE:
        raise Problem(415, "wrong-type", f"send a fingerprint as Content-Type: {MEDIA_TYPE}")
    matcher: Matcher = request.app.state.matcher
    missed = await run_in_threadpool(jobs.registering, held.rows)
    try:
        answer = await asyncio.wrap_future(matcher.ask(await fingerprint_body(request)))
    except ValueError as error:
        raise Problem(422, "bad-fingerprint", str(error)) from None
    except BusyError as error:
        raise Problem(503, "busy", str(error), {"Retry-After": "1"}) from None
    except (CatalogError, BrokenProcessPool):
        detail = "the catalog cannot be searched now: try again later"
        raise Problem(503, "unavailable", detail, {"Retry-After": "5"}) from None
    there = captured.model_dump(mode="json", exclude_none=True)
    return await run_in_threadpool(findings.told, held, who, answer, there, missed)


async def fingerprint_body(request: Request) -> bytes:
    """The bytes of a fingerprint. Raises a Problem 413."""
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise Problem(
                413, "too-large", f"a fingerprint may have {LARGEST} bytes: upload the file instead"
            )
        parts.append(part)
    return b"".join(parts)


def kept(files: Incoming, who: Caller, body: bytes) -> Upload:
    """A fingerprint as an upload. Raises a Problem."""
    try:
        upload = files.create(who, NAME, len(body))
        writing = files.open(upload)
        writing.write(body)
        writing.settle()
        writing.conclude(keep=True)
    except IncomingError as error:
        raise refused(error) from None
    return upload
