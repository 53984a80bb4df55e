"""Renders every sample: ``python -m data.samples.render [FOLDER]``. Seeded; takes two minutes."""

import argparse
import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from data.samples.files import FPS, Picture, read_pictures, read_sound, write
from data.samples.scenes import (
    HEIGHT,
    WIDTH,
    blocks,
    city,
    film,
    flight,
    galaxy,
    mountains,
    reef,
    title,
    write_on,
)
from data.samples.sound import (
    RATE,
    Sound,
    Style,
    bell,
    level,
    pluck,
    reed,
    song,
    speech,
    strings,
    weather,
)

STYLES = {
    "harbour": Style(96, 57, "minor", (0, 5, 2, 6, 3, 0, 4, 4), 4, reed, strings, drums=True),
    "snow": Style(138, 62, "major", (0, 3, 1, 4, 5, 1, 4, 0), 3, bell, pluck, drums=False),
    "market": Style(118, 55, "dorian", (0, 6, 3, 0, 4, 2, 6, 5), 4, pluck, reed, drums=True),
    "overture": Style(84, 60, "major", (0, 4, 5, 2, 3, 0, 1, 4), 4, strings, pluck, drums=False),
    "chase": Style(150, 52, "minor", (0, 0, 5, 6, 3, 4, 0, 1), 4, bell, strings, drums=True),
    "stranger": Style(108, 59, "minor", (0, 2, 5, 4, 6, 3, 1, 4), 4, reed, pluck, drums=True),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A line of the truth: seconds of the capture that are seconds of an original, and in which streams."""

    capture: str
    original: str = ""
    query: tuple[float, float] = (0, 0)
    ref: tuple[float, float] = (0, 0)
    kinds: str = ""
    mirror: bool = False

    def row(self) -> tuple[object, ...]:
        """The line as written; a stranger's holds its name alone."""
        if not self.original:
            return (self.capture, *[""] * 8)
        scale = (self.ref[1] - self.ref[0]) / (self.query[1] - self.query[0])
        return (
            self.capture,
            self.original,
            *self.query,
            *self.ref,
            round(scale, 4),
            int(self.mirror),
            self.kinds,
        )


TRUTH = (
    "capture",
    "original",
    "query_start",
    "query_end",
    "ref_start",
    "ref_end",
    "time_scale",
    "mirror",
    "kinds",
)


def originals(folder: Path) -> None:
    """Three songs, a speech and three short films with sound."""
    for number, (name, file) in enumerate(
        (("harbour", "harbour-lights.m4a"), ("snow", "first-snow.ogg"), ("market", "market-day.mp3"))
    ):
        codec = {".m4a": "aac", ".ogg": "libopus", ".mp3": "libmp3lame"}[Path(file).suffix]
        rate = 48000 if codec == "libopus" else RATE
        write(folder / file, song(11 + number, STYLES[name], 40), codec=codec, rate=rate)
    write(folder / "the-witness.opus", speech(21, 30, 118), codec="libopus", kbps=32, rate=48000)
    river = film(
        (title(31, "THE RIVER"), 4), (mountains(32), 7), (flight(33), 7), (reef(34), 8), (mountains(35), 6)
    )
    write(folder / "the-river.mp4", mixed(song(36, STYLES["overture"], 32), weather(37, 32)), river)
    night = film(
        (city(41), 7), (galaxy(42), 6), (title(43, "NIGHT SHIFT"), 3), (city(44), 7), (blocks(45), 8)
    )
    write(folder / "night-shift.mp4", mixed(song(46, STYLES["chase"], 31), speech(47, 31, 190)), night)
    atoll = film((reef(51), 8), (blocks(52), 6), (flight(53), 7), (galaxy(54), 5), (reef(55), 7))
    write(folder / "atoll.mkv", mixed(speech(56, 33, 95), weather(57, 33)), atoll)


def mixed(first: Sound, second: Sound, gain: float = 0.4) -> Sound:
    """The first sound with the second under it."""
    n = min(len(first), len(second))
    return level(first[:n] + gain * second[:n])


def faster(sound: Sound, scale: float) -> Sound:
    """The sound played ``scale`` times as fast, its pitch rising with it."""
    return np.asarray(np.interp(np.arange(0, len(sound) - 1, scale), np.arange(len(sound)), sound))


def noisy(seed: int, sound: Sound, decibels: float) -> Sound:
    """The sound in white noise, so many decibels above it."""
    noise = np.random.default_rng(seed).normal(size=len(sound))
    return level(sound + noise * np.std(sound) * 10 ** (-decibels / 20))


def telephone(sound: Sound) -> Sound:
    """What a telephone lets through: 300 to 3400 Hz."""
    spectrum = np.fft.rfft(sound)
    heard = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(heard < 300) | (heard > 3400)] = 0
    return level(np.fft.irfft(spectrum, len(sound)))


