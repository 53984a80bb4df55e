"""Copies: excerpts of registered titles under each attack, in files as a suspect would have them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.attacks import ATTACKS, AUDIO, VIDEO, AudioAttack, VideoAttack
from benchmarks.audio_attacks import RATE, Sound, mix
from benchmarks.corpus import Title, draw, interfering, seeded, titles
from benchmarks.files import read_pictures, read_sound, write_mp4, write_opus, write_wav
from benchmarks.truth import Truth
from benchmarks.turns import turns
from benchmarks.video_attacks import Picture

LINES = 360  # of the pictures before the attack
LENGTHS = {"audio": (10.0, 5.0, 3.0, 2.0), "video": (10.0, 5.0, 2.0)}
MAIN = {
    "audio": (10.0, 5.0),
    "video": (5.0,),
}  # lengths at which attacks with a figure of their own are measured on MANY titles
# Titles: of attacks with a figure of their own; of all others, and at other lengths, of pictures fewer, for they cost more.
# Clean copies are of all titles. Each attack has titles and excerpts of its own, so that one hard excerpt is one copy.
MANY, SOME = 24, {"audio": 8, "video": 4}
SHORTEST = 4.0  # seconds of an original of which an excerpt is asked for
WHOLE = {("video", 10.0): 10.0}  # and where a shorter one would not do

Pictures = list[tuple[float, Picture]]


def usable(title: Title, length: float) -> bool:
    """Whether excerpts of this length are asked of a title."""
    return title.seconds >= WHOLE.get((title.kind, length), SHORTEST)


def wanted(name: str, length: float, number: int, usable: int) -> bool:
    """Whether an attack is measured at this length on the title of this number, of so many that are usable."""
    attack = ATTACKS[name]
    alone = attack.required or (isinstance(attack, VideoAttack) and attack.in_part)
    titles = MANY if alone and length in MAIN[attack.kind] else SOME[attack.kind]
    return (number + draw(name)) % usable < titles or name.endswith("-none")


def copies(media: Path, folder: Path, title: Title, length: float, attacks: list[str]) -> list[Truth]:
    """One title's copies of one length, under each of the attacks that are named."""
    render = {"audio": _audio_copies, "video": _video_copies}[title.kind]
    return list(render(media, folder, title, length, attacks))


def excerpt(sound: Sound, seconds: float, rng: np.random.Generator, rate: int = RATE) -> tuple[float, Sound]:
    """Where it begins, and an excerpt: of eight places the first that is not silent: silence is no work."""
    size = min(int(seconds * rate), len(sound))
    places = rng.uniform(0, len(sound) - size + 1e-9, 8)
    heard = [p for p in places if np.std(sound[int(p) : int(p) + size]) > 0.003]
    begin = int(heard[0] if heard else places[0])
    return begin / rate, sound[begin : begin + size]


def _audio_copies(
    media: Path, folder: Path, title: Title, length: float, attacks: list[str]
) -> Iterator[Truth]:
    sound = read_sound(media / title.file)
    for name in attacks:
        attack, rng = AUDIO[name], seeded(title.file, length, name)
        start, taken = excerpt(sound, length, rng)
        seconds, again = len(taken) / RATE, turns(sound, round(start * RATE), len(taken))
        copy = attack.change(_overlaid(media, title, taken, attack, rng), rng)
        file = write_sound(folder, f"{name}-{length:g}-{Path(title.file).stem}", copy, attack)
        yield Truth(file, "audio", name, length, title.file, 0.0, seconds / attack.time_scale, start,
                    start + seconds, attack.time_scale, turns=again)  # fmt: skip


def _overlaid(
    media: Path, title: Title, taken: Sound, attack: AudioAttack, rng: np.random.Generator
) -> Sound:
    """The excerpt with the recording that the attack wants to be heard over it; repeated where it is too short."""
    if not attack.over:
        return taken
    others = interfering(titles(media), attack.over, title.source)
    other = read_sound(media / others[int(rng.integers(len(others)))].file)
    _, heard = excerpt(other, len(taken) / RATE, rng)
    return mix(taken, np.resize(heard, len(taken)), attack.decibels)


def write_sound(folder: Path, stem: str, sound: Sound, attack: AudioAttack) -> str:
    """Writes a sound in the codec of an attack and returns the file's name."""
    file = f"{stem}.{attack.codec}"
    if attack.codec == "opus":
        write_opus(folder / file, sound, attack.bit_rate)
    else:
        write_wav(folder / file, sound)
    return file


def _video_copies(
    media: Path, folder: Path, title: Title, length: float, attacks: list[str]
) -> Iterator[Truth]:
    for name in attacks:
        attack, taken = VIDEO[name], shown(media, title, length, f"{length}|{name}")
        start, seconds = taken[0][0], taken[-1][0] - taken[0][0]
        file = f"{name}-{length:g}-{Path(title.file).stem}.mp4"
        write_mp4(folder / file, disguised(taken, attack, draw(file)), attack.crf)
        yield Truth(file, "video", name, length, title.file, 0.0, seconds / attack.time_scale, start,
                    start + seconds, attack.time_scale)  # fmt: skip


def shown(media: Path, title: Title, length: float, name: object) -> Pictures:
    """An excerpt of a seeded place; of a title that is no longer, all of it."""
    start = float(seeded(title.file, name).uniform(0, max(0.0, title.seconds - length - 0.1)))
    return read_pictures(media / title.file, LINES, start, start + length)


def disguised(taken: Pictures, attack: VideoAttack, seed: int) -> Iterator[tuple[float, Picture]]:
    """The pictures of an excerpt after an attack, their times counted from 0."""
    last = -1
    for time, picture in taken:
        since = time - taken[0][0]
        slot = int(since * attack.rate + 1e-6)
        if not attack.rate or slot > last:
            last = slot
            yield since / attack.time_scale, attack.change(picture, since, np.random.default_rng(seed))
