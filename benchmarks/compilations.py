"""Compilations: stretches of many works in one file, whose truth has a row for each of them."""

from pathlib import Path

import cv2
import numpy as np

from benchmarks.attacks import AUDIO
from benchmarks.audio_attacks import RATE, Sound
from benchmarks.copies import Pictures, excerpt, shown
from benchmarks.corpus import Title, draw, seeded
from benchmarks.files import read_sound, write_mp4, write_opus
from benchmarks.truth import Truth
from benchmarks.video_attacks import Picture

GROUP = "compilation"
PARTS, PART = 20, 30.0  # of the plain one: number, seconds each
MIXED = (6.0, 9.0, 14.0, 20.0)  # seconds of the parts of the disguised one, in turn
SHOTS = (4.0, 6.0, 9.0)  # likewise of moving pictures
BETWEEN = 5.0  # seconds of a stranger between two parts
SIZE = (640, 360)  # of all pictures of a compilation
STEP = 0.04  # seconds between the last picture of a part and the first of the next
# What is done to the parts of the disguised one, in turn.
DISGUISES = ("audio-none", "audio-equaliser", "audio-tempo-up-7", "audio-phone", "audio-pitch-up-1",
             "audio-music-3-dB", "audio-speed-down-4", "audio-room-noise-8-dB")  # fmt: skip


def _ordered(chosen: list[Title], longer_than: float) -> list[Title]:
    long = [title for title in chosen if title.seconds > longer_than]
    return sorted(long, key=lambda title: draw(title.file + GROUP))


def plain(media: Path, folder: Path, chosen: list[Title]) -> list[Truth]:
    """Long excerpts of many pieces of sound, one after the other."""
    parts, truths = list[Sound](), list[Truth]()
    for i, title in enumerate(_ordered(chosen, PART + 1)[:PARTS]):
        start, taken = excerpt(read_sound(media / title.file), PART, seeded(title.file, GROUP))
        parts.append(taken)
        truths.append(Truth("compilation.opus", "audio", GROUP, PARTS * PART, title.file, i * PART,
                            (i + 1) * PART, start, start + PART))  # fmt: skip
    write_opus(folder / "compilation.opus", np.concatenate(parts), 64000)
    return truths


def disguised(media: Path, folder: Path, chosen: list[Title], others: list[Title]) -> list[Truth]:
    """Excerpts of sound of many lengths, each under another attack, with strangers between them."""
    parts, truths, at = list[Sound](), list[Truth](), 0.0
    between = _ordered(others, BETWEEN)
    for i, title in enumerate(_ordered(chosen, max(MIXED))[:PARTS]):
        rng, attack = seeded(title.file, GROUP, "mixed"), AUDIO[DISGUISES[i % len(DISGUISES)]]
        start, taken = excerpt(read_sound(media / title.file), MIXED[i % len(MIXED)], rng)
        copy = attack.change(taken, rng)
        stranger = between[i % len(between)].file
        parts += [copy, excerpt(read_sound(media / stranger), BETWEEN, seeded(stranger, GROUP, i))[1]]
        end = at + len(copy) / RATE
        truths.append(Truth("compilation-mixed.opus", "audio", GROUP, 0.0, title.file, at, end, start,
                            start + len(taken) / RATE, attack.time_scale))  # fmt: skip
        at = end + len(parts[-1]) / RATE
    write_opus(folder / "compilation-mixed.opus", np.concatenate(parts), 64000)
    return truths


def pictures(media: Path, folder: Path, chosen: list[Title], others: list[Title]) -> list[Truth]:
    """Excerpts of moving pictures of many lengths, with strangers between them."""
    parts, truths, at = list[tuple[float, Picture]](), list[Truth](), 0.0
    between = _ordered(others, BETWEEN)
    for i, title in enumerate(_ordered(chosen, max(SHOTS))):
        taken = shown(media, title, SHOTS[i % len(SHOTS)], GROUP)
        stranger = shown(media, between[i % len(between)], BETWEEN, f"{GROUP}-{i}")
        parts += _moved(taken, at)
        end = parts[-1][0]
        truths.append(
            Truth("compilation.mp4", "video", GROUP, 0.0, title.file, at, end, taken[0][0], taken[-1][0])
        )
        parts += _moved(stranger, end + STEP)
        at = parts[-1][0] + STEP
    write_mp4(folder / "compilation.mp4", parts, 23)
    return truths


def _moved(taken: Pictures, begin: float) -> Pictures:
    """The same pictures in SIZE, beginning at a time."""
    return [
        (begin + time - taken[0][0], np.asarray(cv2.resize(picture, SIZE), np.uint8))
        for time, picture in taken
    ]
