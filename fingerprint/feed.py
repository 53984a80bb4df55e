"""An endless medium, decoded in a limited child process while its bytes arrive. The child has no network and no files.

One thread may write while another reads.
"""

import fcntl
import json
import os
import select
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.clip import SAMPLE_RATE, Frame
from fingerprint.media import Limits, sound_of, unpack_frames
from fingerprint.sandbox import Child, ChildError
from fingerprint.sniff import MediaError

ROOM = 1 << 18  # bytes that may wait for the decoder
SILENCE = 1e8  # seconds: a stream that pauses has not hung the decoder; not taking any bytes shows that


@dataclass(frozen=True, slots=True)
class Holds:
    """What the stream turned out to hold, and the container's clock at its first second."""

    kinds: frozenset[str]
    origin: float


@dataclass(frozen=True, slots=True)
class Heard:
    """Mono sound at 8 kHz from ``start`` (s) on: (n,)."""

    start: float
    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """Pictures in order."""

    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Jump:
    """The stream's clock was set anew at media time ``at``, by so many seconds; media time goes on."""

    at: float
    by: float


@dataclass(frozen=True, slots=True)
class Offset:
    """What was fed before byte ``byte`` is media up to ``end`` (s); what follows begins at ``begin`` (s).

    Sound and pictures lie in the stream by turns, so that either may be about a second off.
    """

    byte: int
    end: float
    begin: float


Said = Holds | Heard | Seen | Jump | Offset


class Feed:
    """A decoder that is fed. Close it."""

    def __init__(self, name: str, limits: Limits, rate: float, mode: str = "all", whole: bytes = b"") -> None:
        """``rate`` is pictures a second; ``whole`` the medium, where it is there already and has an end.

        Raises MediaError.
        """
        self.name, self._limits = name, limits
        self._writing = threading.Lock()
        self._input = -1
        taken = self._stored(whole) if whole else self._piped()
        try:
            self._child = Child(taken, asdict(limits) | {"silence": SILENCE})
        except ChildError as error:
            self.finish()
            raise MediaError(error.code, name, error.reason) from None
        finally:
            os.close(taken)
        self._child.request("live", rate, mode)

    def _piped(self) -> int:
        taken, self._input = os.pipe()
        os.set_blocking(self._input, False)
        with suppress(OSError, AttributeError):
            fcntl.fcntl(self._input, fcntl.F_SETPIPE_SZ, ROOM)
        return taken

    def _stored(self, whole: bytes) -> int:
        with tempfile.TemporaryFile() as file:
            file.write(whole)
            file.flush()
            return os.dup(file.fileno())

    def write(self, data: bytes) -> None:
        """Feeds it; waits while the decoder has enough. Raises MediaError when it takes no more."""
        view, deadline = memoryview(data), time.monotonic() + self._limits.silence
        while view:
            with self._writing:
                if self._input < 0:
                    return
                written = self._some(view)
            if written:
                view, deadline = view[written:], time.monotonic() + self._limits.silence
            elif time.monotonic() > deadline:
                reason = f"gave no sign of decoding for {self._limits.silence:.0f} s"
                raise MediaError("timeout", self.name, reason)

    def _some(self, view: memoryview) -> int:
        """Writes what there is room for within a moment."""
        select.select([], [self._input], [], 0.2)
        try:
            return os.write(self._input, view[:ROOM])
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise MediaError("decoder-crashed", self.name, "is no longer decoded") from None

    def finish(self) -> None:
        """Nothing more will come."""
        with self._writing:
            if self._input >= 0:
                os.close(self._input)
                self._input = -1

    def limit(self, mode: str) -> None:
        """From now on decode "all", "key" frames and sound, or "sound" alone."""
        self._child.request(mode)

    def read(self) -> Iterator[Said]:
        """What it holds, to its end. Raises MediaError."""
        position = 0
        try:
            for kind, payload in self._child.answer():
                if kind == b"A":
                    samples = sound_of(payload)
                    yield Heard(position / SAMPLE_RATE, samples)
                    position += len(samples)
                elif kind == b"V":
                    yield Seen(tuple(unpack_frames(payload)))
                elif kind != b"E":
                    yield _fact(kind, json.loads(payload))
        except ChildError as error:
            raise MediaError(error.code, self.name, error.reason) from None

    def close(self) -> None:
        """Ends the decoder."""
        self.finish()
        self._child.close()


def _fact(kind: bytes, facts: dict[str, Any]) -> Said:
    if kind == b"J":
        return Jump(float(facts["at"]), float(facts["by"]))
    if kind == b"B":
        return Offset(int(facts["byte"]), float(facts["end"]), float(facts["begin"]))
    return Holds(frozenset(facts["kinds"]), float(facts["origin"]))
