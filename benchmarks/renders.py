"""Rendered strangers: what resembles many works and is none. Pure functions of a random generator."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from benchmarks.audio_attacks import RATE, Random, Sound, pink
from benchmarks.video_attacks import Picture

Scene = Callable[[float], Picture]
WIDTH, HEIGHT, FPS = 480, 270, 25


def wind(seconds: float, rng: Random) -> Sound:
    """Low noise that swells and fades."""
    length = int(seconds * RATE)
    noise = np.fft.rfft(rng.standard_normal(length))
    low = np.fft.irfft(noise / (1 + (np.arange(len(noise)) / (rng.uniform(100, 500) * seconds)) ** 2), length)
    swell = np.interp(
        np.arange(length), np.linspace(0, length, int(seconds) + 2), rng.uniform(0.1, 1, int(seconds) + 2)
    )
    return np.asarray(0.3 * low * swell / np.abs(low).max(), np.float32)


def rain(seconds: float, rng: Random) -> Sound:
    """Many short drops over steady noise."""
    length = int(seconds * RATE)
    drops = rng.standard_normal(length) * (rng.random(length) < rng.uniform(0.001, 0.02))
    return np.asarray(0.2 * drops + 0.02 * pink(length, rng) / 3, np.float32)


def near_silence(seconds: float, rng: Random) -> Sound:
    """The hiss and hum of an empty line, 60 to 80 dB down."""
    time = np.arange(int(seconds * RATE)) / RATE
    hum = np.sin(2 * np.pi * 50 * time) + 0.5 * np.sin(2 * np.pi * 150 * time)
    return np.asarray(10 ** rng.uniform(-4, -3) * (hum + rng.standard_normal(len(time))), np.float32)


def metronome(seconds: float, rng: Random) -> Sound:
    """Clicks in strict time, every fourth one higher."""
    time = np.arange(int(seconds * RATE)) / RATE
    beat = 60 / rng.uniform(60, 180)
    tone = rng.uniform(700, 1500) * np.where(time // beat % 4 == 0, 1.5, 1.0)
    return np.asarray(
        0.5 * np.exp(-(time % beat) * 60) * np.sin(2 * np.pi * tone * (time % beat)), np.float32
    )


def loop(seconds: float, rng: Random) -> Sound:
    """One bar of drums and bass, repeated without change."""
    beat = 60 / rng.uniform(85, 140)
    time = np.arange(int(4 * beat * RATE)) / RATE
    since = time % (beat / 2)
    hits = rng.random(8)[np.minimum((time // (beat / 2)).astype(int), 7)]
    tones = rng.choice([55, 65.4, 73.4, 82.4, 98], 8)[np.minimum((time // (beat / 2)).astype(int), 7)]
    bar = (
        hits * np.exp(-30 * since) * rng.standard_normal(len(time))
        + np.sign(np.sin(2 * np.pi * tones * time)) * 0.5
    )
    return np.asarray(0.3 * np.resize(bar, int(seconds * RATE)), np.float32)


def tones(seconds: float, rng: Random) -> Sound:
    """A held chord."""
    time = np.arange(int(seconds * RATE)) / RATE
    held = [np.sin(2 * np.pi * f * time) for f in rng.uniform(150, 2500, int(rng.integers(1, 5)))]
    return np.asarray(0.2 * np.sum(held, axis=0), np.float32)


def silence(seconds: float, rng: Random) -> Sound:
    """Nothing but the last bit of 16, tossed."""
    return np.asarray(rng.integers(-1, 2, int(seconds * RATE)) / 32767, np.float32)


def static(seconds: float, rng: Random) -> Sound:
    """The even noise between two stations."""
    return np.asarray(
        rng.uniform(0.05, 0.3) * rng.standard_normal(int(seconds * RATE)).clip(-3, 3), np.float32
    )


def line_tone(seconds: float, rng: Random) -> Sound:
    """What a telephone says when it is busy or rings: one tone, on and off."""
    time = np.arange(int(seconds * RATE)) / RATE
    on = time % rng.uniform(0.5, 4.0) < rng.uniform(0.25, 1.5)
    return np.asarray(0.4 * on * np.sin(2 * np.pi * rng.choice([400, 425, 440, 480]) * time), np.float32)


def drone(seconds: float, rng: Random) -> Sound:
    """A low chord whose partials beat against each other."""
    time = np.arange(int(seconds * RATE)) / RATE
    partials = rng.uniform(50, 110) * np.arange(1, 12) * rng.uniform(0.997, 1.003, 11)
    heard = [
        np.sin(2 * np.pi * f * time + p) / k
        for k, (f, p) in enumerate(zip(partials, rng.uniform(0, 6, 11), strict=True), 1)
    ]
    return np.asarray(0.2 * np.sum(heard, axis=0), np.float32)


SOUNDS: dict[str, Callable[[float, Random], Sound]] = {
    "wind": wind,
    "rain": rain,
    "near-silence": near_silence,
    "metronome": metronome,
    "loop": loop,
    "tones": tones,
    "silence": silence,
    "static": static,
    "line-tone": line_tone,
    "drone": drone,
}


def _text(picture: Picture, words: str, x: int, y: int, shade: int) -> None:
    cv2.putText(picture, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (shade, shade, shade), 1)


def screen_recording(rng: Random) -> Scene:
    """A desktop: a window whose text scrolls, a sidebar, a moving pointer."""
    back, paper = rng.integers(40, 200, 3), int(rng.choice([30, 250]))
    left, top = int(rng.integers(20, 120)), int(rng.integers(10, 50))
    lines = [
        "".join(rng.choice(list("abcdefghij klmnop qrst "), int(rng.integers(10, 45)))) for _ in range(60)
    ]
    pace, way = rng.uniform(5, 40), rng.uniform(0.2, 0.8, 4)

    def scene(time: float) -> Picture:
        picture = np.full((HEIGHT, WIDTH, 3), back, np.uint8)
        window = picture[top : HEIGHT - 20, left : WIDTH - 20]
        window[:] = paper
        for i, line in enumerate(lines):
            _text(window, line, 60, int(20 + 14 * i - pace * time), 255 - paper)
        window[:, :50] = abs(paper - 25)
        window[:12] = 120
        x, y = WIDTH * (way[0] + 0.2 * np.sin(time * way[1])), HEIGHT * (way[2] + 0.2 * np.cos(time * way[3]))
        cv2.circle(picture, (int(x), int(y)), 4, (0, 0, 0), -1)
        return picture

    return scene


def white_render(rng: Random) -> Scene:
    """Shaded balls that turn before a white background."""
    count = int(rng.integers(1, 5))
    colours, radii = rng.integers(30, 200, (count, 3)), rng.uniform(15, 50, count)
    phases, pace = rng.uniform(0, 6.3, count), rng.uniform(0.3, 1.5)

    def scene(time: float) -> Picture:
        picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
        for colour, radius, phase in zip(colours, radii, phases, strict=True):
            x = int(WIDTH / 2 + 90 * np.cos(phase + pace * time))
            y = int(HEIGHT / 2 + 40 * np.sin(phase + pace * time))
            for part in (1.0, 0.7, 0.4):
                shade = np.clip(colour + 80 * (1 - part), 0, 255)
                cv2.circle(picture, (x, y), int(radius * part), tuple(int(c) for c in shade), -1)
        return picture

    return scene


def black(_rng: Random) -> Scene:
    """Nothing to see."""
    return lambda _time: np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def test_card(rng: Random) -> Scene:
    """Colour bars and a running counter."""
    colours = rng.permutation(np.array([[v & 4, v & 2, v & 1] for v in range(8)]).astype(bool)) * 190
    bars = np.repeat(colours, WIDTH // 8, axis=0).astype(np.uint8)

    def scene(time: float) -> Picture:
        picture = np.ascontiguousarray(np.broadcast_to(bars, (HEIGHT, WIDTH, 3)))
        picture[HEIGHT * 3 // 4 :] = 20
        _text(picture, f"{time:07.2f}", WIDTH // 2 - 30, HEIGHT * 7 // 8, 255)
        return picture

    return scene


def still(rng: Random) -> Scene:
    """One picture that does not move: soft shapes over a gradient."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = np.linspace(rng.integers(0, 255, 3), rng.integers(0, 255, 3), WIDTH)
    for _ in range(int(rng.integers(3, 9))):
        place = (int(rng.integers(WIDTH)), int(rng.integers(HEIGHT)))
        colour = tuple(int(c) for c in rng.integers(0, 255, 3))
        cv2.circle(picture, place, int(rng.integers(15, 90)), colour, -1)
    shown = np.asarray(cv2.GaussianBlur(picture, (0, 0), 3), np.uint8)
    return lambda _time: shown


