"""Captures whose picture and sound go separate ways: each is reported as it is, found by the whole engine."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.samples.files import read_pictures, read_sound, write
from data.samples.render import small
from data.samples.sound import RATE
from evidence.answer import Json, answer_json
from evidence.pictures import spectrogram
from evidence.remarks import remarks
from evidence.words import stream
from matching import search
from matching.engine import Engine
from matching.segment import Answer
from tests.render import Writer
from tests.test_channels import wave_file

ORIGINALS = Path(__file__).parents[1] / "data" / "samples" / "originals"
NIGHT, RIVER, HARBOUR = (
    ORIGINALS / name for name in ("night-shift.mp4", "the-river.mp4", "harbour-lights.m4a")
)

Span = tuple[float, float]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Two films with sound, one of them registered without it too, and a song."""
    folder = tmp_path_factory.mktemp("originals")
    mute = folder / "mute.mp4"
    write(mute, None, read_pictures(ORIGINALS / "atoll.mkv", 0, 20))
    with Engine(tmp_path_factory.mktemp("data")) as opened:
        for path in (NIGHT, RIVER, HARBOUR, mute):
            opened.register(path)
        yield opened


def capture(path: Path, picture: tuple[Path, Span] | None, sound: np.ndarray | None) -> Path:
    """Half-size pictures of a film's seconds with any sound."""
    shown = [] if picture is None else map(small, read_pictures(picture[0], *picture[1]))
    write(path, sound, shown, kbps=48, crf=32)
    return path


def plain(engine: Engine, answer: Answer) -> Json:
    return answer_json(answer, engine.catalog.work, {"version": "0", "algorithms": []})


def examined(engine: Engine, path: Path) -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    """Kinds by title, and remarks by title, of the matches of a capture."""
    answer = plain(engine, engine.examine(path))
    kinds = {m["reference"]["title"]: {s["kind"] for s in m["segments"]} for m in answer["matches"]}
    return kinds, {m["reference"]["title"]: remarks(m, answer) for m in answer["matches"]}


def test_a_dub_under_a_registered_song_names_both(engine: Engine, samples: Path) -> None:
    kinds, words = examined(engine, samples / "captures" / "dubbed.mp4")
    assert kinds == {"night-shift": {"video"}, "harbour-lights": {"audio"}}
    (film,), (song,) = words["night-shift"], words["harbour-lights"]
    assert "picture only, the sound was not recognised" in film
    assert film.endswith("it is that of harbour-lights (#3)")
    assert song == (
        "sound only: the picture is missing or black, here or in the original, or unsure at another place of it"
    )


def test_picture_and_sound_of_two_films_are_two_matches(engine: Engine, tmp_path: Path) -> None:
    path = capture(tmp_path / "two.mp4", (NIGHT, (3, 15)), read_sound(RIVER, 10, 22))
    kinds, words = examined(engine, path)
    assert kinds == {"night-shift": {"video"}, "the-river": {"audio"}}
    assert words["night-shift"][0].endswith("it is that of the-river (#2)")
    assert words["the-river"][0].endswith("it is that of night-shift (#1)")


@pytest.mark.parametrize("late", [0.7, 5.0, -12.0])
def test_sound_that_is_out_of_step_is_measured(engine: Engine, tmp_path: Path, late: float) -> None:
    path = capture(tmp_path / "late.mp4", (NIGHT, (6, 18)), read_sound(NIGHT, 6 - late, 18 - late))
    answer = plain(engine, engine.examine(path))
    (match,) = answer["matches"]
    assert {s["kind"] for s in match["segments"]} == {"audio", "video"}
    (remark,) = remarks(match, answer)
    seconds = float(remark.split(" runs ")[1].split(" s ")[0])
    assert seconds == pytest.approx(abs(late), abs=0.2)
    assert ("behind" in remark) == (late > 0)


def test_a_plain_copy_needs_no_remark(engine: Engine, samples: Path) -> None:
    kinds, words = examined(engine, samples / "captures" / "low-bitrate.mp4")
    assert (kinds, words) == ({"the-river": {"audio", "video"}}, {"the-river": []})


