"""The only door to the decoder: opens a media file in a limited child process, yields its sound and pictures.

Everything hostile happens in the child (``fingerprint.decoding``); what comes out here are plain arrays,
warnings and one kind of error, ``MediaError``, which names the file and the reason.
"""

import hashlib
import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fingerprint import sniff
from fingerprint.clip import FRAME_SIZE, SAMPLE_RATE, Clip, Frame, Media, windows
from fingerprint.decoding.message import COUNT, FRAME, PICTURE, Message
from fingerprint.sandbox import Child, ChildError, start_decoder
from fingerprint.sniff import MediaError, explained, open_regular, refusal
from fingerprint.stills import Read

__all__ = [
    "FRAME_SIZE",
    "SAMPLE_RATE",
    "Clip",
    "Frame",
    "Limits",
    "Media",
    "MediaError",
    "MediaFile",
    "content",
    "digests",
    "open_media",
    "picture",
    "sha256",
    "start_decoder",
    "unchanged",
    "windows",
]


HIDES = 1.0  # seconds of left out sound or pictures from which on a work may have been in them
EMPTY = 2.0  # seconds in which a stream gives nothing, in all, from which on that is told
SPARSE = 16 << 30  # bytes from which on a file that is nearly all holes is not read


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. The defaults let through whole days of recording and 8K pictures.

    max_pixels      width times height of a picture
    max_duration    seconds of media
    memory          bytes of address space that decoding may take in the child process
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
        """The defaults, but for what WHORL_MAX_PIXELS, WHORL_MAX_DURATION, ... say (fields in capitals).

        Raises ``ValueError`` naming the variable when one is not a positive number.
        """
        return cls(
            **{name: _setting(f"WHORL_{name.upper()}", value) for name, value in asdict(cls()).items()}
        )


def _setting(variable: str, default: Any) -> Any:
    """The variable's value, of the default's type; the default where it is not set."""
    text = os.environ.get(variable)
    if text is None:
        return default
    with suppress(ValueError):
        value = type(default)(text)
        if 0 < value < float("inf"):
            return value
    kind = "whole number" if isinstance(default, int) else "number"
    raise ValueError(f"{variable}={text!r} is not a positive {kind}; correct it or unset it")


