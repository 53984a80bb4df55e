"""What the watcher keeps of a stream in files: its last picture, and the evidence of its matches."""

import os
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import Annotated, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.api.access import needs, store
from service.api.problem import Problem, not_found
from service.store import events, streams
from service.store.caller import Caller
from service.store.paging import LARGEST_ID
from service.store.store import Store
from service.watcher import places

router = APIRouter(prefix="/v1/streams", tags=["streams"])
Who = Annotated[Caller, needs("streams")]
Held = Annotated[Store, Depends(store)]
CHUNK = 1 << 20  # bytes that are read at once
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "Not changed since the ETag in If-None-Match."},
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


def _data(request: Request) -> Path:
    found: Path = request.app.state.settings.data
    return found


Data = Annotated[Path, Depends(_data)]


@router.get("/{stream_id}/thumbnail", response_class=Response, responses=_JPEG)
def get_thumbnail(
    stream_id: str,
    who: Who,
    held: Held,
    data: Data,
    if_none_match: Annotated[str | None, Header(max_length=2000)] = None,
) -> Response:
    """The last picture of a stream, as it is examined: grey and small. A radio has none."""
    streams.stream(held, who, stream_id)
    path = places.thumbnail(data, stream_id)
    try:
        with path.open("rb") as file:
            tag = f'"{os.fstat(file.fileno()).st_mtime_ns:x}"'
            headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
            if if_none_match == tag:
                return Response(status_code=304, headers=headers)
            return Response(file.read(), media_type="image/jpeg", headers=headers)
    except FileNotFoundError:
        raise Problem(404, "no-picture", f"stream {stream_id} has shown no picture yet") from None


@router.get("/{stream_id}/evidence", response_class=StreamingResponse, responses=_ZIP)
def get_evidence(
    stream_id: str,
    who: Who,
    held: Held,
    data: Data,
    airing: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Of this airing alone.")] = None,
) -> Response:
    """What was kept of a stream's matches, as a ZIP: segments and playlists as they were fetched, and a manifest of each."""
    streams.stream(held, who, stream_id)
    known = events.numbers(held, who, stream_id)
    wanted = known if airing is None else known & {airing}
    kept = [folder for folder in places.matches(data, stream_id) if places.airing(folder) in wanted]
    if not kept:
        raise not_found("evidence of stream", stream_id)
    named = {"Content-Disposition": f'attachment; filename="evidence-{stream_id}.zip"'}
    return StreamingResponse(_zipped(kept), media_type="application/zip", headers=named)


class _Written(RawIOBase):
    """A file that is only written to, and gives away what was written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        made, self._parts = b"".join(self._parts), []
        return made


def _zipped(folders: list[Path]) -> Iterator[bytes]:
    """The folders as a ZIP, while it is made: media do not shrink, so they are stored as they are."""
    out = _Written()
    with ZipFile(out, "w", ZIP_STORED) as made:
        for folder in folders:
            for path in sorted(folder.iterdir()):
                for _ in _copied(path, ZipInfo(f"{folder.name}/{path.name}"), made):
                    yield out.taken()
    yield out.taken()


def _copied(path: Path, info: ZipInfo, made: ZipFile) -> Iterator[None]:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # it went to make room
        return
    with file, made.open(info, "w", force_zip64=True) as entry:
        while chunk := file.read(CHUNK):
            entry.write(chunk)
            yield
