"""The only door to the decoder: opens a media file in a limited child process and yields its sound and pictures.

Everything hostile happens in the child (``fingerprint.worker``); what comes out here are plain arrays, warnings and one kind
of error, ``MediaError``, which names the file and the reason.
"""

import hashlib
import json
import os
import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fingerprint.clip import FRAME_SIZE, SAMPLE_RATE, Clip, Frame, Media, windows
from fingerprint.sandbox import Child, ChildError, start_decoder
from fingerprint.sniff import MediaError, explained, open_regular, refusal

__all__ = [
    "FRAME_SIZE",
    "SAMPLE_RATE",
    "Clip",
    "Frame",
    "Limits",
    "Media",
    "MediaError",
    "MediaFile",
    "open_media",
    "sha256",
    "start_decoder",
    "windows",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. The defaults let through whole days of recording and 8K pictures.

    max_pixels      width times height of a picture
    max_duration    seconds of media
    memory          bytes of address space of the child process
    cpu_seconds     CPU seconds of the child for one request, besides those in proportion to the duration
    cpu_per_second  CPU seconds of the child for each second of media, for one request
    silence         seconds after which a child that sends nothing is taken for hung
    """

    max_pixels: int = 36_000_000
    max_duration: float = 48 * 3600.0
    memory: int = 2 << 30
    cpu_seconds: float = 60.0
    cpu_per_second: float = 4.0
    silence: float = 60.0

    @classmethod
    def from_environment(cls) -> Self:
        """The defaults, but for what WHORL_MAX_PIXELS, WHORL_MAX_DURATION, ... say (a field's name in capitals).

        Raises ``ValueError`` naming the variable when one is not a positive number.
        """
        given: dict[str, float] = {}
        for field in fields(cls):
            variable = f"WHORL_{field.name.upper()}"
            text = os.environ.get(variable)
            if text is not None:
                given[field.name] = _positive(variable, text, type(field.default))
        return cls(**given)  # type: ignore[arg-type]  # each value has the type of its field's default


def _positive(variable: str, text: str, kind: type[int] | type[float]) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = kind(0)
    if not 0 < value < float("inf"):
        whole = "whole " if kind is int else ""
        raise ValueError(f"{variable}={text!r} is not a positive {whole}number; correct it or unset it")
    return value


class MediaFile:
    """A file, decoded in child processes while it is read; made by ``open_media``.

    warnings  what was found damaged so far, in words; they grow while the file is read
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.name = path.name
        self.warnings: tuple[str, ...] = ()
        self._limits = limits
        self._children: list[Child] = []
        self._idle: Child | None = None
        self._descriptor = open_regular(path)
        try:
            self._probe()
        except BaseException:
            self.close()
            raise

    def _probe(self) -> None:
        head = os.pread(self._descriptor, 4096, 0)
        known = refusal(self.name, head, self._limits.max_pixels)
        if known is not None:
            raise known
        try:
            self._idle, facts = self._start()
        except MediaError as error:
            raise explained(error, head) from error
        self.duration = float(facts["duration"])
        self.kinds = frozenset(facts["kinds"])

    def _start(self) -> tuple[Child, dict[str, Any]]:
        try:
            child = Child(self._descriptor, asdict(self._limits))
            self._children.append(child)
            return child, json.loads(next(child.answer())[1])
        except ChildError as error:
            raise MediaError(error.code, self.name, error.reason) from None

    def samples(self) -> Iterator[NDArray[np.float32]]:
        """Mono sound at 8 kHz in [-1, 1], as contiguous chunks (n,) from time 0; where there is none, zeros."""
        if "audio" not in self.kinds:
            raise MediaError("no-streams", self.name, "has no sound")
        for payload in self._ask("samples"):
            yield np.frombuffer(payload, "<i2").astype(np.float32) * np.float32(1 / 32768)

    def frames(self, rate: float) -> Iterator[Frame]:
        """The first frame at or after each k / rate, upright."""
        if "video" not in self.kinds:
            raise MediaError("no-streams", self.name, "has no moving pictures")
        for payload in self._ask("frames", rate):
            yield from _unpack_frames(payload)

    def _ask(self, do: str, *arguments: float) -> Generator[bytes, None, None]:
        """Payloads of one request. A child serves one at a time; a second one, or one that was left midway, gets a new child."""
        child, self._idle = self._idle or self._start()[0], None
        try:
            child.request(do, *arguments)
            for kind, payload in child.answer():
                if kind == b"E":
                    self._idle = child
                    self._conclude(do, json.loads(payload))
                else:
                    yield payload
        except ChildError as error:
            raise MediaError(error.code, self.name, error.reason) from None
        finally:
            if self._idle is not child:
                child.close()

    def _conclude(self, do: str, facts: dict[str, Any]) -> None:
        """Keep what a whole reading found."""
        kind = "sound" if do == "samples" else "pictures"
        found = []
        if facts["bad"]:
            found.append(f"{kind}: {facts['bad']} damaged packets were left out")
        if facts["end"] < self.duration * 0.98 - 2:
            found.append(f"{kind} end at {facts['end']:.1f} s of {self.duration:.1f} s")
        self.warnings += tuple(warning for warning in found if warning not in self.warnings)
        self.duration = max(self.duration, facts["end"])

    def close(self) -> None:
        """End the children and close the file."""
        for child in self._children:
            child.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _unpack_frames(payload: bytes) -> Iterator[Frame]:
    """A batch: count, then (milliseconds, orientation) of each, then their pictures."""
    (count,) = struct.unpack_from("<I", payload)
    pictures = np.frombuffer(payload, np.uint8, offset=4 + 5 * count).reshape(count, FRAME_SIZE, FRAME_SIZE)
    for i, (milliseconds, turn) in enumerate(struct.iter_unpack("<iB", payload[4 : 4 + 5 * count])):
        yield Frame(milliseconds / 1000, upright(pictures[i], turn))


def upright(picture: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Undo a camera's orientation: 1 swaps rows and columns, then 2 flips left-right, then 4 flips top-bottom (a sum)."""
    if turn & 1:
        picture = picture.swapaxes(0, 1)
    if turn & 2:
        picture = picture[:, ::-1]
    if turn & 4:
        picture = picture[::-1]
    return picture


@contextmanager
def open_media(path: Path, limits: Limits | None = None) -> Iterator[MediaFile]:
    """The media file at ``path``; leaving the ``with`` block ends its processes. Raises ``MediaError``."""
    media = MediaFile(path, limits or Limits())
    try:
        yield media
    finally:
        media.close()


def sha256(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal; reads it in pieces. Raises ``MediaError``."""
    with os.fdopen(open_regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