def cropped(picture: Picture, share: float = 0.06) -> Picture:
    """The picture without ``share`` of its width and height at every side, enlarged again."""
    y, x = int(HEIGHT * share), int(WIDTH * share)
    return cv2.resize(picture[y:-y, x:-x], (WIDTH, HEIGHT)).astype(np.uint8)


def branded(picture: Picture) -> Picture:
    """The picture with a logo in a corner and a caption."""
    marked = picture.copy()
    cv2.circle(marked, (WIDTH - 36, 30), 20, (230, 40, 40), -1)
    cv2.circle(marked, (WIDTH - 36, 30), 9, (255, 255, 255), -1)
    return write_on(marked, "watch more at pirate.example", HEIGHT - 18, 0.6)


def small(picture: Picture) -> Picture:
    """The picture at half its size."""
    return cv2.resize(picture, (WIDTH // 2 // 2 * 2, HEIGHT // 2), interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )


def dim(seed: int) -> Callable[[Picture], Picture]:
    """What makes a picture dark and grainy."""
    rng = np.random.default_rng(seed)

    def draw(picture: Picture) -> Picture:
        dark = 255 * (picture / 255) ** 1.4 * 0.8 + rng.normal(0, 8, picture.shape)
        return np.clip(dark, 0, 255).astype(np.uint8)

    return draw


def same(picture: Picture) -> Picture:
    """The picture as it is."""
    return picture


def sound_captures(source: Path, folder: Path) -> list[Part]:
    """Captures of the songs and the speech."""
    harbour, snow, market, witness = (
        source / name
        for name in ("harbour-lights.m4a", "first-snow.ogg", "market-day.mp3", "the-witness.opus")
    )
    write(folder / "cut-32kbit.mp3", read_sound(harbour, 12, 27), codec="libmp3lame", kbps=32)
    write(folder / "sped-up-5-percent.m4a", faster(read_sound(snow, 8, 29), 1.05))
    write(folder / "noisy.m4a", noisy(61, read_sound(market, 20, 34), 6))
    write(
        folder / "telephone.opus", telephone(read_sound(witness, 6, 22)), codec="libopus", kbps=16, rate=8000
    )
    two = np.concatenate([read_sound(market, 3, 15), read_sound(harbour, 24, 38)])
    write(folder / "two-songs.mp3", two, codec="libmp3lame", kbps=48)
    return [
        Part("cut-32kbit.mp3", harbour.name, (0, 15), (12, 27), "audio"),
        Part("sped-up-5-percent.m4a", snow.name, (0, 20), (8, 29), "audio"),
        Part("noisy.m4a", market.name, (0, 14), (20, 34), "audio"),
        Part("telephone.opus", witness.name, (0, 16), (6, 22), "audio"),
        Part("two-songs.mp3", market.name, (0, 12), (3, 15), "audio"),
        Part("two-songs.mp3", harbour.name, (12, 26), (24, 38), "audio"),
    ]


def film_captures(source: Path, folder: Path) -> list[Part]:
    """Captures of one film each: name, film, seconds, what is done to every picture, quality, speed."""
    river, night, atoll = "the-river.mp4", "night-shift.mp4", "atoll.mkv"
    plans: tuple[tuple[str, str, tuple[float, float], Callable[[Picture], Picture], int, float], ...] = (
        ("low-bitrate.mp4", river, (2, 16), small, 38, 1),
        ("mirrored.mp4", night, (3, 17), lambda picture: picture[:, ::-1], 32, 1),
        ("cropped.mp4", atoll, (5, 18), cropped, 32, 1),
        ("sped-up-4-percent.mp4", river, (9, 22), same, 32, 1.04),
        ("logo-and-caption.mp4", night, (12, 26), branded, 32, 1),
        ("dim-and-grainy.mp4", atoll, (16, 28), dim(62), 36, 1),
    )
    parts = []
    for name, film_name, (start, end), change, crf, scale in plans:
        sound = faster(read_sound(source / film_name, start, end), scale)
        pictures: Iterable[Picture] = map(change, read_pictures(source / film_name, start, end))
        write(folder / name, sound, pictures, kbps=48, crf=crf, fps=FPS * scale)
        query = (0, round((end - start) / scale, 3))
        parts.append(Part(name, film_name, query, (start, end), "audio video", name == "mirrored.mp4"))
    return parts


def mixed_captures(source: Path, folder: Path) -> list[Part]:
    """A compilation of two films, and a film under the sound of a song."""
    river, atoll, night, harbour = (
        source / name for name in ("the-river.mp4", "atoll.mkv", "night-shift.mp4", "harbour-lights.m4a")
    )
    sound = np.concatenate([read_sound(river, 19, 28), read_sound(atoll, 1, 11)])
    write(
        folder / "two-films.mp4",
        sound,
        read_pictures(river, 19, 28) + read_pictures(atoll, 1, 11),
        kbps=48,
        crf=32,
    )
    write(folder / "dubbed.mp4", read_sound(harbour, 2, 14), read_pictures(night, 17, 29), kbps=48, crf=32)
    return [
        Part("two-films.mp4", river.name, (0, 9), (19, 28), "audio video"),
        Part("two-films.mp4", atoll.name, (9, 19), (1, 11), "audio video"),
        Part("dubbed.mp4", night.name, (0, 12), (17, 29), "video"),
        Part("dubbed.mp4", harbour.name, (0, 12), (2, 14), "audio"),
    ]


def strangers(folder: Path) -> list[Part]:
    """Captures of works that nobody registered."""
    write(folder / "unknown-song.mp3", song(71, STYLES["stranger"], 16), codec="libmp3lame", kbps=48)
    write(folder / "unknown-voice.opus", speech(72, 14, 150), codec="libopus", kbps=24, rate=48000)
    write(folder / "unknown-wind.m4a", weather(73, 12), kbps=48)
    shots = film((mountains(74), 5), (city(75), 5), (reef(76), 4))
    write(folder / "unknown-film.mp4", speech(77, 14, 210), shots, kbps=48, crf=32)
    return [
        Part(name)
        for name in ("unknown-song.mp3", "unknown-voice.opus", "unknown-wind.m4a", "unknown-film.mp4")
    ]


def render(folder: Path) -> None:
    """Writes originals/, captures/ and truth.csv into the folder."""
    source, target = folder / "originals", folder / "captures"
    for place in (source, target):
        place.mkdir(parents=True, exist_ok=True)
    originals(source)
    makers = (sound_captures, film_captures, mixed_captures)
    parts = [part for make in makers for part in make(source, target)] + strangers(target)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([TRUTH, *(part.row() for part in parts)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m data.samples.render", description="Renders every sample."
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent)
    render(parser.parse_args().folder)
