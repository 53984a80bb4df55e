"""What requests hold that are of several types: forms, JSON, fingerprints."""

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from service.api.problem import Problem, not_found
from service.store import uploads
from service.store.caller import Caller
from service.store.store import Store
from service.store.uploads import Upload

LARGEST = 128 << 20  # bytes of a fingerprint: an hour of sound and pictures

Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], values: dict[str, Any]) -> Model:
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
