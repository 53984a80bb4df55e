"""Media of an answer, to those who may see the answer: to be played, and as pictures that the sandbox decoded."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from evidence.answer import Json
from evidence.pictures import LONGEST, frame, spectrogram
from fingerprint.media import MediaError
from service.web.backend import Refusal
from service.web.shelf import Media
from service.web.visitor import Api

router = APIRouter(prefix="/media/answers/{match_id}", include_in_schema=False)
AT_ONCE = BoundedSemaphore(2)  # decoders that draw for pages: the jobs need the cores too
HEADERS = {
    # A capture is hostile: whatever a browser takes it for, it runs nothing and is of no origin.
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}
_KINDS = (
    (4, b"ftyp", "video/mp4"), (0, b"\x1aE\xdf\xa3", "video/webm"), (0, b"OggS", "video/ogg"), (0, b"fLaC", "audio/flac"),
    (8, b"WAVE", "audio/wav"), (0, b"ID3", "audio/mpeg"), (0, b"\xff\xfb", "audio/mpeg"), (0, b"\xff\xf3", "audio/mpeg"),
)  # fmt: skip


def held_sides(app: FastAPI, answer: Json, match: Json) -> Json:
    """Which of the two files of a match are at hand."""
    media: Media = app.state.media
    capture, original = media.capture(answer["query"]), media.original(match["reference"])
    return {"capture": capture is not None, "original": original is not None}


async def _answer(api: Api, match_id: str) -> Json:
    """The answer. Raises Refusal where the visitor may not see it."""
    found: Json = await api.get(f"/v1/matches/{match_id}")
    return found


def _capture(request: Request, answer: Annotated[Json, Depends(_answer)]) -> Path:
    media: Media = request.app.state.media
    return _there(media.capture(answer["query"]), "capture")


def _original(request: Request, answer: Annotated[Json, Depends(_answer)], reference_id: str) -> Path:
    """The file of a reference that is matched in the answer: who sees the one may see the other."""
    media: Media = request.app.state.media
    matched = [match["reference"] for match in answer["matches"] if match["reference"]["id"] == reference_id]
    return _there(media.original(matched[0]) if matched else None, "original")


def _there(path: Path | None, what: str) -> Path:
    if path is None:
        raise Refusal(404, "not-at-hand", f"the file of this {what} is not at hand")
    return path


Capture = Annotated[Path, Depends(_capture)]
Original = Annotated[Path, Depends(_original)]
Seconds = Annotated[
    float, Query(ge=-1, le=1e7, allow_inf_nan=False)
]  # a line may begin a little before the file

Track = Annotated[int, Query(ge=1, le=999)]


@router.get("/capture")
def capture(path: Capture) -> Response:
    """The capture; a Range of it where one is asked for."""
    return FileResponse(path, headers=HEADERS, media_type=media_type(path))


@router.get("/originals/{reference_id}")
def original(path: Original) -> Response:
    """The original; a Range of it where one is asked for."""
    return FileResponse(path, headers=HEADERS, media_type=media_type(path))


@router.get("/capture/frame")
async def capture_frame(path: Capture, at: Seconds) -> Response:
    """What the capture shows at a second."""
    return await _picture("image/jpeg", _frame, path, at)


@router.get("/originals/{reference_id}/frame")
async def original_frame(path: Original, at: Seconds) -> Response:
    """What the original shows at a second."""
    return await _picture("image/jpeg", _frame, path, at)


@router.get("/capture/sound")
async def capture_sound(path: Capture, start: Seconds, seconds: Seconds, track: Track = 1) -> Response:
    """The sound of one of the capture's tracks as a spectrogram."""
    return await _picture("image/png", _spectrogram, path, start, min(seconds, LONGEST), track)


@router.get("/originals/{reference_id}/sound")
async def original_sound(path: Original, start: Seconds, seconds: Seconds) -> Response:
    """The original's sound as a spectrogram."""
    return await _picture("image/png", _spectrogram, path, start, min(seconds, LONGEST))


def media_type(path: Path) -> str:
    """What a browser is told that it is, by its first bytes; the name says nothing."""
    with path.open("rb") as file:
        head = file.read(16)
    return next(
        (kind for place, mark, kind in _KINDS if head.startswith(mark, place)), "application/octet-stream"
    )


async def _picture(kind: str, draw: Callable[..., bytes], path: Path, *where: float) -> Response:
    """A picture, or 422 with the reason where the file shows none there."""
    try:
        return Response(await run_in_threadpool(draw, path, *where), headers=HEADERS, media_type=kind)
    except MediaError as error:
        raise Refusal(422, error.code, error.reason) from None


@lru_cache(maxsize=256)
def _frame(path: Path, at: Seconds) -> bytes:
    with AT_ONCE:
        return frame(path, max(0.0, at))


@lru_cache(maxsize=256)
def _spectrogram(path: Path, start: float, seconds: float, track: int = 1) -> bytes:
    with AT_ONCE:
        return spectrogram(path, max(0.0, start), seconds, track)