class MediaFile:
    """A file, decoded in child processes while it is read; made by ``open_media``.

    tracks    how many tracks of sound there are; the first is the one that is played unless another is chosen
    warnings  what was found damaged so far, in words; they grow while the file is read
    lost      about how many seconds of each stream were left out so far; infinity where nobody can tell
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.name = path.name
        self.warnings: tuple[str, ...] = ()
        self.lost: dict[str, float] = {}
        self._limits = limits
        self._children: list[Child] = []
        self._idle: Child | None = None
        self._barren: set[str] = set()  # what was read and gave nothing
        self._descriptor = open_regular(path)
        try:
            self._probe()
        except BaseException:
            self.close()
            raise

    def _probe(self) -> None:
        _refuse_holes(self._descriptor, self.name)
        read = reader(self._descriptor, self.name)
        head = read(0, 4096)
        known = refusal(self.name, read, self._limits.max_pixels)
        if known is not None:
            raise known
        try:
            for _, payload in self._ask("facts"):
                facts = json.loads(payload)
        except MediaError as error:
            raise explained(error, head) from error
        self.duration, self.kinds = float(facts["duration"]), frozenset(facts["kinds"])
        self.tracks = int(facts["tracks"])

    def streams(self, kind: str) -> int:
        """How many streams of "audio" or "video" there are to examine: of pictures one."""
        return (self.tracks if kind == "audio" else 1) if kind in self.kinds else 0

    def _start(self) -> Child:
        try:
            child = Child(self._descriptor, asdict(self._limits))
        except ChildError as error:
            raise MediaError(error.code, self.name, error.reason) from None
        self._children.append(child)
        return child

    def samples(self, track: int = 0) -> Iterator[NDArray[np.float32]]:
        """Mono sound at 8 kHz in [-1, 1], as contiguous chunks (n,) from time 0; where there is none,
        zeros.
        """
        if "audio" not in self.kinds:
            raise MediaError("no-streams", self.name, "has no sound")
        for kind, payload in self._ask("samples", track):
            if kind == b"A":
                yield sound_of(payload)
            elif track == 0:
                self._conclude("sound", json.loads(payload))
            else:  # it need not last as long as the whole
                self._left_out(f"sound track {track + 1}", json.loads(payload))

    def frames(self, rate: float) -> Iterator[Frame]:
        """The first frame at or after each k / rate, upright."""
        if "video" not in self.kinds:
            raise MediaError("no-streams", self.name, "has no moving pictures")
        for kind, payload in self._ask("frames", rate):
            if kind == b"V":
                yield from unpack_frames(payload)
            else:
                self._conclude("pictures", json.loads(payload))

    def key_frames(self, rate: float) -> Iterator[Frame]:
        """The first key frame at or after each k / rate, upright: what can be seen without decoding the rest."""
        for kind, payload in self._ask("key_frames", rate):
            if kind == b"V":
                yield from unpack_frames(payload)
            elif json.loads(payload)["bad"]:
                self._warn("pictures", "pictures: damaged key frames were left out")

    def part(self, start: float, seconds: float, track: int = 0) -> NDArray[np.float32]:
        """Mono sound at 8 kHz from ``start`` on, (n,): about ``seconds`` of it, less at the end of the file."""
        heard = [np.zeros(0, np.float32)]
        for kind, payload in self._ask("part", start, seconds, track):
            if kind == b"A":
                heard.append(sound_of(payload))
            else:
                self._part_left_out(start, json.loads(payload))
        return np.concatenate(heard)

    def picture(self, seconds: float, width: int) -> NDArray[np.uint8]:
        """The frame shown at a time, as RGB (height, width, 3), upright and with the right aspect."""
        if "video" not in self.kinds:
            raise MediaError("no-streams", self.name, "has no moving pictures")
        for kind, payload in self._ask("picture", seconds, width):
            if kind == b"I":
                columns, rows, turn = PICTURE.unpack_from(payload)
                pixels = np.frombuffer(payload, np.uint8, offset=PICTURE.size)
                return upright(pixels.reshape(rows, columns, 3), turn)
        raise MediaError("corrupt", self.name, f"shows no picture at {seconds:.1f} s")

    def _ask(self, do: str, *arguments: float) -> Generator[Message, None, None]:
        """What comes back for one request.

        A child serves one request at a time: a second one meanwhile gets a child of its own, and one left
        midway ends its child.
        """
        child = self._idle or self._start()
        self._idle = None
        try:
            child.request(do, *arguments)
            for message in child.answer():
                if message[0] == b"E":
                    self._idle = child
                yield message
        except ChildError as error:
            raise MediaError(error.code, self.name, error.reason) from None
        finally:
            if self._idle is not child:
                child.close()

    def _conclude(self, what: str, facts: dict[str, Any]) -> None:
        """Keep what a whole reading found; raise ``MediaError`` when no kind of the file could be decoded at
        all.
        """
        self._left_out(what, facts)
        if facts["end"] < self.duration - max(2.0, self.duration / 50):
            self._warn(what, f"{what} end at {facts['end']:.1f} s of {self.duration:.1f} s")
        self.duration = max(self.duration, facts["end"])
        if not facts["kept"]:
            self._barren |= {what}
        if len(self._barren) == len(self.kinds):
            code = "corrupt" if facts["bad"] else "truncated"
            raise MediaError(
                code, self.name, "holds nothing that can be decoded; copy it again from its source"
            )

    def _left_out(self, what: str, facts: dict[str, Any]) -> None:
        if facts["bad"]:
            short = max(0.0, self.duration - facts["end"])
            packets = "1 damaged packet was" if facts["bad"] == 1 else f"{facts['bad']} damaged packets were"
            self._warn(what, f"{what}: {packets} left out", facts["lost"] + short)
        if facts["leaps"]:
            stamps = (
                "1 wrong time stamp, far ahead, was"
                if facts["leaps"] == 1
                else (f"{facts['leaps']} wrong time stamps, each far ahead, were")
            )
            self._warn(what, f"{what}: {stamps} passed over")
        seconds, start, last = facts["holes"]
        if seconds > EMPTY:
            where = f"nothing between {start:.1f} and {last:.1f} s, {seconds:.1f} s missing in all"
            self._warn(what, f"{what}: {where}", seconds)

    def _part_left_out(self, start: float, facts: dict[str, Any]) -> None:
        if facts["bad"]:
            self._warn("sound", f"sound: damaged packets near {start:.0f} s were left out")
        if facts["holes"][0] > EMPTY:
            self._warn("sound", f"sound: nothing near {start:.0f} s", facts["holes"][0])

    def _warn(self, what: str, warning: str, lost: float = inf) -> None:
        self.warnings += () if warning in self.warnings else (warning,)
        self.lost[what] = max(lost, self.lost.get(what, 0.0))

    @property
    def damaged(self) -> bool:
        """Whether so much was left out that a work may have been in it."""
        return sum(self.lost.values()) >= HIDES

    def close(self) -> None:
        """End the children and close the file."""
        for child in self._children:
            child.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def sound_of(payload: bytes) -> NDArray[np.float32]:
    """Samples in [-1, 1], (n,), of a message of sound."""
    return np.frombuffer(payload, "<i2").astype(np.float32) * np.float32(1 / 32768)


def unpack_frames(payload: bytes) -> Iterator[Frame]:
    """A batch: count, then (milliseconds, orientation) of each, then their pictures."""
    (count,) = COUNT.unpack_from(payload)
    body = COUNT.size + count * FRAME.size
    pictures = np.frombuffer(payload, np.uint8, offset=body).reshape(count, FRAME_SIZE, FRAME_SIZE)
    for i, (milliseconds, turn) in enumerate(FRAME.iter_unpack(payload[COUNT.size : body])):
        yield Frame(milliseconds / 1000, upright(pictures[i], turn))


def upright(picture: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Undo a camera's orientation: 1 swaps rows and columns, then 2 flips left-right, then 4 flips
    top-bottom (a sum).
    """
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


