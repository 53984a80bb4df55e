"""What a file is before a decoder sees it: nothing that plays passes for a picture, a list or a text."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fingerprint.media import MediaError, content, open_media
from tests.render import film, sound_file
from tests.test_bad_media import png, written

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(9) + b"\xff\xda\0\x08" + bytes(99)
BITMAP = b"BM" + struct.pack("<IIIIiiHH", 99, 0, 54, 40, 4, 4, 1, 24) + bytes(99)
TIFF = b"II*\0" + struct.pack("<IHHHII", 8, 1, 256, 4, 1, 16) + bytes(99)
HEIF = b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\x10meta" + bytes(8)
JUNK = np.random.default_rng(1).integers(0, 256, 16, np.uint8).tobytes()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return sound_file(tmp_path_factory.mktemp("song") / "song.mp3", "libmp3lame", 2.0).read_bytes()


@pytest.mark.parametrize("name", ["song.mp3", "letter.bin"])
@pytest.mark.parametrize(
    "front", [b"BM", b"\xff\xd8\xff\xe0", b"#EXTM3U\n", b"<smil", bytes(4096), b"Dear reader. " * 400, JUNK],
    ids=["BMP", "JPEG", "HLS", "SMIL", "zeros", "text", "junk"],
)  # fmt: skip
def test_what_stands_in_front_of_a_song_hides_it_nowhere(
    tmp_path: Path, song: bytes, front: bytes, name: str
) -> None:
    path = written(tmp_path / name, front + song)
    assert content(path) == "media"
    with open_media(path) as media:
        assert sum(map(len, media.samples())) > 15000


def test_a_film_of_a_brand_of_pictures(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    data = path.read_bytes()
    path = written(tmp_path / "film.bin", data[:8] + b"mif1" + data[12:])
    assert content(path) == "media"
    with open_media(path) as media:
        assert media.kinds == {"audio", "video"}


def test_an_mp4_that_begins_with_another_box(tmp_path: Path) -> None:
    data = film(tmp_path / "film.mp4").read_bytes()
    assert content(written(tmp_path / "film.bin", b"\0\0\0\x0cuuidabcd" + data)) == "media"


def test_a_broadcast_after_some_text(tmp_path: Path) -> None:
    data = film(tmp_path / "film.ts", 2.0).read_bytes()
    assert content(written(tmp_path / "notes", b"Dear reader. " * 400 + data)) == "media"


@pytest.mark.parametrize("picture", [JPEG, BITMAP, TIFF, HEIF, png(16, 16)])
def test_a_picture_is_one_by_a_header_that_holds_together(tmp_path: Path, picture: bytes) -> None:
    assert content(written(tmp_path / "photo.jpg", picture)) == "picture"
    assert content(written(tmp_path / "cut.jpg", picture[:4] + JUNK)) == "other"


@pytest.mark.parametrize(
    ("text", "kind"), [("#EXTM3U\n#EXTINF:2,Beyonc\xe9\na.ts\n", "list"), ("Dear reader", "other")]
)
def test_lists_and_texts(tmp_path: Path, text: str, kind: str) -> None:
    assert content(written(tmp_path / "file", text.encode("latin-1"))) == kind


def test_a_name_of_media_shows_everything_to_the_decoder(tmp_path: Path) -> None:
    for front in (
        png(16, 16),
        b"#EXTM3U\na.ts\n",
        JUNK,
        b"text" * 20_000,
        bytes(80_000),
        b"text",
        bytes(999),
    ):
        assert content(written(tmp_path / "film.mp4", front)) == "media"


def tar(folder: Path, inside: bytes) -> bytes:
    with tarfile.open(folder / "made.tar", "w") as packed:
        packed.add(written(folder / "OggS.mp3", inside), "OggS.mp3")
    return (folder / "made.tar").read_bytes()


def zipped(_: Path, inside: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("song.mp3", inside)
    return made.getvalue()


@pytest.mark.parametrize("name", ["backup", "song.mp3"])
@pytest.mark.parametrize(
    "packed",
    [tar, zipped, *(lambda _, inside, pack=pack: pack(inside) for pack in (gzip.compress, bz2.compress, lzma.compress)),
     lambda _, inside: b"Rar!\x1a\x07\x01\0" + inside, lambda _, inside: b"7z\xbc\xaf\x27\x1c" + inside,
     lambda _, inside: bytes(32768) + b"\x01CD001\x01\0" + bytes(2040) + inside],
    ids=["tar", "zip", "gzip", "bzip2", "xz", "rar", "7z", "disc"],
)  # fmt: skip
def test_an_archive_is_none_of_the_media_in_it(
    tmp_path: Path, song: bytes, name: str, packed: Callable[[Path, bytes], bytes]
) -> None:
    path = written(tmp_path / name, packed(tmp_path, song))
    for read in (content, sound):
        with pytest.raises(MediaError) as caught:
            read(path)
        assert caught.value.code == "archive" and "unpack it" in caught.value.reason


def sound(path: Path) -> int:
    with open_media(path) as media:
        return sum(map(len, media.samples()))


def test_media_that_have_an_archives_mark_further_on_are_media(tmp_path: Path, song: bytes) -> None:
    pad = b"ID3\x04\0\0\0\x02\0\0" + bytes(32769 - 10) + b"CD001" + bytes(10 + 32768 - 32774)
    assert sound(written(tmp_path / "song", pad + song)) > 15000
    header = bytearray(tar(tmp_path, song)[:512])
    header[0] ^= 1  # its checksum does not hold any more
    assert sound(written(tmp_path / "song", bytes(header) + song)) > 15000


def test_programs_and_noise_are_not_media(tmp_path: Path) -> None:
    table = b"".join(b"\xff\xff\x25" + struct.pack("<I", 8 * i) + b"\x68" + bytes(8) for i in range(4000))
    noise = np.random.default_rng(1).integers(0, 256, 1 << 16, np.uint8).tobytes()
    for data in (b"\x7fELF\0" + table, noise, b"\0" + b"G" * 60_000, b"\xff" * 60_000):
        assert content(written(tmp_path / "file", data)) == "other"
