"""The split: what is registered, what is a stranger, what is asked for; and the queries' files."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import renders
from benchmarks.audio_attacks import RATE
from benchmarks.corpus import (
    SAME,
    Title,
    interfering,
    media_folder,
    originals,
    registered,
    same,
    seeded,
    strangers,
    titles,
)
from benchmarks.files import read_pictures, read_sound, write_mp4, write_opus, write_wav
from training.split import held_out


def imagined() -> list[Title]:
    """Twenty titles of each of forty sources."""
    kinds = ("audio", "video")
    return [
        Title(f"{kind}/{s}-{i}.bin", kind, f"source/{s}", 10.0)
        for kind in kinds
        for s in range(40)
        for i in range(20)
    ]


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_no_title_is_both_registered_and_a_stranger(kind: str) -> None:
    unknown = {title.file for title in strangers(imagined(), kind)}
    known = {title.file for title in registered(imagined()) if title.kind == kind}
    assert not unknown & known
    assert unknown | known == {title.file for title in imagined() if title.kind == kind}


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_queries_come_from_sources_that_no_model_has_seen(kind: str) -> None:
    asked = [*originals(imagined(), kind), *strangers(imagined(), kind)]
    assert asked and all(held_out(kind, title.source) for title in asked)


def test_two_in_five_of_the_held_out_titles_are_strangers() -> None:
    unknown = strangers(imagined(), "audio")
    known = originals(imagined(), "audio")
    assert len(unknown) / (len(unknown) + len(known)) == pytest.approx(0.4, abs=0.06)


def test_a_fifth_of_the_speech_is_a_stranger_though_the_model_heard_it() -> None:
    speech = [Title(f"audio/{i}.opus", "audio", "someone/poems_librivox", 60.0) for i in range(200)]
    assert len(strangers(speech, "audio")) == pytest.approx(40, abs=15)
    assert originals(speech, "audio") == [] or held_out("audio", "someone/poems_librivox")


def test_a_twin_of_a_stranger_is_not_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown, known = strangers(imagined(), "audio")[0], registered(imagined())[0]
    monkeypatch.setattr("benchmarks.corpus.SAME", (frozenset({unknown.file, known.file}),))
    assert known not in registered(imagined())


def test_what_is_heard_over_a_copy_is_in_no_catalog_nor_of_its_source() -> None:
    speech = [Title(f"audio/{i}.opus", "audio", "someone/poems_librivox", 60.0) for i in range(20)]
    everything, source = imagined() + speech, strangers(imagined(), "audio")[0].source
    music, readers = (interfering(everything, what, source) for what in ("music", "speech"))
    assert music and readers and not {*music, *readers} & set(registered(everything))
    assert set(readers) <= set(speech) and source not in {title.source for title in music}


def test_a_file_is_the_same_as_itself_and_as_those_of_its_group() -> None:
    assert same("a", "a") and not same("a", "b")
    assert all(same(one, other) for group in SAME for one in group for other in group)


def test_the_manifest_is_read_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHORL_MEDIA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="set WHORL_MEDIA"):
        media_folder()
    row = "audio/a.opus,audio,someone/songs,12.5\n"
    (tmp_path / "MANIFEST.csv").write_text(f"file,kind,repo,seconds\n{row}{row}")
    assert titles(media_folder()) == [Title("audio/a.opus", "audio", "someone/songs", 12.5)]


@pytest.mark.parametrize("name", renders.SOUNDS)
def test_rendered_sounds_come_out_the_same_again(name: str) -> None:
    render = renders.SOUNDS[name]
    sound = render(5.0, seeded(name))
    assert len(sound) == 5 * RATE and sound.dtype == np.float32
    assert 0 < np.abs(sound).max() <= 1.5
    assert np.array_equal(sound, render(5.0, seeded(name)))
    assert not np.array_equal(sound, render(5.0, seeded(name, "other")))


@pytest.mark.parametrize("name", renders.SCENES)
def test_rendered_scenes_come_out_the_same_again(name: str) -> None:
    shown = [list(renders.shots(renders.SCENES[name](seeded(name)), 0.2)) for _ in range(2)]
    assert len(shown[0]) == 5
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(*shown, strict=True))


def test_sound_that_is_written_is_read_in_its_place(tmp_path: Path) -> None:
    sound = np.zeros(2 * RATE, np.float32)
    sound[RATE : RATE + 800] = np.sin(np.arange(800) * 0.4) * 0.5
    write_wav(tmp_path / "a.wav", sound)
    write_opus(tmp_path / "a.opus", sound, 32000)
    for name in ("a.wav", "a.opus"):
        heard = read_sound(tmp_path / name)
        assert len(heard) == pytest.approx(len(sound), abs=RATE // 10)
        assert np.flatnonzero(np.abs(heard) > 0.2)[0] == pytest.approx(RATE, abs=RATE // 100)


def test_pictures_that_are_written_are_read_in_their_time(tmp_path: Path) -> None:
    grey = [(k / 10, np.full((50, 80, 3), 20 * k, np.uint8)) for k in range(10)]
    write_mp4(tmp_path / "a.mp4", grey, 23)
    shown = read_pictures(tmp_path / "a.mp4", 24, 0.0, 2.0)
    assert [time for time, _ in shown] == pytest.approx([time for time, _ in grey])
    assert {picture.shape for _, picture in shown} == {(24, 38, 3)}
    assert len(read_pictures(tmp_path / "a.mp4", 24, 0.25, 0.55)) == 3
    assert all(abs(float(picture.mean()) - 20 * k) < 4 for k, (_, picture) in enumerate(shown))