def picture(path: Path, seconds: float, width: int) -> NDArray[np.uint8]:
    """The frame of a file shown at a time, as RGB (height, width, 3), upright and with the right aspect."""
    with open_media(path) as media:
        return media.picture(seconds, width)


def sha256(path: Path, progress: Callable[[float], None] = lambda _: None) -> str:
    """SHA-256 of the file's bytes, in hexadecimal; reads it in pieces. Raises ``MediaError``."""
    return digests(path, ("sha256",), progress)["sha256"]


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Raises ``MediaError`` when the file was changed meanwhile: its digest and what was decoded are of the same bytes."""
    before = _stamp(path)
    yield
    if _stamp(path) != before:
        raise MediaError(
            "changed", path.name, "was changed while it was read; give it again when it is whole"
        )


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def digests(
    path: Path, algorithms: Iterable[str], progress: Callable[[float], None] = lambda _: None
) -> dict[str, str]:
    """The file's hashes in hexadecimal, by their algorithm, in one reading. Raises ``MediaError``."""
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    piece, read = memoryview(bytearray(1 << 20)), 0
    with os.fdopen(open_regular(path), "rb", buffering=0) as file, readable(path.name):
        _refuse_holes(file.fileno(), path.name)
        size = os.fstat(file.fileno()).st_size
        while count := file.readinto(piece):
            for made in hashes.values():
                made.update(piece[:count])
            read += count
            progress(min(1.0, read / max(size, 1)))
    return {name: made.hexdigest() for name, made in hashes.items()}


def reader(descriptor: int, name: str) -> Read:
    """Reads an open file at a place. Raises ``MediaError``."""

    def read(place: int, size: int) -> bytes:
        with readable(name):
            return os.pread(descriptor, size, place)

    return read


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Makes what the system says against reading a file an error of that file."""
    try:
        yield
    except OSError as error:
        raise MediaError("unreadable", name, f"cannot be read: {error.strerror}") from None


def content(path: Path) -> str:
    """What a file is by its content: "media", "picture", "list" of other files, or "other".

    Raises ``MediaError``, for an archive too.
    """
    descriptor = open_regular(path)
    try:
        kind = sniff.content(path, reader(descriptor, path.name))
    finally:
        os.close(descriptor)
    return kind


def _refuse_holes(descriptor: int, name: str) -> None:
    """Raises ``MediaError`` for a file that is nearly all holes: reading a few bytes would take hours."""
    state = os.fstat(descriptor)
    if state.st_size > SPARSE and 512 * state.st_blocks < state.st_size / 16:
        stored = (
            f"says that it is {state.st_size >> 30} GiB large and stores {512 * state.st_blocks >> 20} MiB"
        )
        raise MediaError("sparse", name, f"{stored}; the rest are holes, which are not read")
