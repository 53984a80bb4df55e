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
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"avif")


class MediaError(Exception):
    """A file that cannot be examined.

    code    one word for programs: "not-found", "unreadable", "empty", "not-media", "refused-format",
            "still-picture", "too-large",
            "too-long", "no-streams", "truncated", "corrupt", "limit", "timeout", "decoder-crashed";
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


def refusal(name: str, head: bytes, max_pixels: int) -> MediaError | None:
    """The error of a file whose first bytes say that it is a list of other files or a still picture."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, what in _LISTS.items():
        if text[: len(mark)].lower() == mark.lower():
            return _refused(name, what)
    if text.startswith(b"<") and b"<MPD" in text:
        return _refused(name, "a DASH manifest")
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
