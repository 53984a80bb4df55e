"""A first look at a capture: what it reads, what it finds, and when it does not judge."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from evidence.findings import covered
from fingerprint.media import open_media
from matching.engine import Engine
from matching.glance import APART, EVERY, HEARD, heard
from tests.render import Writer, brightness, film, moving, sound_file, steps, tone

FORMS = {"libopus": "flt", "pcm_s16le": "s16"}


def siren(path: Path, codec: str, seconds: float) -> Path:
    """A tone that rises by 20 Hz a second, so that it tells the time."""
    t = np.arange(round(seconds * 48000)) / 48000
    with Writer(path) as writer:
        stream = writer.sound_stream(codec, form=FORMS.get(codec, "fltp"))
        writer.sound(stream, (0.5 * np.sin(2 * np.pi * (300 * t + 10 * t**2))).astype(np.float32))
        writer.finish(stream)
    return path


def told(samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    """The second that the middle of the siren's sound tells."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return (float(np.argmax(spectrum)) * 8000 / len(samples) - 300) / 20


@pytest.mark.parametrize(
    ("suffix", "codec"), [("m4a", "aac"), ("mp3", "libmp3lame"), ("opus", "libopus"), ("mka", "aac"), ("wav", "pcm_s16le")]
)  # fmt: skip
def test_a_part_of_the_sound_is_that_of_its_time(tmp_path: Path, suffix: str, codec: str) -> None:
    with open_media(siren(tmp_path / f"siren.{suffix}", codec, 30.0)) as media:
        for start in (20.0, 5.0, 12.5):
            part = media.part(start, 1.0)
            assert len(part) / 8000 == pytest.approx(1.0, abs=0.2)
            assert told(part[:8000]) == pytest.approx(start + 0.5, abs=0.25)
        assert len(media.part(29.5, 4.0)) / 8000 == pytest.approx(0.5, abs=0.2)
        assert sum(map(len, media.samples())) / 8000 == pytest.approx(30.0, abs=0.2)
        assert media.warnings == ()


def test_key_frames_are_those_of_the_film(tmp_path: Path) -> None:
    with Writer(tmp_path / "film.mp4") as writer:
        pictures = writer.picture_stream("libx264", g="25", sc_threshold="0")
        writer.pictures(pictures, moving(steps(4.0)))
        writer.finish(pictures)
    with open_media(tmp_path / "film.mp4") as media:
        found = list(media.key_frames(2.0))
    assert [frame.time for frame in found] == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.05)
    assert [brightness(frame.luma) for frame in found] == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.1)


def test_a_minute_holds_a_whole_window_of_sound() -> None:
    assert EVERY + HEARD <= 60


def test_sound_is_heard_all_over_the_file(tmp_path: Path) -> None:
    with open_media(sound_file(tmp_path / "tone.wav", "pcm_s16le", 100.0, 8000, form="s16")) as media:
        starts = [start for start, _ in heard(media)]
    assert len(starts) == math.ceil(100 / EVERY)
    gaps = np.diff([-HEARD, *starts, 100.0])
    assert max(gaps) <= EVERY + HEARD


def test_short_files_and_sparse_key_frames_are_not_judged(tmp_path: Path) -> None:
    with Writer(tmp_path / "sparse.mp4") as writer:
        pictures = writer.picture_stream("libx264", g="100000", sc_threshold="0")
        writer.pictures(
            pictures, ((t, rgb) for t, (_, rgb) in zip(range(90), moving([1.0] * 90), strict=True))
        )
        writer.finish(pictures)
    with Engine(tmp_path / "data") as engine:
        assert engine.glance(film(tmp_path / "short.mp4")).unclear == "it is short"
        assert engine.glance(tmp_path / "sparse.mp4").unclear == "its key frames lie far apart"


def spliced(path: Path, parts: Iterable[np.ndarray[tuple[int], np.dtype[np.float32]]]) -> Path:
    """Sounds at 8 kHz one after the other."""
    with Writer(path) as writer:
        stream = writer.sound_stream("pcm_s16le", 8000, form="s16")
        writer.sound(stream, np.concatenate(list(parts)))
        writer.finish(stream)
    return path


def test_a_song_inside_a_long_recording_is_a_lead_and_its_absence_none(tmp_path: Path, samples: Path) -> None:
    song = samples / "originals" / "harbour-lights.m4a"
    with open_media(song) as media:
        heard_song = np.concatenate(list(media.samples()))
    with Engine(tmp_path / "data") as engine:
        reference, _ = engine.register(song)
        without = spliced(tmp_path / "without.wav", [tone(100.0)])
        assert not engine.glance(without).calls
        holding = spliced(tmp_path / "holding.wav", [tone(40.0), heard_song, tone(30.0)])
        lead = engine.glance(holding).leads[0]
    assert (lead.ref_id, lead.kind) == (reference.id, "audio")
    assert 39 <= lead.start <= 80


def test_silence_is_not_judged_at_a_glance_and_is_told_by_the_full_examination(tmp_path: Path) -> None:
    silent = spliced(tmp_path / "silent.wav", [np.zeros(100 * 8000, np.float32)])
    with Engine(tmp_path / "data") as engine:
        assert engine.glance(silent).unclear == "nothing is heard or seen in it"
        (warning,) = engine.examine(silent).warnings
    assert warning.startswith("sound: silent throughout")


@pytest.mark.parametrize(
    ("spans", "seconds"), [([], 0.0), ([(1, 3)], 2.0), ([(0, 2), (1, 3)], 3.0), ([(5, 6), (0, 9), (1, 2)], 9.0)]
)  # fmt: skip
def test_seconds_are_counted_once(spans: list[tuple[float, float]], seconds: float) -> None:
    assert covered(spans) == seconds


def test_key_frames_that_are_trusted_lie_closer_than_a_passage_is_long() -> None:
    assert APART < 60 / 3