def snow(rng: Random) -> Scene:
    """A screen without a station."""
    seed, loud = int(rng.integers(1 << 30)), float(rng.uniform(30, 90))

    def scene(time: float) -> Picture:
        noise = np.random.default_rng(seed + int(time * 1000)).normal(110, loud, (HEIGHT // 2, WIDTH // 2, 1))
        flecks = np.repeat(np.clip(noise, 0, 255).astype(np.uint8), 3, axis=2)
        return np.asarray(cv2.resize(flecks, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), np.uint8)

    return scene


def logo(rng: Random) -> Scene:
    """A station's name on a disc that turns before a plain ground."""
    ground, disc = (tuple(int(c) for c in rng.integers(0, 255, 3)) for _ in range(2))
    name, pace = "".join(rng.choice(list("ABCDEKLMRSTVX"), 3)), rng.uniform(1, 4)

    def scene(time: float) -> Picture:
        picture = np.full((HEIGHT, WIDTH, 3), ground, np.uint8)
        width = max(2, int(70 * abs(np.cos(pace * time))))
        cv2.ellipse(picture, (WIDTH // 2, HEIGHT // 2), (width, 70), 0, 0, 360, disc, -1)
        cv2.putText(
            picture,
            name,
            (WIDTH // 2 - 42, HEIGHT // 2 + 14),
            cv2.FONT_HERSHEY_SIMPLEX,
            1.4,
            (255, 255, 255),
            3,
        )
        return picture

    return scene


SCENES: dict[str, Callable[[Random], Scene]] = {
    "screen-recording": screen_recording,
    "white-render": white_render,
    "black": black,
    "test-card": test_card,
    "still": still,
    "snow": snow,
    "logo": logo,
}


def shots(scene: Scene, seconds: float) -> Iterator[tuple[float, Picture]]:
    """The pictures of a scene with their times, 25 a second."""
    return ((k / FPS, scene(k / FPS)) for k in range(int(seconds * FPS)))
