"""Reads excerpts of files and writes the files that a suspect would have: PyAV, outside the limited child."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import scipy.io.wavfile
from numpy.typing import NDArray

from benchmarks.audio_attacks import RATE, Sound
from benchmarks.video_attacks import Picture

TICKS = 90000  # a second, in the time base of the videos that are written


def read_sound(path: Path) -> Sound:
    """The whole sound of a file: (n,) float32, mono, 16 kHz, beginning with its first packet."""
    parts: list[NDArray[np.float32]] = []
    with av.open(path) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        for frame in container.decode(audio=0):
            parts += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        parts += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def read_pictures(path: Path, lines: int, start: float, end: float) -> list[tuple[float, Picture]]:
    """Pictures from ``start`` until ``end`` with their times in seconds, RGB, of at most so many lines."""
    shown = []
    with av.open(path) as container:
        for frame in container.decode(video=0):
            time = float(frame.time or 0.0)
            if not start <= time < end:
                continue
            height = min(lines, frame.height) // 2 * 2
            width = max(2, round(frame.width * height / frame.height / 2) * 2)
            pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
            shown.append((time, np.asarray(pixels, np.uint8)))
    return shown


def write_wav(path: Path, sound: Sound) -> None:
    """Sound at 16 kHz as 16 bit PCM, turned down where it would be clipped."""
    peak = max(1.0, float(np.abs(sound).max(initial=0)))
    scipy.io.wavfile.write(path, RATE, np.asarray(sound / peak * 32767, np.int16))


def write_opus(path: Path, sound: Sound, bit_rate: int) -> None:
    """Sound at 16 kHz as Opus in Ogg."""
    samples = np.asarray(np.clip(sound, -1, 1) * 32767, np.int16)
    with av.open(path, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48000, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler("s16", "mono", 48000, 960)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def write_mp4(path: Path, pictures: Iterable[tuple[float, Picture]], crf: int) -> None:
    """Pictures with their times in seconds, all of one size, as H.264 in MP4; odd edges are cut off."""
    with av.open(path, "w", format="mp4") as container:
        stream = None
        for time, picture in pictures:
            height, width = (side // 2 * 2 for side in picture.shape[:2])
            if stream is None:
                stream = container.add_stream(
                    "libx264", rate=30, options={"preset": "ultrafast", "crf": str(crf)}
                )
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.codec_context.time_base = Fraction(1, TICKS)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
            frame.pts, frame.time_base = round(time * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))
