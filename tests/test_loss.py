"""What is left out of a damaged capture is weighed: a stray byte hides nothing, a few seconds may hide a work."""

from pathlib import Path

import numpy as np
import pytest

from fingerprint.media import open_media
from matching.engine import Engine
from tests.render import film, sound_file

SECONDS = 6.0
JUNK = np.random.default_rng(0).integers(0, 256, 40_000, np.uint8).tobytes()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return sound_file(tmp_path_factory.mktemp("song") / "song.mp3", "libmp3lame", SECONDS).read_bytes()


def inside(data: bytes, junk: bytes) -> bytes:
    return data[: len(data) // 2] + junk + data[len(data) // 2 :]


def lost(path: Path, data: bytes) -> tuple[float, bool]:
    """Seconds that were left out of a file, and whether they may hide a work."""
    path.write_bytes(data)
    with open_media(path) as media:
        if "audio" in media.kinds:
            assert sum(map(len, media.samples()))
        if "video" in media.kinds:
            assert len(list(media.frames(5.0)))
        assert bool(media.warnings) == bool(media.lost)
        return sum(media.lost.values()), media.damaged


def test_what_is_whole_has_lost_nothing(tmp_path: Path, song: bytes) -> None:
    assert lost(tmp_path / "song.mp3", song) == (0.0, False)


@pytest.mark.parametrize("place", ["end", "middle"])
def test_a_stray_byte_hides_nothing(tmp_path: Path, song: bytes, place: str) -> None:
    seconds, damaged = lost(tmp_path / "song.mp3", song + b"x" if place == "end" else inside(song, b"x"))
    assert 0 < seconds < 0.2 and not damaged


@pytest.mark.parametrize("junk", [bytes(40_000), JUNK], ids=["zeros", "noise"])
def test_one_packet_of_much_junk_is_as_long_as_its_bytes(tmp_path: Path, song: bytes, junk: bytes) -> None:
    seconds, damaged = lost(tmp_path / "song.mp3", inside(song, junk))
    assert seconds == pytest.approx(len(junk) * SECONDS / len(song), rel=0.2) and damaged


def test_seconds_without_packets_count_where_one_is_damaged(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "made.ts", 4.0).read_bytes())
    first, last = (188 * (len(data) * tenths // 1880) for tenths in (3, 6))
    data[first + 100 : last + 100] = b"\xff" * (last - first)
    assert lost(tmp_path / "film.ts", bytes(data))[1]


def test_a_picture_is_lost_up_to_the_next_key_frame(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "made.mp4", 4.0, movflags="faststart").read_bytes())
    start = data.index(b"mdat") + 4
    third = start + (len(data) - start) // 3
    data[third : third + 1500] = b"\xff" * 1500
    with_sound = lost(tmp_path / "film.mp4", bytes(data))
    assert with_sound[0] > 2.0 and with_sound[1]


def test_only_what_may_hide_a_work_is_an_error(tmp_path: Path, song: bytes, samples: Path) -> None:
    little, much = tmp_path / "little.mp3", tmp_path / "much.mp3"
    little.write_bytes(song + b"x")
    much.write_bytes(inside(song, bytes(40_000)))
    with Engine(tmp_path / "data") as engine:
        engine.register(samples / "originals" / "first-snow.ogg")
        few, many = engine.examine(little), engine.examine(much)
    assert (few.status, few.warnings) == ("no-match", ("sound: 1 damaged packet was left out",))
    assert many.error is not None and (many.status, many.error.code) == ("error", "damaged")
