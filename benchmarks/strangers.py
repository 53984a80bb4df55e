"""Queries that no search may match: titles that are not registered, rendered ones, cousins and decoys."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import renders
from benchmarks.attacks import AUDIO, VIDEO
from benchmarks.copies import Pictures, disguised, excerpt, shown, write_sound
from benchmarks.corpus import Title, draw, seeded
from benchmarks.files import read_sound, write_mp4, write_wav
from benchmarks.truth import COUSIN, DECOY, STRANGER, Truth

AUDIO_LENGTHS = (10.0, 5.0, 10.0, 5.0, 10.0, 5.0)  # of a stranger's excerpts: one, and one more for each 15 s
SHORT = (3.0, 2.0)  # of two more of each
VIDEO_LENGTHS = (5.0, 5.0, 10.0)  # of a stranger of 10 s or more; a shorter one has but the first
GLIMPSE = 2.0  # of one more of each
RENDERED = {"audio": 12, "video": 6}  # of each sort
# What is done to cousins: little, so that nothing but the other content keeps them apart.
LIGHT = {
    "audio": ("audio-32-kbit", "audio-equaliser", "audio-phone", "audio-speed-up-4", "audio-room-noise-8-dB",
              "audio-pitch-up-1", "audio-tempo-up-7"),
    "video": ("video-240p-crf-38", "video-mirror", "video-letterbox", "video-quarter-turn", "video-colour-gamma",
              "video-crop-20", "video-speed-up-5", "video-mirror-crop-caption", "video-logo-caption",
              "video-crop-20-off-centre"),
}  # fmt: skip
COUSINS = 5  # captures of a cousin of 10 s or more; a shorter one has three
DECOYS = {"audio": (10.0, 5.0), "video": (5.0,)}  # lengths
MOVING = 4.0  # of 255, mean difference from its reverse: what moves less reads the same backwards


def strangers(media: Path, folder: Path, title: Title, series: str) -> list[Truth]:
    """Excerpts of a title that is not registered, as they are; ``series`` as in ``Truth``."""
    return list({"audio": _sounds, "video": _pictures}[title.kind](media, folder, title, series))


def _sounds(media: Path, folder: Path, title: Title, series: str) -> Iterator[Truth]:
    sound = read_sound(media / title.file)
    for i, length in enumerate((*AUDIO_LENGTHS[: 1 + int(title.seconds / 15)], *SHORT)):
        _, taken = excerpt(sound, length, seeded(title.file, i if length not in SHORT else length))
        file = f"{STRANGER}-{i}-{Path(title.file).stem}.wav"
        write_wav(folder / file, taken)
        yield Truth(file, "audio", STRANGER, length, series=series)


def _pictures(media: Path, folder: Path, title: Title, series: str) -> Iterator[Truth]:
    lengths = VIDEO_LENGTHS if title.seconds >= 10 else VIDEO_LENGTHS[:1]
    for i, length in enumerate((*lengths, GLIMPSE)):
        taken = shown(media, title, length, i)
        file = f"{STRANGER}-{i}-{Path(title.file).stem}.mp4"
        write_mp4(folder / file, ((time - taken[0][0], picture) for time, picture in taken), 23)
        yield Truth(file, "video", STRANGER, length, series=series)


def rendered(folder: Path, kind: str, name: str) -> list[Truth]:
    """Rendered strangers of one sort."""
    truths = []
    for i in range(RENDERED[kind]):
        if kind == "audio":
            file, length = f"{name}-{i}.wav", AUDIO_LENGTHS[i % 2]
            write_wav(folder / file, renders.SOUNDS[name](length, seeded(name, i)))
        else:
            file, length = f"{name}-{i}.mp4", VIDEO_LENGTHS[0]
            write_mp4(folder / file, renders.shots(renders.SCENES[name](seeded(name, i)), length), 23)
        truths.append(Truth(file, kind, name, length))
    return truths


def cousins(media: Path, folder: Path, title: Title, series: str) -> list[Truth]:
    """Lightly attacked captures of a title that is not registered, though others of its series are."""
    truths = []
    for i in range(COUSINS if title.seconds >= 10 else 3):
        name = LIGHT[title.kind][(draw(title.file) + i) % len(LIGHT[title.kind])]
        length = AUDIO_LENGTHS[i] if title.kind == "audio" else VIDEO_LENGTHS[0]
        stem = f"{COUSIN}-{i}-{Path(title.file).stem}"
        if title.kind == "audio":
            _, taken = excerpt(read_sound(media / title.file), length, seeded(title.file, COUSIN, i))
            copy = AUDIO[name].change(taken, seeded(title.file, COUSIN, i, name))
            file = write_sound(folder, stem, copy, AUDIO[name])
        else:
            file = f"{stem}.mp4"
            seen = shown(media, title, length, f"{COUSIN}-{i}")
            write_mp4(folder / file, disguised(seen, VIDEO[name], draw(stem)), VIDEO[name].crf)
        truths.append(Truth(file, title.kind, COUSIN, length, series=series))
    return truths


def decoys(media: Path, folder: Path, title: Title) -> list[Truth]:
    """Excerpts of a registered title played backwards: all that chance likes of a work, and no work."""
    truths = []
    for length in DECOYS[title.kind]:
        stem = f"{DECOY}-{length:g}-{Path(title.file).stem}"
        if title.kind == "audio":
            _, taken = excerpt(read_sound(media / title.file), length, seeded(title.file, DECOY, length))
            file = write_sound(folder, stem, taken[::-1].copy(), AUDIO["audio-none"])
        else:
            backwards = reversed_in_time(shown(media, title, length, DECOY))
            if not moves(backwards):
                continue
            file = f"{stem}.mp4"
            write_mp4(folder / file, backwards, VIDEO["video-none"].crf)
        truths.append(Truth(file, title.kind, DECOY, length, series=title.source))
    return truths


def reversed_in_time(taken: Pictures) -> Pictures:
    """The last picture first, times counted from 0."""
    return [(taken[-1][0] - time, picture) for time, picture in reversed(taken)]


def moves(taken: Pictures) -> bool:
    """Whether the pictures differ from their reverse, second for second."""
    pairs = zip(taken[: len(taken) // 2], reversed(taken), strict=False)
    apart = [np.abs(one.astype(np.int16) - other).mean() for (_, one), (_, other) in pairs]
    return bool(np.mean(apart) >= MOVING)
