"""Renders what a seized drive holds: films of some minutes, each with a minute of a registered work somewhere in it.

Every minute is encoded once; a film is their packets one after the other, so that hours cost minutes.
"""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame

from benchmarks.audio_attacks import RATE, Sound
from benchmarks.corpus import Title, draw, originals, strangers, titles
from benchmarks.files import read_sound
from benchmarks.long_file import Timed, encoded

FPS = 25
MINUTE = 60
WORKS = 8
SPARE = 4  # seconds of a work before the passage that is copied
SMALL, LARGE = (640, 360), (1280, 720)  # of the works, of the films
TURNS = 2  # films with each passage, at different places
SEED = 7


@dataclass(frozen=True, slots=True)
class Work:
    """A registered work, the titles it is made of, and the minute that was copied from it."""

    file: Path
    made_of: frozenset[str]
    passage: Path


@dataclass(frozen=True, slots=True)
class Film:
    """A film, the work that a minute of it was copied from, and the second at which this begins."""

    file: Path
    work: Work
    start: float


def films(media: Path, folder: Path, note: Callable[[str], None]) -> tuple[list[Work], list[Film]]:
    """Works and films, rendered into a folder if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = titles(media)
    works = list(_works(media, folder, everything, note))
    others = list(_fillers(media, folder, everything, note))
    made = []
    for number, (_, work) in enumerate(itertools.product(range(TURNS), works)):
        note(f"film {number + 1} of {TURNS * len(works)}")
        place = int(np.random.default_rng([SEED, number]).integers(len(others)))
        order = [*others[number % len(others) :], *others[: number % len(others)]]
        file = _once(folder / f"film-{number}.mp4", [*order[:place], work.passage, *order[place:]], _joined)
        made.append(Film(file, work, float(place * MINUTE)))
    return works, made


def _works(media: Path, folder: Path, everything: list[Title], note: Callable[[str], None]) -> Iterator[Work]:
    pictures = sorted(originals(everything, "video"), key=lambda t: draw(t.file + "scan"))
    sounds = [t for t in originals(everything, "audio") if t.seconds > MINUTE + 2 * SPARE]
    for i, title in enumerate(sorted(sounds, key=lambda t: draw(t.file + "scan"))[:WORKS]):
        note(f"work {i + 1} of {WORKS}")
        clips = pictures[i::WORKS]
        sound = read_sound(media / title.file)
        shown = itertools.cycle([media / clip.file for clip in clips])
        file = _once(folder / f"work-{i}.mp4", (shown, sound, SMALL, MINUTE + 2 * SPARE, 0), _rendered)
        heard = sound[SPARE * RATE :]
        passage = _once(folder / f"passage-{i}.mp4", ([file], heard, LARGE, MINUTE, SPARE), _rendered)
        yield Work(file, frozenset([title.file, *(clip.file for clip in clips)]), passage)


def _fillers(
    media: Path, folder: Path, everything: list[Title], note: Callable[[str], None]
) -> Iterator[Path]:
    """Minutes of what is not registered."""
    pictures = sorted(strangers(everything, "video"), key=lambda t: draw(t.file + "scan"))
    sounds = [t for t in strangers(everything, "audio") if t.seconds > MINUTE]
    for i, title in enumerate(sorted(sounds, key=lambda t: draw(t.file + "scan"))[: WORKS - 1]):
        note(f"stranger {i + 1} of {WORKS - 1}")
        shown = itertools.cycle([media / clip.file for clip in pictures[i :: WORKS - 1]])
        sound = read_sound(media / title.file)
        yield _once(folder / f"stranger-{i}.mp4", (shown, sound, LARGE, MINUTE, 0), _rendered)


def _once(path: Path, given: Any, make: Callable[[Path, Any], None]) -> Path:
    """The file, made whole or not at all."""
    if not path.exists():
        make(path.with_suffix(".part"), given)
        path.with_suffix(".part").replace(path)
    return path


def _rendered(path: Path, given: tuple[Iterable[Path], Sound, tuple[int, int], int, int]) -> None:
    """The pictures of files one after the other, from a second on, and a sound, for so many seconds."""
    files, sound, size, seconds, start = given
    with av.open(path, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "superfast", "crf": "24"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for packet in encoded(audio, sound[: seconds * RATE]):
            container.mux(packet)
        pictures = itertools.islice(_pictures(files, size), start * FPS, (start + seconds) * FPS)
        for number, frame in enumerate(pictures):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _pictures(files: Iterable[Path], size: tuple[int, int]) -> Iterator[VideoFrame]:
    """FPS pictures a second of files one after the other."""
    for file in files:
        with av.open(file) as container:
            shown = 0
            for frame in container.decode(video=0):
                while shown <= float(frame.time or 0) * FPS:
                    shown += 1
                    yield frame.reformat(*size, "yuv420p")


def _joined(path: Path, parts: Sequence[Path]) -> None:
    """Files of MINUTE seconds and of one form, one after the other."""
    with av.open(path, "w", format="mp4") as container, av.open(parts[0]) as form:
        streams = [container.add_stream_from_template(stream) for stream in form.streams]
        for number, part in enumerate(parts):
            with av.open(part) as source:
                for packet in source.demux():
                    if packet.dts is not None:
                        stream = streams[packet.stream_index]
                        container.mux(Timed(packet).later(stream, Fraction(number * MINUTE)))
