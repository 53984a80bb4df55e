"""Captures at an address: fetched by the one fetcher that checks where it connects, into an upload of the visitor's."""

import time
from threading import BoundedSemaphore
from typing import Annotated
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from service.api.access import needs
from service.incoming import Incoming, IncomingError
from service.store.caller import Caller
from service.store.uploads import Upload
from service.streams.errors import StreamError
from service.streams.fetch import Fetcher, Opened
from service.web.backend import Refusal
from service.web.rendering import page, shown
from service.web.visitor import Api, Signed, Token

router = APIRouter(include_in_schema=False)
AT_ONCE = BoundedSemaphore(4)  # each holds a thread of the service for as long as the other side takes
LONGEST, PATIENCE, PIECE = 900.0, 15.0, 1 << 20  # seconds in all, seconds of silence, bytes


@router.post("/from-address")
async def from_address(
    request: Request, api: Api, who: Signed, caller: Annotated[Caller, needs("uploads")], csrf: Token,
    url: Annotated[str, Form()], case: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Hands in what lies at an address, which is then known as the place of the capture; its job's card."""
    upload = await run_in_threadpool(_fetched, request, caller, url.strip())
    body = {"upload": upload.id, "captured": {"place": urlsplit(url.strip()).hostname}}
    job = await api.send("POST", "/v1/matches", body | ({"case": case} if case else {}), csrf)
    return page(request, "job_card.html", who, job=job)


def _fetched(request: Request, caller: Caller, url: str) -> Upload:
    """A whole upload of what lies there. Raises Refusal."""
    if not AT_ONCE.acquire(timeout=1):
        raise Refusal(429, "busy", "Other addresses are being fetched. Try again in a minute.")
    try:
        return _received(request.app.state.fetcher, request.app.state.incoming, caller, url)
    except StreamError as error:
        raise Refusal(422, error.code, _words(error)) from None
    except IncomingError as error:
        raise Refusal(error.status, error.code, error.detail) from None
    finally:
        AT_ONCE.release()


def _received(fetcher: Fetcher, files: Incoming, caller: Caller, url: str) -> Upload:
    opened = fetcher.open(url)
    try:
        length = opened.header("Content-Length")
        if not length.isdecimal() or len(length) > 18:
            raise StreamError(
                "bad-answer", url, "does not say how large it is: download it, and hand in the file"
            )
        upload = files.create(caller, _name(opened.target.url), int(length))
        return _written(files, upload, opened)
    finally:
        opened.close()


def _written(files: Incoming, upload: Upload, opened: Opened) -> Upload:
    """The upload with all of the body in it; nothing is left of one that breaks off."""
    opened.endless(PATIENCE)
    writing, until, whole = files.open(upload), time.monotonic() + LONGEST, False
    try:
        while data := opened.read(PIECE):
            writing.write(data)
            if time.monotonic() > until:
                raise StreamError("timeout", opened.target.url, f"is not whole after {LONGEST:.0f} s")
        writing.settle()
        whole = writing.received == upload.length
        if not whole:
            raise StreamError("unreachable", opened.target.url, "breaks off before its end")
        return upload
    finally:
        writing.conclude(keep=whole)
        if not whole:
            files.remove(upload.id)


def _name(url: str) -> str:
    """What the file is called: the last part of the path, else the host."""
    parts = urlsplit(url)
    return shown(unquote(parts.path).rsplit("/", 1)[-1] or parts.hostname or "unnamed")[:200]


def _words(error: StreamError) -> str:
    """Why not. Whither a name leads inside the operator's network is no visitor's business."""
    if error.code == "refused-address":
        return "This address is not public, and nothing is fetched from there."
    return f"{shown(error.name)}: {error.reason}"
