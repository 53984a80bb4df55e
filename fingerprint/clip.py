"""Media as arrays: what every source of sound and pictures offers, and stretches of it held in memory."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fingerprint.sniff import MediaError

SAMPLE_RATE = 8000
FRAME_SIZE = 128


class Frame(NamedTuple):
    """Seconds, and the whole upright picture squeezed into a square: (128, 128) uint8 luma."""

    time: float
    luma: NDArray[np.uint8]


class Media(Protocol):
    """Sound and pictures on one time axis, whose zero is where the container starts.

    name      file name
    duration  seconds
    kinds     subset of {"audio", "video"}
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def duration(self) -> float: ...  # noqa: D102

    @property
    def kinds(self) -> frozenset[str]: ...  # noqa: D102

    def samples(self) -> Iterator[NDArray[np.float32]]:
        """Mono sound at 8 kHz in [-1, 1], as contiguous chunks (n,) from time 0; zeros in gaps."""
        ...

    def frames(self, rate: float) -> Iterator[Frame]:
        """At most ``rate`` frames a second: the first at or after each k / rate, its own time to 1 ms."""
        ...


class Clip:
    """Media held in memory.

    samples  (n,) float32 at 8 kHz from time 0, or None
    frames   in order of time, or None
    """

    def __init__(
        self,
        name: str,
        duration: float,
        samples: NDArray[np.float32] | None = None,
        frames: Sequence[Frame] | None = None,
    ) -> None:
        self.name = name
        self.duration = duration
        self._samples = samples
        self._frames = frames
        held = (("audio", samples), ("video", frames))
        self.kinds = frozenset(kind for kind, what in held if what is not None)

    def part(self, begin: float, seconds: float) -> "Clip":
        """A stretch of it; times count from its start."""
        seconds = min(seconds, self.duration - begin)
        first, last = round(begin * SAMPLE_RATE), round((begin + seconds) * SAMPLE_RATE)
        samples = None if self._samples is None else self._samples[first:last]
        frames = self._frames and [
            Frame(frame.time - begin, frame.luma)
            for frame in self._frames
            if begin <= frame.time < begin + seconds
        ]
        return Clip(self.name, seconds, samples, frames)

    def samples(self) -> Iterator[NDArray[np.float32]]:
        """The sound, in one chunk."""
        if self._samples is None:
            raise MediaError("no-streams", self.name, "has no sound")
        yield self._samples

    def frames(self, rate: float) -> Iterator[Frame]:
        """The first frame at or after each k / rate."""
        if self._frames is None:
            raise MediaError("no-streams", self.name, "has no moving pictures")
        last = -1
        for frame in self._frames:
            slot = int(frame.time * rate + 1e-3)
            if slot > last:
                last = slot
                yield frame


def blank(seconds: float) -> Clip:
    """Silence and black, to try things on."""
    black = np.zeros((FRAME_SIZE, FRAME_SIZE), np.uint8)
    silence = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    return Clip("", seconds, silence, [Frame(i / 8, black) for i in range(round(8 * seconds))])


def windows(
    media: Media, kind: str, seconds: float, frame_rate: float = 0.0, overlap: float = 0.0
) -> Iterator[tuple[float, Clip]]:
    """(start, clip): stretches of ``media`` of ``seconds``, sharing ``overlap`` seconds with the one before.

    kind        "audio" or "video": what the clips hold
    frame_rate  frames a second of "video" clips
    Times in a clip count from its start. The last one is shorter, and left out if the one before holds it.
    """
    if not 0 <= overlap < seconds:
        raise ValueError(f"an overlap of {overlap} s does not fit into windows of {seconds} s")
    if kind == "audio":
        yield from _sound_windows(media, seconds, seconds - overlap)
    else:
        yield from _picture_windows(media, seconds, seconds - overlap, frame_rate)


def _sound_windows(media: Media, seconds: float, step: float) -> Iterator[tuple[float, Clip]]:
    size, hop = round(seconds * SAMPLE_RATE), round(step * SAMPLE_RATE)
    chunks: list[NDArray[np.float32]] = []
    start = fresh = 0  # samples: where the window begins, and up to where windows were given out
    for chunk in media.samples():
        chunks.append(chunk)
        if sum(map(len, chunks)) < size:
            continue
        held = np.concatenate(chunks)
        while len(held) >= size:
            yield _sound_clip(media, start, held[:size])
            fresh = start + size
            start, held = start + hop, held[hop:]
        chunks = [held]
    if start + sum(map(len, chunks)) > fresh:
        yield _sound_clip(media, start, np.concatenate(chunks))


def _sound_clip(media: Media, start: int, samples: NDArray[np.float32]) -> tuple[float, Clip]:
    return start / SAMPLE_RATE, Clip(media.name, len(samples) / SAMPLE_RATE, samples=samples)


def _picture_windows(media: Media, seconds: float, step: float, rate: float) -> Iterator[tuple[float, Clip]]:
    held: list[Frame] = []
    index, fresh = 0, 0.0
    for frame in media.frames(rate):
        while frame.time >= index * step + seconds:
            if held:
                yield _picture_clip(media, index * step, seconds, held)
            fresh = index * step + seconds
            index += 1
            held = [kept for kept in held if kept.time >= index * step]
        held.append(frame)
    if held and held[-1].time >= fresh:
        yield _picture_clip(
            media, index * step, max(media.duration - index * step, held[-1].time - index * step), held
        )


def _picture_clip(media: Media, start: float, seconds: float, frames: list[Frame]) -> tuple[float, Clip]:
    shifted = [Frame(frame.time - start, frame.luma) for frame in frames]
    return start, Clip(media.name, seconds, frames=shifted)
