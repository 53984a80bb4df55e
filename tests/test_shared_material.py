"""Themes, loops and recordings that are in several works or places: found in all of them, and told as what they are."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from data.samples.files import write
from data.samples.render import STYLES
from data.samples.sound import RATE, Sound, song, speech
from matching.engine import Engine
from matching.segment import Answer

EPISODES = 7  # more than the engine asks for the nearest codes of


@cache
def theme() -> Sound:
    return song(201, STYLES["snow"], 12)


@cache
def body(number: int) -> Sound:
    return speech(210 + number, 10, 90 + 15 * number)


@cache
def loop() -> Sound:
    return song(230, STYLES["chase"], 6.4)


@cache
def recording() -> Sound:
    return song(240, STYLES["market"], 14)


def episode(number: int) -> Sound:
    """The theme begins somewhere else in each."""
    return np.concatenate([body(number)[: round(0.37 * number * RATE)], theme(), body(number)])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A series with one theme, a work of loops, and one recording under two titles."""
    folder = tmp_path_factory.mktemp("originals")
    works: dict[str, Sound] = {f"episode-{number}": episode(number) for number in range(EPISODES)}
    works |= {
        "loops": np.concatenate([speech(231, 10, 150), *[loop()] * 3, speech(232, 10, 100)]),
        "album": recording(),
        "single": recording(),
    }
    with Engine(tmp_path_factory.mktemp("data")) as opened:
        for number, (name, sound) in enumerate(works.items()):
            write(folder / f"{name}.m4a", sound, kbps=64 + number)
            opened.register(folder / f"{name}.m4a")
        yield opened


def answer(engine: Engine, folder: Path, sound: Sound) -> Answer:
    path = folder / "capture.mp3"
    write(path, sound, codec="libmp3lame", kbps=48)
    return engine.examine(path)


def test_a_theme_alone_is_in_all_episodes_alike(engine: Engine, tmp_path: Path) -> None:
    found = answer(engine, tmp_path, theme()[RATE : 11 * RATE]).matches
    assert {match.reference.name for match in found} == {f"episode-{n}.m4a" for n in range(EPISODES)}
    assert {len(match.tied_with) for match in found} == {EPISODES - 1}
    assert all(match.verdict == "match" and not match.also_in for match in found)


def test_an_episode_with_its_theme_is_that_episode_and_the_theme_is_told_as_shared(
    engine: Engine, tmp_path: Path
) -> None:
    (match,) = answer(engine, tmp_path, episode(2)).matches
    assert match.reference.name == "episode-2.m4a"
    assert (match.segments[0].query_start, match.segments[-1].query_end) == pytest.approx((0, 22.7), abs=0.7)
    others = {f"episode-{n}.m4a" for n in range(EPISODES) if n != 2}
    assert {other.reference.name for other in match.also_in} == others


def test_an_episode_without_its_theme_is_that_episode_alone(engine: Engine, tmp_path: Path) -> None:
    (match,) = answer(engine, tmp_path, body(4)[RATE:]).matches
    assert (match.reference.name, match.also_in, match.tied_with) == ("episode-4.m4a", (), ())


def test_one_recording_under_two_titles_is_both(engine: Engine, tmp_path: Path) -> None:
    found = answer(engine, tmp_path, recording()[2 * RATE : 12 * RATE]).matches
    assert {match.reference.name for match in found} == {"album.m4a", "single.m4a"}
    assert {match.tied_with for match in found} == {
        tuple(m.reference.id for m in found if m is not n) for n in found
    }


def test_a_loop_is_told_with_its_other_places(engine: Engine, tmp_path: Path) -> None:
    (match,) = answer(engine, tmp_path, loop()).matches
    assert match.reference.name == "loops.m4a"
    starts = sorted(s.ref_start - s.query_start for s in (*match.segments, *match.repeats))
    assert starts == pytest.approx([10, 16.4, 22.8], abs=0.2)
    assert len(match.segments) == 1


def test_more_loops_than_the_work_has_are_each_told_once(engine: Engine, tmp_path: Path) -> None:
    (match,) = answer(engine, tmp_path, np.concatenate([loop()] * 5)).matches
    ends = [0.0, *(s.query_end for s in match.segments)]
    assert ends[-1] == pytest.approx(32, abs=1.0)
    assert all(s.query_start >= end - 1e-6 for s, end in zip(match.segments, ends, strict=False))
