"""Media that hold next to nothing, as works and as captures: no crash, no false match, no word of a dub."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.samples.files import FPS, Picture, read_pictures, read_sound, write
from data.samples.render import small
from data.samples.sound import RATE, Sound
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import MediaError
from matching.content import Content
from matching.engine import Engine

HEIGHT, WIDTH = 120, 212
SECONDS = 5
NIGHT = Path(__file__).parents[1] / "data" / "samples" / "originals" / "night-shift.mp4"


def tone(hertz: float, seconds: float = SECONDS) -> Sound:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def hum(hertz: float) -> Sound:
    return np.sign(tone(hertz)) * 0.2


def noise(seed: int) -> Sound:
    return 0.1 * np.random.default_rng(seed).standard_normal(SECONDS * RATE)


def silence() -> Sound:
    return np.zeros(SECONDS * RATE)


def still(picture: Picture) -> list[Picture]:
    return [picture] * (SECONDS * FPS)


def grey(level: int) -> Picture:
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def drawn(picture: object) -> Picture:
    return np.asarray(picture, np.uint8)


def card(text: str, x: int) -> Picture:
    """Colour bars with a ring and a name."""
    bars = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for i in range(7):
        colour = [255 * ((i >> bit) & 1 ^ 1) for bit in range(3)]
        bars[:, i * WIDTH // 7 : (i + 1) * WIDTH // 7] = colour
    ringed = cv2.circle(bars, (x, HEIGHT // 2), 30, (255, 255, 255), 3)
    return drawn(cv2.putText(ringed, text, (x - 40, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2))


def logo(text: str, colour: tuple[int, int, int]) -> Picture:
    shape = cv2.rectangle(grey(10), (80, 30), (130, 80), colour, -1)
    return drawn(cv2.putText(shape, text, (72, 105), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2))


def talking(seed: int) -> list[Picture]:
    """A head before a blurred wall that nods and moves its lips."""
    rng = np.random.default_rng(seed)
    wall = cv2.resize(rng.integers(60, 160, (5, 8, 3)).astype(np.uint8), (WIDTH, HEIGHT))
    pictures = []
    for i in range(SECONDS * FPS):
        x, y = WIDTH // 2 + int(4 * np.sin(i / 17 + seed)), HEIGHT // 2 + int(2 * np.sin(i / 11 + seed))
        shown = cv2.ellipse(wall.copy(), (x, y), (28, 36), 0, 0, 360, (200 - 40 * seed, 150, 120), -1)
        lips = (10, 2 + int(4 * abs(np.sin(i / 3.1 + seed))))
        pictures.append(drawn(cv2.ellipse(shown, (x, y + 16), lips, 0, 0, 360, (120, 30, 30), -1)))
    return pictures


# Each work has beside it a stranger of its kind.
WORKS = {
    "card": (tone(440), still(card("ONE", 60))),
    "logo": (hum(50), still(logo("ACME", (200, 30, 30)))),
    "talk": (noise(1), talking(1)),
    "void": (silence(), still(grey(0))),
}
STRANGERS = {
    "card": (tone(1000), still(card("TWO", 140))),
    "logo": (hum(60), still(logo("BOLT", (30, 200, 30)))),
    "talk": (noise(2), talking(3)),
    "void": (silence(), still(grey(128))),
    "flat": (np.full(SECONDS * RATE, 0.5), [grey(255 * (i // 6 % 2)) for i in range(SECONDS * FPS)]),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """All works, and one film of substance."""
    folder = tmp_path_factory.mktemp("works")
    with Engine(tmp_path_factory.mktemp("data")) as opened:
        for name, (sound, pictures) in WORKS.items():
            write(folder / f"{name}.mp4", sound, pictures)
            opened.register(folder / f"{name}.mp4")
        opened.register(NIGHT)
        yield opened


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_of_the_same_kind_is_no_match(engine: Engine, tmp_path: Path, name: str) -> None:
    sound, pictures = STRANGERS[name]
    write(tmp_path / "stranger.mp4", sound, pictures, kbps=48, crf=32)
    answer = engine.examine(tmp_path / "stranger.mp4")
    assert answer.error is None
    assert answer.status != "match", answer.matches


def test_what_is_silent_and_black_is_said_to_be_unmatchable(tmp_path: Path) -> None:
    notes: list[str] = []
    write(tmp_path / "void.mp4", *WORKS["void"])
    with Engine(tmp_path / "data", note=notes.append) as engine:
        engine.register(tmp_path / "void.mp4")
        answer = engine.examine(tmp_path / "void.mp4")
        assert answer.status == "no-match"
        assert [warning.split(",")[0] for warning in answer.warnings] == [
            "sound: silent throughout",
            "pictures: blank throughout",
        ]
    assert any("silent or blank throughout" in note for note in notes)


def test_pictures_that_are_blank_but_for_a_flash_are_said_to_be_so(engine: Engine, tmp_path: Path) -> None:
    blank = [np.full((120, 212, 3), 235, np.uint8)] * 24 * 6
    (flash,) = read_pictures(NIGHT, 4, 4 + 1 / 24)
    write(tmp_path / "flash.mp4", None, [*blank[:72], small(flash), *blank[73:]])
    answer = engine.examine(tmp_path / "flash.mp4")
    assert answer.status == "no-match"
    assert [warning.split(",")[0] for warning in answer.warnings] == ["pictures: blank throughout"]


@pytest.mark.parametrize(
    ("full", "blank", "empty"),
    [(0, 3, True), (1, 79, True), (4, 79, False), (3, 0, False), (2, 2, False), (0, 0, False)],
)
def test_a_stream_is_empty_where_little_of_much_is_full(full: int, blank: int, empty: bool) -> None:
    count = full + blank
    codes, times = np.zeros((count, 32), np.uint8), np.arange(count) / 8
    content = Content()
    content.add(Fingerprint("video/3", count / 8, times, codes, np.arange(count) >= full), 0.0)
    assert content.empty == empty


def test_a_silent_film_is_found_without_a_word_about_its_silence(engine: Engine, tmp_path: Path) -> None:
    silence = np.zeros(6 * RATE)
    write(tmp_path / "silent.mp4", silence, list(map(small, read_pictures(NIGHT, 4, 10))))
    answer = engine.examine(tmp_path / "silent.mp4")
    assert (answer.status, answer.warnings) == ("match", ())


def test_a_film_between_black_and_silence_is_found_where_it_is(engine: Engine, tmp_path: Path) -> None:
    quiet = np.zeros(2 * RATE)
    sound = np.concatenate([quiet, read_sound(NIGHT, 4, 10), quiet])
    dark = [np.zeros_like(small(read_pictures(NIGHT, 4, 4.1)[0]))] * (2 * FPS)
    write(tmp_path / "late.mp4", sound, [*dark, *map(small, read_pictures(NIGHT, 4, 10)), *dark])
    (match,) = engine.examine(tmp_path / "late.mp4").matches
    assert (match.reference.name, match.replaced) == ("night-shift.mp4", ())
    for segment in match.segments:
        assert (segment.query_start, segment.query_end) == pytest.approx((2, 8), abs=1.0)


def test_one_picture_is_too_short_or_no_match(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "one.mp4", None, [card("TWO", 140)])
    answer = engine.examine(tmp_path / "one.mp4")
    assert answer.status in {"no-match", "error"}
    assert answer.error is None or answer.error.code == "too-short"


def test_a_work_too_short_for_a_code_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "blip.m4a", tone(440, 0.1))
    with Engine(tmp_path / "data") as engine, pytest.raises(MediaError, match="too short"):
        engine.register(tmp_path / "blip.m4a")


@pytest.mark.parametrize(("seconds", "status"), [(1.1, "review"), (2.2, "match")])
def test_of_a_second_of_sound_a_person_says_where_it_is_from(
    tmp_path: Path, seconds: float, status: str
) -> None:
    """So little may be like many places of its work; of twice as much the place is told."""
    song = read_sound(NIGHT.with_name("market-day.mp3"), 0, 30)
    with Engine(tmp_path / "data") as engine:
        engine.register(NIGHT.with_name("market-day.mp3"))
        write(tmp_path / "brief.m4a", song[int(5.5 * RATE) : int((5.5 + seconds) * RATE)], [])
        assert engine.examine(tmp_path / "brief.m4a").status == status
