"""Files in forms (multipart/form-data): read as they come, straight to the disk, hashed meanwhile; never held in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.api.problem import Problem
from service.api.receiving import Line
from service.incoming import Incoming, IncomingError, Writing
from service.store.caller import Caller
from service.store.uploads import Upload

FIELDS = 64 << 10  # bytes of all fields that are no file
HEADERS = 16 << 10  # bytes of the headers of one part


class Form:
    """A form that is being read: its fields, and what to do with the bytes of its one file."""

    def __init__(self, boundary: bytes, begin: Callable[[str], None]) -> None:
        """``begin`` is told the name of the file when it comes."""
        self.fields: dict[str, str] = {}
        self.file: list[bytes] = []
        self.ended = False
        self._begin, self._files = begin, 0
        self._size = self._header_size = 0
        self._headers: dict[str, str] = {}
        self._name = self._field = self._value = b""
        self._in_file = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_part,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def feed(self, data: bytes) -> None:
        """More of the body; afterwards ``file`` holds what of it is the file's. Raises a Problem."""
        self.file.clear()
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Problem(400, "bad-form", f"the form cannot be read: {error}") from None

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += self._counted(data[start:end])

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._counted(data[start:end])

    def _counted(self, part: bytes) -> bytes:
        self._header_size += len(part)
        if self._header_size > HEADERS:
            raise Problem(400, "bad-form", f"a part has more than {HEADERS} bytes of headers")
        return part

    def _on_header(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._field = self._value = b""

    def _on_part(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        self._name = options.get(b"name", b"")
        self._in_file = b"filename" in options
        self._headers, self._header_size, self._data = {}, 0, b""
        if self._in_file:
            self._files += 1
            if self._files > 1 or self._name != b"file":
                raise Problem(422, "invalid", "send one file, in the field `file`")
            self._begin(options[b"filename"].decode("utf-8", "replace"))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.file.append(data[start:end])
            return
        self._size += end - start
        if self._size > FIELDS:
            raise Problem(413, "too-large", f"the fields of a form may hold {FIELDS} bytes")
        self._data += data[start:end]

    def _on_part_end(self) -> None:
        if not self._in_file:
            try:
                self.fields[self._name.decode()] = self._data.decode()
            except UnicodeDecodeError:
                raise Problem(422, "invalid", f"the field {self._name!r} is no UTF-8") from None

    def _on_end(self) -> None:
        self.ended = True


class FormUpload:
    """A form's file on its way into an upload, which is removed again unless the whole form arrives."""

    def __init__(self, request: Request, who: Caller, files: Incoming) -> None:
        _, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary", b"")
        if not boundary or len(boundary) > 200:
            raise Problem(400, "bad-form", "the Content-Type of a form names its boundary")
        self._request, self._who, self._files = request, who, files
        self._name: str | None = None
        self._writing: Writing | None = None
        self._form = Form(boundary, self._begin)

    def _begin(self, name: str) -> None:
        self._name = name

    async def received(self) -> tuple[Upload, dict[str, str]]:
        """The upload and the form's fields. Raises a Problem, IncomingError, ClientDisconnect."""
        try:
            async for data in Line(self._request).pieces():
                self._form.feed(data)
                if self._name is not None and self._writing is None:
                    self._writing = await asyncio.to_thread(self._opened, self._name)
                if self._writing is not None and self._form.file:
                    await asyncio.to_thread(self._writing.write, b"".join(self._form.file))
            if self._writing is None:
                raise Problem(422, "invalid", "send a file, in the field `file`")
            if not self._form.ended:
                raise Problem(400, "bad-form", "the form ends before its end: send it again")
            await asyncio.to_thread(self._writing.settle, True)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._undone))
            raise
        await asyncio.to_thread(self._writing.conclude, True)
        return self._writing.upload, self._form.fields

    def _opened(self, name: str) -> Writing:
        text = self._request.headers.get("content-length", "")
        length = int(text) if text.isdecimal() and len(text) < 19 else None
        if length is None:
            raise Problem(
                411, "length-required", "send the form with a Content-Length, or use a resumable upload"
            )
        return self._files.open(self._files.create(self._who, name, length))

    def _undone(self) -> None:
        if self._writing is not None:
            self._writing.conclude(False)
            self._files.remove(self._writing.upload.id)


async def form_upload(request: Request, who: Caller, files: Incoming) -> tuple[Upload, dict[str, str]]:
    """The file of a form as a finished upload, and the form's other fields. Raises a Problem."""
    try:
        return await FormUpload(request, who, files).received()
    except IncomingError as error:
        raise Problem(error.status, error.code, error.detail) from None


def media_type(request: Request) -> str:
    """The Content-Type of a request, without its options."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


Body = dict[str, Any]


async def json_body(request: Request) -> Body:
    """A small JSON object. Raises a Problem."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise Problem(422, "invalid", "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Problem(422, "invalid", "the body is no JSON object")
    return body


def file_or_upload(fields: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """What the OpenAPI document says of a route that calls ``handed_in``: a form with these fields, or other bodies."""
    properties = {"file": {"type": "string", "format": "binary"}, **fields}
    form = {"schema": {"type": "object", "required": ["file"], "properties": properties}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": form, **others}}}


@asynccontextmanager
async def handed_in(
    request: Request, who: Caller, files: Incoming, inner: str = "", names: tuple[str, ...] = ()
) -> AsyncIterator[Body]:
    """What was handed in with a file: a form's fields, or a JSON body that names an ``upload``. Raises a Problem.

    Fields of these ``names`` are put into an object inside: {"captured": {"place": ...}}. A form's file is an upload like
    any other; it is removed again where the block cannot use it.
    """
    if media_type(request) == "application/json":
        yield await json_body(request)
    elif media_type(request) == "multipart/form-data":
        upload, fields = await form_upload(request, who, files)
        try:
            yield _values(fields, inner, names) | {"upload": upload.id}
        except BaseException:
            await asyncio.shield(asyncio.to_thread(files.remove, upload.id))
            raise
    else:
        detail = "send multipart/form-data with a file, or application/json with an upload"
        raise Problem(415, "wrong-type", detail)


def _values(fields: dict[str, str], inner: str, names: tuple[str, ...]) -> Body:
    given = {name: value for name, value in fields.items() if value != ""}
    part = {name: given.pop(name) for name in names if name in given}
    return {**given, **({inner: part} if part else {})}
