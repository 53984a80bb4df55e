"""Damage that decoders pass over in silence: stretches that give nothing are told, and pauses that are meant are not."""

from __future__ import annotations  # the decoder library's generic types exist in its stubs alone

from pathlib import Path

import av
import pytest

from fingerprint.media import open_media
from matching.engine import Engine
from tests.render import Writer, moving, steps, tone

SECONDS = 8.0


def warnings(path: Path) -> tuple[str, ...]:
    """What is told of a file that was read whole."""
    with open_media(path) as media:
        for kind, chunks in (("audio", media.samples), ("video", lambda: media.frames(4))):
            if kind in media.kinds:
                assert list(chunks())
        return media.warnings


def sound(path: Path, *parts: tuple[float, float]) -> Path:
    """Tones from one time to another."""
    with Writer(path) as writer:
        stream = writer.sound_stream("pcm_s16le", 8000, form="s16")
        for start, end in parts:
            writer.sound(stream, tone(end - start), start)
        writer.finish(stream)
    return path


def pictures(path: Path, times: list[float], **options: str) -> Path:
    with Writer(path) as writer:
        stream = writer.picture_stream("libx264", 320, 240, **options)
        noisy = moving([0.02 * (i % 200) for i in range(len(times))], 320, 240)
        writer.pictures(stream, [(time, rgb) for time, (_, rgb) in zip(times, noisy, strict=True)])
        writer.finish(stream)
    return path


def without_its_beginning(path: Path, into: Path) -> Path:
    """The same packets but for the first, to which all others refer up to the next key frame."""
    with av.open(str(path)) as whole, av.open(str(into), "w") as cut:
        stream = cut.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if number and packet.size:
                packet.stream = stream
                cut.mux(packet)
    return into


def test_sound_that_is_missing_in_the_middle_is_told(tmp_path: Path) -> None:
    (told,) = warnings(sound(tmp_path / "cut.mkv", (0, 2), (6, SECONDS)))
    assert told == "sound: nothing between 2.0 and 6.0 s, 4.0 s missing in all"


def test_sound_that_pauses_shortly_is_whole(tmp_path: Path) -> None:
    assert warnings(sound(tmp_path / "sound.mkv", (0, 3), (4, SECONDS))) == ()


def test_sound_that_begins_later_than_pictures_is_whole(tmp_path: Path) -> None:
    with Writer(tmp_path / "film.mkv") as writer:
        shown, heard = writer.picture_stream("libx264"), writer.sound_stream("pcm_s16le", 8000, form="s16")
        writer.pictures(shown, moving(steps(4)))
        writer.sound(heard, tone(1.0), 3.0)
        writer.finish(shown, heard)
    assert warnings(tmp_path / "film.mkv") == ()


def test_pictures_that_nothing_can_be_seen_of_are_told(tmp_path: Path) -> None:
    whole = pictures(
        tmp_path / "whole.mkv", steps(SECONDS), g="125", keyint_min="125", sc_threshold="0", qp="1", bf="0"
    )
    (told,) = warnings(without_its_beginning(whole, tmp_path / "cut.mkv"))
    assert told.startswith("pictures: nothing between 0.0 and 5.0 s")


@pytest.mark.parametrize(
    "times",
    [[0.0, 10.0, 20.0, 21.0], [*steps(2), *(10 + t for t in steps(2))]],
    ids=["slides", "a frame rate that varies"],
)
@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_pictures_that_lie_far_apart_are_whole(tmp_path: Path, times: list[float], suffix: str) -> None:
    assert warnings(pictures(tmp_path / f"film.{suffix}", times)) == ()


def test_what_is_missing_and_holds_nothing_else_is_no_miss(tmp_path: Path) -> None:
    path = sound(tmp_path / "cut.mkv", (0, 2), (6, SECONDS))
    with Engine(tmp_path / "data") as engine:
        answer = engine.examine(path)
    assert answer.error is not None and answer.error.code == "damaged"
    assert "nothing between 2.0 and 6.0 s" in answer.error.message
