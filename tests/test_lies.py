"""Disks that fail, files that change, and headers and time stamps that tell what is not so."""

import errno
import os
from pathlib import Path

import pytest

from fingerprint.decoding.container import File, RefusedError
from fingerprint.media import Limits, MediaError, content, sha256, unchanged
from tests.render import Writer, film, moving, tone
from tests.test_bad_media import read, refused, written


def test_a_read_error_is_an_error_of_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "film.mp4")

    def failing(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", failing)
    for reading in (read, content):
        with pytest.raises(MediaError, match=r"film\.mp4: cannot be read: Input/output error"):
            reading(path)


SPEED = Path("/sys/class/net/lo/speed")  # says that it holds 4096 bytes, and gives none


@pytest.mark.skipif(not SPEED.exists(), reason="needs a file that opens and cannot be read")
def test_a_disk_that_fails_is_noticed_while_hashing_and_in_the_child() -> None:
    with pytest.raises(MediaError, match="speed: cannot be read: Invalid argument"):
        sha256(SPEED)
    descriptor = os.open(SPEED, os.O_RDONLY)
    with pytest.raises(RefusedError, match="cannot be read"):
        File(descriptor).read(100)
    os.close(descriptor)


def test_pictures_whose_size_no_header_tells(tmp_path: Path) -> None:
    """The film says 16 x 16 and grows."""
    with Writer(tmp_path / "grows.mkv") as writer:
        stream = writer.picture_stream("mjpeg", form="yuvj420p")
        writer.pictures(stream, moving([0.0]))
        writer.finish(stream)
    data = (tmp_path / "grows.mkv").read_bytes()
    place = data.index(b"\xb0\x81\x40")  # the elements PixelWidth and PixelHeight, of a byte each
    small = data[: place + 2] + b"\x01" + data[place + 3 :]
    place = small.index(b"\xba\x81\x30", place)
    path = written(tmp_path / "small.mkv", small[: place + 2] + b"\x01" + small[place + 3 :])
    error = refused(path, Limits(max_pixels=1000))
    assert (error.code, "64 x 48" in error.reason) == ("too-large", True)


def test_a_time_stamp_far_ahead_is_damage_and_no_silence(tmp_path: Path) -> None:
    with Writer(tmp_path / "leap.mka") as writer:
        stream = writer.sound_stream("flac", 48000, form="s16")
        writer.sound(stream, tone(2, rate=48000))
        writer.sound(stream, tone(1, rate=48000), start=70_000)
        writer.finish(stream)
    samples, _, warnings = read(tmp_path / "leap.mka")
    assert samples == pytest.approx(24000, abs=2000)
    assert any("wrong time stamp" in warning for warning in warnings)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "growing.mp4", b"beginning")
    with pytest.raises(MediaError, match=r"growing\.mp4: was changed while it was read"), unchanged(path):
        path.write_bytes(b"beginning and end")
    with unchanged(path):
        sha256(path)
