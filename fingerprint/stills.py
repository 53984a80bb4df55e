"""Still pictures, by a header that holds together: two magic bytes are no proof, and films hide behind them."""

import re
import struct
from collections.abc import Callable

Read = Callable[[int, int], bytes]  # offset, size -> the bytes there, fewer at the end of the file

_BRANDS = (b"heic", b"heix", b"mif1", b"avif")
_PORTABLE = re.compile(rb"P[56]\s(\s*#[^\n]*\n)*\s*\d+\s(\s*#[^\n]*\n)*\s*\d+\s(\s*#[^\n]*\n)*\s*\d+\s")
_BITMAPS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes of the second header of a BMP
_SEGMENTS = 64  # of a JPEG that are looked at, boxes of an MP4 likewise


def still(read: Read) -> str | None:
    """The name of the format of a still picture; None for anything else. Animated GIF is none."""
    head = read(0, 64)
    return next(
        (kind for kind, (mark, holds) in _KINDS.items() if head.startswith(mark) and holds(read)), None
    )


def boxes(read: Read) -> list[bytes]:
    """The kinds of the boxes of an MP4 and its like, from the first on, as far as they follow each other."""
    found: list[bytes] = []
    place = 0
    while len(found) < _SEGMENTS and len(head := read(place, 16)) >= 8:
        size = int.from_bytes(head[:4])
        size = int.from_bytes(head[8:16]) if size == 1 else size
        found.append(head[4:8])
        if size < 8:
            break  # 0: up to the end of the file
        place += size
    return found


def _jpeg(read: Read) -> bool:
    """Whether segments follow each other up to the picture's data."""
    place = 2
    for _ in range(_SEGMENTS):
        head = read(place, 4)
        if len(head) < 4 or head[0] != 0xFF or not 0xC0 <= head[1] <= 0xFE or 0xD0 <= head[1] <= 0xD9:
            return False
        if head[1] == 0xDA:
            return True
        place += 2 + int.from_bytes(head[2:4])
    return True


def _tiff(read: Read) -> bool:
    """Whether the first directory is there and its first field is of a known type."""
    order: str = "<" if read(0, 1) == b"I" else ">"
    (place,) = struct.unpack(order + "I", read(4, 4).ljust(4, b"\0"))
    directory = read(place, 14) if place >= 8 else b""
    if len(directory) < 14:
        return False
    count, tag, kind = struct.unpack_from(order + "3H", directory)
    return bool(0 < count < 1024 and tag >= 0xFE and 0 < kind <= 13)


def _bmp(read: Read) -> bool:
    head = read(0, 18)
    return len(head) == 18 and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BITMAPS


def _gif(read: Read) -> bool:
    head = read(0, 4096)
    return head[:6] in (b"GIF87a", b"GIF89a") and b"NETSCAPE2.0" not in head


def _webp(read: Read) -> bool:
    return read(8, 7) == b"WEBPVP8"


def _heif(read: Read) -> bool:
    """Whether it is of a brand of pictures and has no index of films: a film may claim such a brand."""
    return read(4, 4) == b"ftyp" and read(8, 4) in _BRANDS and not {b"moov", b"moof"} & set(boxes(read))


_KINDS: dict[str, tuple[bytes | tuple[bytes, ...], Callable[[Read], bool]]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n", lambda read: read(8, 8) == b"\0\0\0\rIHDR"),
    "JPEG": (b"\xff\xd8\xff", _jpeg),
    "BMP": (b"BM", _bmp),
    "TIFF": ((b"II*\0", b"MM\0*"), _tiff),
    "Photoshop": (b"8BPS", lambda read: read(4, 8) in (b"\0\1" + bytes(6), b"\0\2" + bytes(6))),
    "PGM or PPM": ((b"P5", b"P6"), lambda read: _PORTABLE.match(read(0, 1024)) is not None),
    "GIF": (b"GIF8", _gif),
    "WebP": (b"RIFF", _webp),
    "HEIF": (b"", _heif),
}  # fmt: skip
