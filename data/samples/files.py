"""Reading and writing the sample files."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from data.samples.sound import RATE, Sound

FPS = 24
Picture = NDArray[np.uint8]  # (height, width, 3), RGB


def write(
    path: Path,
    sound: Sound | None = None,
    pictures: Iterable[Picture] = (),
    *,
    codec: str = "aac",
    kbps: int = 64,
    rate: int = RATE,
    crf: int = 28,
    fps: float = FPS,
) -> None:
    """Writes sound, pictures or both; the same input gives the same bytes (one thread, no dates)."""
    frames = iter(pictures)
    first = next(frames, None)
    with av.open(
        str(path), "w", container_options={"fflags": "+bitexact", "max_interleave_delta": "0"}
    ) as container:
        video = None if first is None else _video_stream(container, first, crf, fps)
        audio = None if sound is None else _audio_stream(container, codec, rate, kbps)
        if video is not None and first is not None:
            _write_pictures(container, video, first, frames)
        if audio is not None and sound is not None:
            _write_sound(container, audio, sound)


def _audio_stream(container: av.container.OutputContainer, codec: str, rate: int, kbps: int) -> AudioStream:
    stream = container.add_stream(codec, rate=rate, layout="mono", bit_rate=kbps * 1000)
    assert isinstance(stream, AudioStream)
    return stream


def _video_stream(
    container: av.container.OutputContainer, first: Picture, crf: int, fps: float
) -> VideoStream:
    options = {"crf": str(crf), "preset": "slow", "threads": "1"}
    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options=options)
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 1
    return stream


def _write_pictures(
    container: av.container.OutputContainer, stream: VideoStream, first: Picture, rest: Iterator[Picture]
) -> None:
    for picture in (first, *rest):
        container.mux(
            stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24"))
        )
    container.mux(stream.encode())


def _write_sound(container: av.container.OutputContainer, stream: AudioStream, sound: Sound) -> None:
    samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)[None, :]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = RATE
    context = stream.codec_context
    resampler = AudioResampler(
        context.format, context.layout, context.sample_rate, frame_size=context.frame_size or 1024
    )
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(part))
    container.mux(stream.encode())


def read_sound(path: Path, start: float, end: float) -> Sound:
    """The sound between two times in seconds."""
    resampler = AudioResampler("flt", "mono", RATE)
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float64)
    return samples[round(start * RATE) : round(end * RATE)]


def read_pictures(path: Path, start: float, end: float) -> list[Picture]:
    """The pictures between two times in seconds."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="rgb24").astype(np.uint8)
            for frame in container.decode(video=0)
            if frame.time is not None and start - 1e-6 <= frame.time < end - 1e-6
        ]
