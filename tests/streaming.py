"""Streams for tests: programmes put together from the samples, cut into segments, listed as HLS or DASH."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from service.streams.piece import Clock
from tests.serving import Request, Server, answer

RATE, FPS = 16000, 12
Sound = NDArray[np.float32]
Picture = NDArray[np.uint8]


class Fast(Clock):
    """A clock on which time runs ``speed`` times as fast."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed, self._start, self._wall = speed, time.monotonic(), time.time()

    def wall(self) -> float:
        return self._wall + (time.monotonic() - self._start) * self._speed

    def now(self) -> float:
        return self._start + (time.monotonic() - self._start) * self._speed

    def wait(self, seconds: float) -> None:
        super().wait(seconds / self._speed)


@dataclass(frozen=True)
class Programme:
    """Sound (n,) at RATE and pictures, FPS a second; either may be missing."""

    sound: Sound
    pictures: Sequence[Picture] = ()

    @property
    def seconds(self) -> float:
        return len(self.sound) / RATE

    def __add__(self, other: Programme) -> Programme:
        return Programme(np.concatenate([self.sound, other.sound]), [*self.pictures, *other.pictures])


def excerpt(path: Path, start: float, seconds: float, pictures: bool = False) -> Programme:
    """Seconds of a sample."""
    sound, shown = [np.zeros(0, np.float32)], list[Picture]()
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", RATE)
        streams: list[Any] = [container.streams.audio[0]]
        if pictures:
            streams.append(container.streams.video[0])
        for frame in container.decode(*streams):
            if isinstance(frame, av.AudioFrame):
                sound += [part.to_ndarray()[0] for part in resampler.resample(frame)]
            elif (frame.time or 0) >= start + len(shown) / FPS and len(shown) < seconds * FPS:
                shown.append(frame.to_ndarray(width=320, height=180, format="rgb24"))
    whole = np.concatenate(sound)
    return Programme(whole[round(start * RATE) : round((start + seconds) * RATE)], shown)


def nothing(seconds: float, pictures: bool = False, seed: int = 1) -> Programme:
    """A programme that is nobody's: noise that comes and goes, and moving stripes."""
    random = np.random.default_rng(seed)
    n = round(seconds * RATE)
    level = np.interp(np.arange(n) / RATE, np.arange(seconds + 2), random.random(int(seconds) + 2))
    sound = (0.2 * level * random.standard_normal(n)).astype(np.float32)
    if not pictures:
        return Programme(sound)
    rows = np.arange(180)[:, None, None] + np.zeros((1, 320, 3))
    return Programme(
        sound, [((rows * 3 + 9 * i) % 256).astype(np.uint8) for i in range(round(seconds * FPS))]
    )


def written(
    programme: Programme, path: Path, start: float = 0.0, form: str = "", seconds: float = 2.0, **options: str
) -> Path:
    """The programme as a file, a playlist or a manifest with its segments; time stamps begin at ``start``."""
    with av.open(str(path), "w", format=form or None, options=options) as container:
        sound: Any = container.add_stream(
            "libmp3lame" if path.suffix == ".mp3" else "aac", rate=RATE, layout="mono"
        )
        video: Any = None
        if programme.pictures:
            video = container.add_stream(
                "libx264", rate=FPS, options={"preset": "ultrafast", "crf": "26", "bf": "0"}
            )
            video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
            video.codec_context.gop_size = round(seconds * FPS)
        _fill(container, sound, video, programme, start)
    return path


def _fill(container: Any, sound: Any, video: Any, programme: Programme, start: float) -> None:
    """Both streams by turns."""
    size, shown = 1024, 0
    if sound.codec_context.name == "libmp3lame":
        size = 1152
    for first in range(0, len(programme.sound), size):
        while video is not None and shown < len(programme.pictures) and shown / FPS <= first / RATE:
            picture = av.VideoFrame.from_ndarray(programme.pictures[shown], "rgb24")
            picture.pts, picture.time_base = shown + round(start * FPS), Fraction(1, FPS)
            container.mux(video.encode(picture))
            shown += 1
        part = np.zeros((1, size), np.float32)
        piece = programme.sound[first : first + size]
        part[0, : len(piece)] = piece
        frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, first + round(start * RATE), Fraction(1, RATE)
        container.mux(sound.encode(frame))
    for stream in (sound, video):
        if stream is not None:
            container.mux(stream.encode(None))


@dataclass
class Segments:
    """Segments as an HLS playlist lists them, with what a decoder must see first."""

    data: list[bytes]
    lengths: list[float]
    head: bytes = b""
    suffix: str = ".ts"

    def entries(self, first: int = 0, last: int | None = None) -> list[str]:
        """Lines of a playlist for some of them."""
        chosen = range(first, len(self.data) if last is None else last)
        return [line for i in chosen for line in (f"#EXTINF:{self.lengths[i]:.5f},", f"{i}{self.suffix}")]

    def pages(self, at: str = "/") -> dict[str, Any]:
        """What a server answers for each."""
        pages: dict[str, Any] = {f"{at}{i}{self.suffix}": answer(d) for i, d in enumerate(self.data)}
        return {**pages, f"{at}head.mp4": answer(self.head)}


def segmented(
    programme: Programme, folder: Path, kind: str = "mpegts", start: float = 0.0, seconds: float = 2.0
) -> Segments:
    """The programme as the segments of an HLS stream: "mpegts" or "fmp4"."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "hls_time": f"{seconds}",
        "hls_list_size": "0",
        "hls_segment_type": kind,
        "hls_playlist_type": "vod",
    }
    listed = (
        written(programme, folder / "list.m3u8", start, "hls", seconds, **options).read_text().splitlines()
    )
    names = [line for line in listed if line and not line.startswith("#")]
    lengths = [float(line[8:].rstrip(",")) for line in listed if line.startswith("#EXTINF")]
    head = next(iter(folder.glob("*init*.mp4")), None)
    return Segments(
        [(folder / name).read_bytes() for name in names],
        lengths,
        head.read_bytes() if head else b"",
        ".m4s" if kind == "fmp4" else ".ts",
    )


def playlist(lines: Sequence[str], target: float = 2.0, first: int = 0, ends: bool = True) -> bytes:
    """A media playlist."""
    head = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target:.0f}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
    ]
    return answer("\n".join([*head, *lines, *(["#EXT-X-ENDLIST"] if ends else [])]).encode())


class OnAir:
    """A live playlist: a sliding window over segments, of which each appears when it is complete.

    aired  seconds, on its clock, since the first segment began
    """

    def __init__(
        self, segments: Segments, clock: Clock, shown: int = 5, delay: float = 0.0, extra: Sequence[str] = ()
    ) -> None:
        self._segments, self._clock, self._shown, self._extra = segments, clock, shown, list(extra)
        self._start = clock.now() + delay

    @property
    def aired(self) -> float:
        return self._clock.now() - self._start

    def page(self, request: Request) -> bytes:
        """The playlist as it is now."""
        ends = np.cumsum(self._segments.lengths)
        last = int(np.searchsorted(ends, self.aired, side="right"))
        first = max(0, last - self._shown)
        over = last >= len(ends) and self.aired > ends[-1] + 1
        return playlist([*self._extra, *self._segments.entries(first, last)], first=first, ends=over)


def serve(server: Server, pages: dict[str, Any]) -> None:
    """Adds pages."""
    server.pages |= pages
