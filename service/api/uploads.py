"""Resumable uploads: the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload), core, creation, checksum,
termination and expiration. Any tus client works.
"""

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from service.api.access import needs, store
from service.api.pages import Asked
from service.api.problem import Problem, not_found
from service.api.receiving import Proof, Receiving, incoming, refused
from service.incoming import Incoming, IncomingError
from service.settings import Settings
from service.store import uploads
from service.store.caller import Caller
from service.store.paging import page_json
from service.store.store import Store
from service.store.uploads import Upload

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

TUS = "1.0.0"
EXTENSIONS = "creation,checksum,termination,expiration"
CHECKSUMS = (
    "sha256",
    "sha1",
    "md5",
)  # what senders may prove a piece with: it guards against noise, not malice
PIECE = "application/offset+octet-stream"

Who = Annotated[Caller, needs("uploads")]
Held = Annotated[Store, Depends(store)]
Files = Annotated[Incoming, Depends(incoming)]


class UploadOut(BaseModel):
    """An upload. ``received`` bytes of ``length`` are safe; ``sha256`` is there once all are."""

    id: str
    name: str
    length: int
    received: int
    sha256: str | None
    created: str


class UploadPage(BaseModel):
    """A page of uploads, newest first."""

    items: list[UploadOut]
    next: str | None


def shown(upload: Upload) -> UploadOut:
    """An upload as JSON."""
    return UploadOut.model_validate(dict(upload._mapping))


def tus(request: Request) -> None:
    """Refuses a client of another version of the protocol."""
    if request.headers.get("Tus-Resumable") != TUS:
        raise Problem(
            412,
            "tus-version",
            f"send the header Tus-Resumable: {TUS}",
            {"Tus-Version": TUS, "Tus-Resumable": TUS},
        )


def _headers(request: Request, upload: Upload | None = None, **more: str) -> dict[str, str]:
    headers = {"Tus-Resumable": TUS, **{name.replace("_", "-"): value for name, value in more.items()}}
    if upload is not None and upload.sha256 is None:
        settings: Settings = request.app.state.settings
        expires = datetime.fromisoformat(upload.touched) + timedelta(seconds=settings.kept)
        headers["Upload-Expires"] = format_datetime(expires, usegmt=True)
    return headers


def _found(held: Store, who: Caller, upload_id: str) -> Upload:
    upload = uploads.find(held, who, upload_id)
    if upload is None:
        raise not_found("upload", upload_id)
    return upload


@router.options("", status_code=204)
@router.options("/{upload_id}", status_code=204, include_in_schema=False)
def upload_protocol(request: Request, who: Who) -> Response:
    """What this server speaks of the tus protocol."""
    settings: Settings = request.app.state.settings
    headers = {
        "Tus-Resumable": TUS,
        "Tus-Version": TUS,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings.max_upload),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }
    return Response(status_code=204, headers=headers)


@router.get("", response_model=UploadPage)
def list_uploads(who: Who, held: Held, page: Asked) -> Any:
    """Uploads, the last first."""
    return page_json(
        uploads.listed(held, who, page), ["created", "id"], page, lambda row: shown(row).model_dump()
    )


@router.post("", status_code=201, dependencies=[Depends(tus)])
def create_upload(request: Request, who: Who, files: Files) -> Response:
    """Begins an upload of `Upload-Length` bytes; `Upload-Metadata` may hold its `filename`."""
    length = _number(request, "Upload-Length")
    name = _metadata(request.headers.get("Upload-Metadata", "")).get("filename", "")
    try:
        upload = files.create(who, name, length)
    except IncomingError as error:
        raise refused(error) from None
    return Response(status_code=201, headers=_headers(request, upload, Location=f"/v1/uploads/{upload.id}"))


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Problem(400, "invalid-header", f"{header}: {text!r} is not a number of bytes")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """`key base64,key base64` as text. Raises a Problem 400."""
    pairs = {}
    for part in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = part.partition(" ")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise Problem(
                400, "invalid-header", f"Upload-Metadata: {key!r} is not followed by Base64 of UTF-8"
            ) from None
    return pairs


