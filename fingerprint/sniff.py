"""What can be said about a file before any decoder sees it, and the one kind of error of reading media."""

import os
import stat
import struct
from pathlib import Path

_LISTS = {
    b"#EXTM3U": "an HLS playlist",
    b"ffconcat version": "an ffconcat script",
    b"[playlist]": "a playlist (PLS)",
    b"<smil": "a SMIL playlist",
    b"<asx": "an ASX playlist",
    b"v=0\r\n": "a session description (SDP)",
    b"v=0\n": "a session description (SDP)",
}
_STILLS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"8BPS": "Photoshop",
    b"P5\n": "PGM",
    b"P6\n": "PPM",
}
# Where a container's first bytes are found, and what they are; none of these begins a text.
_UNITS = (b"\x67", b"\x27", b"\x09", b"\x40\x01", b"\x46\x01")  # that begin a raw stream of H.264 or H.265
_MEDIA = (
    *((4, box) for box in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"pnot")),
    *((8, form) for form in (b"AVI ", b"AVIX", b"WAVE", b"AIFF", b"AIFC")),
    *((0, start + unit) for start in (b"\0\0\x01", b"\0\0\0\x01") for unit in _UNITS),
    *((0, mark) for mark in (
        b"\x1aE\xdf\xa3", b"OggS", b"fLaC", b"ID3", b"FLV\x01", b"caff", b".snd", b"riff.\x91\xcf\x11", b"MAC ", b"wvpk",
        b"TTA1", b"#!AMR", b"DKIF", b".RMF", b".ra\xfd", b"nut/multimedia", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        b"\x06\x0e\x2b\x34\x02\x05\x01\x01", b"\0\0\0\0\x01\xbc", b"\x1f\x07\0", b"\x0b\x77", b"\x7f\xfe\x80\x01",
        b"\0\0\x01\xba", b"\0\0\x01\xb3", b"\0\0\x01\x0f", b"\x12\0\x0a",
    )),
)  # fmt: skip
# A name never makes a file pass for something else, but what is called so and not recognised is shown to the decoder: its
# beginning may be damaged or encrypted, and that must be told.
_NAMES = {
    ".3gp", ".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".asf", ".au", ".avi", ".caf", ".dts", ".dv", ".eac3", ".flac",
    ".flv", ".gxf", ".ivf", ".m2ts", ".m2v", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg",
    ".mpg", ".mts", ".mxf", ".nut", ".oga", ".ogg", ".ogv", ".opus", ".ra", ".rm", ".rmvb", ".tta", ".vob", ".w64", ".wav",
    ".webm", ".wma", ".wmv", ".wv",
}  # fmt: skip
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"avif")


class MediaError(Exception):
    """A file that cannot be examined.

    code    one word for programs: "not-found", "unreadable", "empty", "not-media", "refused-format",
            "still-picture", "too-large",
            "too-long", "no-streams", "truncated", "corrupt", "limit", "timeout", "decoder-crashed", "crashed", "sparse";
            "damaged": read in part, and nothing was found there
    name    the file's name
    reason  what is the matter, in words that follow the name
    """

    def __init__(self, code: str, name: str, reason: str) -> None:
        super().__init__(code, name, reason)
        self.code, self.name, self.reason = code, name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def open_regular(path: Path) -> int:
    """A descriptor of ``path``, which must be a regular file that is not empty; raises ``MediaError``."""
    try:
        # Without O_NONBLOCK the opening of a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise MediaError("not-found", path.name, "no such file; check the path") from None
    except OSError as error:
        raise MediaError("unreadable", path.name, f"cannot be opened: {error.strerror}") from None
    state = os.fstat(descriptor)
    problem = None
    if not stat.S_ISREG(state.st_mode):
        what = "a folder" if stat.S_ISDIR(state.st_mode) else "a device, pipe or socket"
        problem = MediaError("unreadable", path.name, f"is {what}, not a file")
    elif state.st_size == 0:
        problem = MediaError("empty", path.name, "is empty (0 bytes); copy it again from its source")
    if problem is not None:
        os.close(descriptor)
        raise problem
    return descriptor


def content(path: Path, head: bytes) -> str:
    """What a file is by its first bytes (some 4 KiB): "media", "picture", "list" of other files, or "other"."""
    if _list(head):
        return "list"
    if not any(head) or (b"\0" not in head and _is_text(head)):
        return "other"
    if head[:4] == b"GIF8":
        return "media" if b"NETSCAPE2.0" in head else "picture"
    if _still(head):
        return "picture"
    if any(head.startswith(mark, place) for place, mark in _MEDIA) or _repeats(head):
        return "media"
    return "media" if path.suffix.lower() in _NAMES else "other"


def _repeats(head: bytes) -> bool:
    """Whether it is a stream of packets or frames that each begin with the same few bits."""
    for first, size in ((0, 188), (4, 192), (0, 204)):  # transport streams, of discs, with error correction
        if len(head) > first + 4 * size and all(head[first + i * size] == 0x47 for i in range(5)):
            return True
    second = _frame_length(head)
    return bool(second) and head[second : second + 1] == b"\xff" and bool(_frame_length(head[second:]))


_MP3_RATES = (44100, 48000, 32000)
_MP3_KBITS = {  # (version 1, layer) -> kbit/s by their code
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _frame_length(head: bytes) -> int:
    """Bytes of the frame of MPEG audio or AAC (ADTS) that begins here; 0 where none does."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    if head[1] & 0xF6 == 0xF0:
        return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, kbits, padding = head[2] >> 2 & 3, head[2] >> 4, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate == 3 or kbits in (0, 15):
        return 0
    hertz = _MP3_RATES[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    bits = 1000 * _MP3_KBITS[version == 3, layer][kbits]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def refusal(name: str, head: bytes, max_pixels: int) -> MediaError | None:
    """The error of a file whose first bytes say that it is a list of other files or a still picture."""
    what = _list(head)
    if what:
        return _refused(name, what)
    kind = _still(head)
    if kind is None:
        return None
    if kind == "PNG" and len(head) >= 24:
        width, height = struct.unpack_from(">2I", head, 16)
        if width * height > max_pixels:
            return MediaError(
                "too-large", name, f"is a picture of {width} x {height}, more than {max_pixels} pixels"
            )
    return MediaError(
        "still-picture", name, f"is a still picture ({kind}): it has no time axis; give a film or a recording"
    )


def _list(head: bytes) -> str:
    """What sort of list of other files it is; empty for anything else."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<") and b"<MPD" in text:
        return "a DASH manifest"
    return next((what for mark, what in _LISTS.items() if text[: len(mark)].lower() == mark.lower()), "")


def _refused(name: str, what: str) -> MediaError:
    return MediaError(
        "refused-format", name, f"is {what}, which points at other files; give those files themselves"
    )


def _still(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return "HEIF"
    return next((kind for mark, kind in _STILLS.items() if head.startswith(mark)), None)


def explained(error: MediaError, head: bytes) -> MediaError:
    """A better reason for "not-media" or "refused-format", where the first bytes give one."""
    if error.code not in ("not-media", "refused-format"):
        return error
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        reason = "is an MP4 without its index (moov), cut off or never finished; copy it again"
        return MediaError("truncated", error.name, reason)
    if b"\0" not in head and _is_text(head):
        return MediaError("not-media", error.name, "is text, not a media file")
    return error


def _is_text(head: bytes) -> bool:
    try:
        head[:-3].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True
