"""Programmes to put on the air: works and what is nobody's by turns, as the segments of an HLS list."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.audio_attacks import RATE, Sound
from benchmarks.copies import excerpt
from benchmarks.corpus import Title, seeded
from benchmarks.files import read_pictures, read_sound

Picture = NDArray[np.uint8]
Segments = tuple[list[bytes], list[float]]  # and their lengths in seconds

SEGMENT = 2.0  # seconds
QUIET, WORK = 20.0, 20.0  # seconds of nobody's before each work, and of the work
SCENE = 8.0  # seconds of nobody's pictures, and at most of each clip that is registered
HEIGHT, WIDTH, FPS = 480, 854, 25


def radio(media: Path, known: list[Title], others: list[Title], seconds: float, name: str) -> Sound:
    """Nobody's sound and works by turns."""
    rng, parts = seeded(name, "on air"), list[Sound]()
    while sum(map(len, parts)) < seconds * RATE:
        for some, length in ((others, QUIET), (known, WORK)):
            sound = read_sound(media / some[int(rng.integers(len(some)))].file)
            parts.append(np.resize(excerpt(sound, length, rng)[1], round(length * RATE)))
    return np.concatenate(parts)[: round(seconds * RATE)]


def television(
    media: Path, known: list[Title], others: list[Title], seconds: float, name: str
) -> Iterator[Picture]:
    """FPS pictures a second, HEIGHT x WIDTH, of nobody's clips and registered ones by turns."""
    rng, left = seeded(name, "television"), round(seconds * FPS)
    while left > 0:
        for some in (others, known):
            title = some[int(rng.integers(len(some)))]
            shown = read_pictures(media / title.file, HEIGHT, 0.0, SCENE)
            times = np.array([time for time, _ in shown])
            for tick in range(min(left, round(min(SCENE, float(times[-1])) * FPS))):
                picture = shown[int(np.searchsorted(times, tick / FPS, side="right")) - 1][1]
                yield np.asarray(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
                left -= 1


def segmented(
    folder: Path,
    sound: Sound | None = None,
    pictures: Iterator[Picture] | None = None,
    change: Callable[[Picture], Picture] = lambda picture: picture,
) -> Segments:
    """A programme as segments; ``change`` is done to each picture."""
    listed = folder / "list.m3u8"
    options = {"hls_time": f"{SEGMENT:g}", "hls_list_size": "0"}
    with av.open(str(listed), "w", format="hls", options=options) as container:
        heard = None if sound is None else container.add_stream("aac", rate=RATE, layout="mono")
        seen: Any = None if pictures is None else _video(container)
        done = 0
        for number, picture in enumerate(pictures or ()):
            done = _mux_sound(container, heard, sound, done, round((number + 1) / FPS * RATE))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(change(picture)), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(seen.encode(frame))
        _mux_sound(container, heard, sound, done, 0 if sound is None else len(sound))
        for stream in (heard, seen):
            container.mux(stream.encode(None) if stream is not None else [])
    lines = listed.read_text().splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    lengths = [float(line[8:].rstrip(",")) for line in lines if line.startswith("#EXTINF")]
    return [(folder / name).read_bytes() for name in names], lengths


def _video(container: Any) -> Any:
    every = str(round(FPS * SEGMENT))  # pictures between key pictures
    stream = container.add_stream(
        "libx264", rate=FPS, options={"preset": "veryfast", "crf": "26", "g": every}
    )
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    return stream


def _mux_sound(container: Any, stream: Any, sound: Sound | None, done: int, until: int) -> int:
    """Muxes the sound from sample ``done`` to about ``until``; gives how far it came."""
    if sound is None:
        return 0
    while done + 1024 <= min(until, len(sound)):
        frame = av.AudioFrame.from_ndarray(sound[None, done : done + 1024], "fltp", "mono")
        frame.sample_rate, frame.pts = RATE, done
        container.mux(stream.encode(frame))
        done += 1024
    return done