@router.head("/{upload_id}", dependencies=[Depends(tus)])
async def upload_state(request: Request, upload_id: str, who: Who, held: Held) -> Response:
    """How many bytes are safe: where to go on."""
    _found(held, who, upload_id)
    async with Receiving.of(request).alone(upload_id):
        upload = _found(held, who, upload_id)
    named = base64.b64encode(upload.name.encode()).decode()
    headers = _headers(
        request,
        upload,
        Upload_Offset=str(upload.received),
        Upload_Length=str(upload.length),
        Upload_Metadata=f"filename {named}",
        Cache_Control="no-store",
    )
    return Response(status_code=200, headers=headers)


@router.get("/{upload_id}")
def get_upload(upload_id: str, who: Who, held: Held) -> UploadOut:
    """An upload as JSON."""
    return shown(_found(held, who, upload_id))


@router.patch("/{upload_id}", status_code=204, dependencies=[Depends(tus)])
async def add_to_upload(request: Request, upload_id: str, who: Who, held: Held, files: Files) -> Response:
    """Adds a piece at `Upload-Offset`; with `Upload-Checksum` all of it or nothing."""
    if request.headers.get("Content-Type", "").split(";")[0].strip().lower() != PIECE:
        raise Problem(415, "wrong-type", f"send pieces as Content-Type: {PIECE}")
    offset, proof = _number(request, "Upload-Offset"), _proof(request.headers.get("Upload-Checksum"))
    receiving = Receiving.of(request)
    _found(held, who, upload_id)
    async with receiving.alone(upload_id):
        upload = _found(held, who, upload_id)
        if upload.received != offset:
            raise Problem(
                409, "wrong-offset", f"upload {upload_id} stands at {upload.received}, not at {offset}"
            )
        _check_length(request, upload)
        try:
            await receiving.piece(request, files, upload, proof)
        except IncomingError as error:
            raise refused(error) from None
        upload = _found(held, who, upload_id)
    return Response(status_code=204, headers=_headers(request, upload, Upload_Offset=str(upload.received)))


def _check_length(request: Request, upload: Upload) -> None:
    text = request.headers.get("Content-Length", "")
    if text.isdecimal() and int(text) > upload.length - upload.received:
        raise Problem(413, "too-long", f"more bytes than the {upload.length} announced")


def _proof(header: str | None) -> Proof:
    """A hash to be filled and what it must come to. Raises a Problem 400."""
    if header is None:
        return None
    name, _, value = header.partition(" ")
    try:
        expected = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        expected = b""
    if name not in CHECKSUMS or len(expected) != hashlib.new(name, usedforsecurity=False).digest_size:
        raise Problem(
            400, "invalid-checksum", f"Upload-Checksum: give {' or '.join(CHECKSUMS)} and its Base64"
        )
    return hashlib.new(name, usedforsecurity=False), expected


@router.delete("/{upload_id}", status_code=204, dependencies=[Depends(tus)])
async def delete_upload(request: Request, upload_id: str, who: Who, held: Held, files: Files) -> Response:
    """Ends an upload and removes its bytes; not while a job needs them."""
    _found(held, who, upload_id)
    async with Receiving.of(request).alone(upload_id):
        try:
            files.remove(upload_id)
        except IncomingError as error:
            raise refused(error) from None
    return Response(status_code=204, headers=_headers(request))


@router.post("/{upload_id}", status_code=204, include_in_schema=False)
async def overridden(request: Request, upload_id: str, who: Who, held: Held, files: Files) -> Response:
    """For clients whose proxies let only GET and POST through."""
    method = request.headers.get("X-HTTP-Method-Override", "")
    if method not in ("PATCH", "DELETE"):
        raise Problem(405, "http", "Method Not Allowed", {"Allow": "HEAD, GET, PATCH, DELETE"})
    tus(request)
    if method == "PATCH":
        return await add_to_upload(request, upload_id, who, held, files)
    return await delete_upload(request, upload_id, who, held, files)