def test_a_dubbed_scene_is_cut_out_of_the_sound(engine: Engine, tmp_path: Path) -> None:
    sound = np.concatenate([read_sound(NIGHT, 2, 10), read_sound(HARBOUR, 5, 13), read_sound(NIGHT, 18, 26)])
    answer = engine.examine(capture(tmp_path / "scene.mp4", (NIGHT, (2, 26)), sound))
    film = next(match for match in answer.matches if match.reference.name == "night-shift.mp4")
    (replaced,) = film.replaced
    assert replaced.kind == "audio"
    assert (replaced.query_start, replaced.query_end) == pytest.approx((8, 16), abs=0.8)
    sounds = [s for s in film.segments if s.kind == "audio"]
    assert [s.query_start for s in sounds] == pytest.approx([0, 16], abs=0.8)
    assert "harbour-lights.m4a" in {match.reference.name for match in answer.matches}


@pytest.mark.parametrize("sound", [None, np.zeros(12 * RATE)], ids=["no sound", "silence"])
def test_without_sound_nothing_was_dubbed(engine: Engine, tmp_path: Path, sound: np.ndarray | None) -> None:
    answer = engine.examine(capture(tmp_path / "mute.mp4", (NIGHT, (3, 15)), sound))
    assert [(m.reference.name, m.replaced) for m in answer.matches] == [("night-shift.mp4", ())]


def test_a_film_registered_without_sound_was_not_dubbed(engine: Engine, tmp_path: Path) -> None:
    path = capture(tmp_path / "talk.mp4", (ORIGINALS / "atoll.mkv", (3, 15)), read_sound(HARBOUR, 5, 17))
    answer = engine.examine(path)
    assert {m.reference.name: m.replaced for m in answer.matches} == {
        "mute.mp4": (),
        "harbour-lights.m4a": (),
    }


def test_under_a_black_picture_the_picture_was_not_replaced(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "black.mp4"
    write(path, read_sound(NIGHT, 3, 15), [np.zeros((120, 212, 3), np.uint8)] * 12 * 24)
    answer = engine.examine(path)
    assert [(m.reference.name, m.replaced) for m in answer.matches] == [("night-shift.mp4", ())]


def with_tracks(path: Path, *sounds: np.ndarray) -> Path:
    """A file with these tracks of sound, the first of them the default."""
    with Writer(path) as writer:
        streams = [writer.sound_stream("flac", RATE, form="s16") for _ in sounds]
        for stream, sound in zip(streams, sounds, strict=True):
            writer.sound(stream, sound.astype(np.float32))
            writer.finish(stream)
    return path


def test_a_work_as_the_second_track_is_found_behind_noise(engine: Engine, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 12 * RATE)
    path = with_tracks(tmp_path / "two.mka", noise, read_sound(HARBOUR, 5, 12))
    ((segment,),) = (match["segments"] for match in plain(engine, engine.examine(path))["matches"])
    assert (segment["kind"], segment["track"], stream(segment)) == ("audio", 2, "audio, track 2")
    assert spectrogram(path, 2.0, 5.0, 2) != spectrogram(path, 2.0, 5.0)


def test_two_tracks_of_one_sound_are_told_once(engine: Engine, tmp_path: Path) -> None:
    song = read_sound(HARBOUR, 5, 12)
    (match,) = engine.examine(with_tracks(tmp_path / "twice.mka", song, 0.5 * song)).matches
    assert (len(match.segments), match.repeats) == (1, ())


def test_a_right_channel_upside_down_hides_no_song(engine: Engine, tmp_path: Path) -> None:
    song = read_sound(HARBOUR, 5, 12)
    turned = np.stack([song, -song])[:, :: RATE // 8000].astype(np.float32)
    path = wave_file(tmp_path / "inverted.wav", turned)
    assert examined(engine, path)[0] == {"harbour-lights": {"audio"}}


def test_silence_is_not_searched_for_disguises(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong time stamp can make hours of it."""
    path = wave_file(tmp_path / "silence.wav", np.zeros((1, 8000 * 200), np.float32))
    monkeypatch.setattr(search, "_excerpts", lambda _: pytest.fail("searched"))
    assert engine.examine(path).status == "no-match"
