"""What can be said about a file before any decoder sees it, and the one kind of error of reading media."""

import os
import re
import stat
import struct
from pathlib import Path

from fingerprint import packets
from fingerprint.archives import archive, disc
from fingerprint.exchange import MAGIC, MEDIA_TYPE
from fingerprint.stills import Read, boxes, still

_LISTS = {
    b"#EXTM3U": "an HLS playlist",
    b"ffconcat version": "an ffconcat script",
    b"[playlist]": "a playlist (PLS)",
    b"<smil": "a SMIL playlist",
    b"<asx": "an ASX playlist",
    b"v=0\r\n": "a session description (SDP)",
    b"v=0\n": "a session description (SDP)",
}
# Where a container's first bytes are found, and what they are; none of these begins a text.
_UNITS = (b"\x67", b"\x27", b"\x09", b"\x40\x01", b"\x46\x01")  # that begin a raw stream of H.264 or H.265
_MEDIA = (
    *((4, box) for box in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"pnot")),
    (4, b"\xf8\x72\x6f\xba"),
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
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")  # what no text holds, in whatever encoding
_BOXES = {b"moov", b"moof", b"mdat", b"ftyp"}
HEAD = 4096  # bytes that tell what most files are
FAR = 64 << 10  # bytes that are searched where something stands in front of media


class MediaError(Exception):
    """A file that cannot be examined.

    code    one word for programs: "not-found", "unreadable", "empty", "not-media", "refused-format", "archive",
            "still-picture", "too-large",
            "too-long", "no-streams", "truncated", "corrupt", "limit", "timeout", "decoder-crashed", "crashed", "sparse",
            "changed";
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


def named(path: Path) -> bool:
    """Whether it bears a name of media."""
    return path.suffix.lower() in _NAMES


def content(path: Path, read: Read) -> str:
    """What a file is: "media", "picture", "list" of other files, or "other"; ``read`` gives its bytes.

    What bears a name of media is media, whatever it holds: what the decoder cannot read is told then, and not passed
    over. Raises MediaError for an archive.
    """
    head = read(0, HEAD)
    packed = _packed(path.name, read, head)
    if packed is not None:
        raise packed
    if named(path):
        return "media"
    if _list(head):
        return "list"
    if not any(head) or is_text(head):
        return "media" if _behind(read, head) else "other"
    if head[:4] == b"GIF8" and b"NETSCAPE2.0" in head:
        return "media"
    if still(read):
        return "picture"
    if _begins(head) or packets.begins(head):
        return "media"
    return "media" if _BOXES & set(boxes(read)) or packets.holds(read(0, FAR)) else "other"


def _begins(head: bytes) -> bool:
    """Whether a container of media begins so."""
    return any(head.startswith(mark, place) for place, mark in _MEDIA)


def _behind(read: Read, head: bytes) -> bool:
    """Whether media follow a head of text or zeros."""
    far = read(0, FAR) if len(head) == HEAD else head
    return any(far) and not is_text(far) and packets.holds(far)


def _packed(name: str, read: Read, head: bytes) -> MediaError | None:
    """The error of an archive: a decoder would find pieces of what is packed there, and call the rest damage."""
    what = archive(head) or ("" if _begins(head) else disc(read))
    if not what:
        return None
    return MediaError(
        "archive", name, f"is an archive ({what}), which is not opened; unpack it and give what it holds"
    )


def refusal(name: str, read: Read, max_pixels: int) -> MediaError | None:
    """The error of a file whose first bytes say that it is an archive, a list of other files or a still picture."""
    head = read(0, HEAD)
    packed, what = _packed(name, read, head), _list(head)
    if packed is not None:
        return packed
    if what:
        return _refused(name, what)
    kind = still(read)
    if kind is None or kind == "GIF":
        return None
    if kind == "PNG":
        width, height = struct.unpack(">2I", read(16, 8).ljust(8, b"\0"))
        if width * height > max_pixels:
            return MediaError(
                "too-large", name, f"is a picture of {width} x {height}, more than {max_pixels} pixels"
            )
    return MediaError(
        "still-picture", name, f"is a still picture ({kind}): it has no time axis; give a film or a recording"
    )


def _list(head: bytes) -> str:
    """What sort of list of other files it is; empty for anything else, also for one that is no text further on."""
    if _CONTROL.search(head):
        return ""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<") and b"<MPD" in text:
        return "a DASH manifest"
    return next((what for mark, what in _LISTS.items() if text[: len(mark)].lower() == mark.lower()), "")


def _refused(name: str, what: str) -> MediaError:
    return MediaError(
        "refused-format", name, f"is {what}, which points at other files; give those files themselves"
    )


def explained(error: MediaError, head: bytes) -> MediaError:
    """A better reason for "not-media" or "refused-format", where the first bytes give one."""
    if error.code not in ("not-media", "refused-format"):
        return error
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        reason = "is an MP4 without its index (moov), cut off or never finished; copy it again"
        return MediaError("truncated", error.name, reason)
    if head.startswith(MAGIC):
        way = f"POST /v1/matches/fingerprint, Content-Type: {MEDIA_TYPE}"
        reason = f"is a fingerprint, not a media file: send it to a service ({way}), see Serve in README"
        return MediaError("not-media", error.name, reason)
    if is_text(head):
        return MediaError("not-media", error.name, "is text, not a media file")
    return error


def is_text(head: bytes) -> bool:
    """Whether it is text in UTF-8 and nothing else."""
    try:
        head[:-3].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return b"\0" not in head
