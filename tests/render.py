"""Little media for tests, rendered by PyAV: tones and moving pictures whose content tells the time."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

CLOCK = Fraction(1, 1000)  # of the pictures' time stamps
LEVELS = 50  # of brightness a second


def tone(seconds: float, hertz: float = 440.0, rate: int = 8000) -> NDArray[np.float32]:
    """A sine at half of full scale."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def brightness(luma: NDArray[np.uint8]) -> float:
    """Seconds that a picture of ``moving`` shows."""
    return float(luma.mean()) / LEVELS


def moving(
    times: Iterable[float], width: int = 64, height: int = 48
) -> list[tuple[float, NDArray[np.uint8]]]:
    """Gray RGB pictures, as bright as their time is late."""
    return [(t, np.full((height, width, 3), round(LEVELS * t), np.uint8)) for t in times]


def steps(seconds: float, rate: float = 25.0) -> list[float]:
    """Times of ``rate`` pictures a second."""
    return [i / rate for i in range(round(seconds * rate))]


class Writer:
    """A media file being rendered; streams are added, then filled, then the file is closed by ``with``."""

    def __init__(self, path: Path, **options: str) -> None:
        self.container = av.open(str(path), "w", options=options)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    def sound_stream(self, codec: str, rate: int = 48000, layout: str = "mono", form: str = "fltp") -> Any:
        stream: Any = self.container.add_stream(codec, rate=rate, layout=layout)
        stream.format = form
        return stream

    def picture_stream(
        self, codec: str, width: int = 64, height: int = 48, form: str = "yuv420p", **options: str
    ) -> Any:
        stream: Any = self.container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, form
        stream.codec_context.time_base = CLOCK
        return stream

    def sound(self, stream: Any, samples: NDArray[np.float32], start: float = 0.0) -> None:
        """Mono samples at the stream's rate, the same on every channel, from ``start`` seconds on."""
        rate, size = stream.rate, stream.frame_size or 1024
        channels = stream.layout.nb_channels
        frame = av.AudioFrame.from_ndarray(np.tile(samples, (channels, 1)), "fltp", stream.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
        resampler = av.AudioResampler(stream.format.name, stream.layout.name, rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            self.container.mux(stream.encode(part))

    def pictures(self, stream: Any, pictures: Iterable[tuple[float, NDArray[np.uint8]]]) -> None:
        """RGB pictures at their times in seconds."""
        for seconds, rgb in pictures:
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
            frame.pts, frame.time_base = round(seconds / CLOCK), CLOCK
            self.container.mux(stream.encode(frame))

    def finish(self, *streams: Any) -> None:
        """Write what the encoders still hold."""
        for stream in streams:
            self.container.mux(stream.encode(None))


def sound_file(path: Path, codec: str, seconds: float = 2.0, rate: int = 48000, **form: str) -> Path:
    """A 440 Hz tone."""
    with Writer(path) as writer:
        stream = writer.sound_stream(codec, rate, **form)
        writer.sound(stream, tone(seconds, rate=rate))
        writer.finish(stream)
    return path


def film(
    path: Path,
    seconds: float = 2.0,
    video: str = "libx264",
    audio: str = "aac",
    form: str = "yuv420p",
    size: tuple[int, int] = (64, 48),
    **options: str,
) -> Path:
    """Moving pictures at 25 a second, and a 440 Hz tone; ``options`` are the container's."""
    with Writer(path, **options) as writer:
        pictures = writer.picture_stream(video, *size, form)
        sound = writer.sound_stream(audio)
        writer.pictures(pictures, moving(steps(seconds), *size))
        writer.sound(sound, tone(seconds, rate=48000))
        writer.finish(pictures, sound)
    return path
