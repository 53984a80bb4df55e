"""HLS playlists (RFC 8216) -> listings. Parsing is linear in the text, and every number in it is somebody's claim."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin

from service.streams.addresses import shown
from service.streams.errors import StreamError
from service.streams.listing import Choice, Cipher, Entry, Extent, Listing, Part, preferred

LINES, SEGMENTS = 400_000, 50_000  # of a list: more than a day of 2 s each
LONGEST = 600.0  # seconds of a segment
# A name begins where the one before ended: else a long one would be tried from each of its letters on.
_ATTRIBUTE = re.compile(r'(?:^|,)\s*([A-Z0-9-]+)=("[^"]*"|[^",]*)')

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Master:
    """The versions of a stream, and the one that is read: its playlist and, where its sound is apart, that one's."""

    versions: tuple[str, ...]
    chosen: str
    sound: str = ""


def is_playlist(head: bytes) -> bool:
    """Whether it is an HLS playlist by its first bytes."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:7] == b"#EXTM3U"


def master(text: bytes, url: str) -> Master | None:
    """What a master playlist offers; None for a media playlist. Raises StreamError."""
    if b"#EXT-X-STREAM-INF" not in text:
        return None
    lines = list(_lines(text, url))
    choices: list[Choice] = []
    sounds: dict[str, list[Attributes]] = {}
    group: dict[str, str] = {}
    for place, (tag, value) in enumerate(lines):
        if tag == "EXT-X-MEDIA":
            media = attributes(value)
            if media.get("TYPE") == "AUDIO":
                sounds.setdefault(media.get("GROUP-ID", ""), []).append(media)
        elif tag == "EXT-X-STREAM-INF" and place + 1 < len(lines) and not lines[place + 1][0]:
            about, where = attributes(value), urljoin(url, lines[place + 1][1])
            choices.append(_choice(about, where))
            group.setdefault(where, about.get("AUDIO", ""))
    if not choices:
        return None
    chosen = preferred(choices).name
    return Master(tuple(c.name for c in choices), chosen, _sound(sounds.get(group[chosen], []), url))


def _choice(about: Attributes, where: str) -> Choice:
    height = about.get("RESOLUTION", "").partition("x")[2]
    codecs = about.get("CODECS", "").lower()
    pictures = not codecs or any(
        mark in codecs for mark in ("avc", "hvc", "hev", "av01", "vp0", "vp9", "mp4v")
    )
    kinds = frozenset(["audio", "video"] if pictures or height else ["audio"])
    return Choice(where, _number(about.get("BANDWIDTH", "")), _number(height), kinds)


def _sound(renditions: list[Attributes], url: str) -> str:
    """Where the sound's own playlist lies; empty where the sound comes with the pictures."""
    apart = [r for r in renditions if "URI" in r]
    if not apart or len(apart) < len(renditions):
        return ""
    best = max(apart, key=lambda r: (r.get("DEFAULT") == "YES", r.get("AUTOSELECT") == "YES"))
    return urljoin(url, best["URI"])


@dataclass(slots=True)
class _State:
    """What the tags read so far say about the next segment."""

    url: str
    order: int = 0
    part: int = 0
    seconds: float | None = None
    extent: str = ""
    ends: dict[str, int] = field(default_factory=dict)
    head: Part | None = None
    head_cipher: Cipher | None = None
    key: Attributes = field(default_factory=dict)
    missing: bool = False
    date: float | None = None


def media(text: bytes, url: str) -> Listing:
    """The listing of a media playlist. Raises StreamError."""
    state, entries = _State(url), list[Entry]()
    target, live = 0.0, True
    for tag, value in _lines(text, url):
        if not tag:
            if len(entries) == SEGMENTS:
                raise StreamError("bad-playlist", shown(url), f"lists more than {SEGMENTS} segments")
            entries.append(_entry(state, value))
        elif tag == "EXT-X-ENDLIST":
            live = False
        elif tag == "EXT-X-TARGETDURATION":
            target = _seconds(value, url)
        else:
            _note(state, tag, value)
    if not entries and not target:
        raise StreamError("bad-playlist", shown(url), "lists no segments and no target duration")
    target = target or max(e.seconds for e in entries)
    return Listing(tuple(entries), live, min(max(target / 2, 0.5), 5.0), text)


def _note(state: _State, tag: str, value: str) -> None:
    match tag:
        case "EXTINF":
            state.seconds = _seconds(value.partition(",")[0], state.url)
        case "EXT-X-MEDIA-SEQUENCE":
            state.order = _number(value)
        case "EXT-X-DISCONTINUITY-SEQUENCE":
            state.part = _number(value)
        case "EXT-X-DISCONTINUITY":
            state.part += 1
        case "EXT-X-BYTERANGE":
            state.extent = value
        case "EXT-X-GAP":
            state.missing = True
        case "EXT-X-KEY":
            state.key = _key(attributes(value), state.url)
        case "EXT-X-MAP":
            _map(state, attributes(value))
        case "EXT-X-PROGRAM-DATE-TIME":
            state.date = _date(value)
        case "EXT-X-DEFINE":
            raise StreamError("unsupported", shown(state.url), "defines variables, which are not read here")


def _map(state: _State, about: Attributes) -> None:
    if "URI" not in about:
        raise StreamError("bad-playlist", shown(state.url), "has an EXT-X-MAP without a URI")
    where = urljoin(state.url, about["URI"])
    extent = _extent(about["BYTERANGE"], state, where) if "BYTERANGE" in about else None
    state.head, state.head_cipher = Part(where, extent), _cipher(state)


def _entry(state: _State, line: str) -> Entry:
    if state.seconds is None:
        raise StreamError("bad-playlist", shown(state.url), "lists a segment without its length")
    where = urljoin(state.url, line)
    extent = _extent(state.extent, state, where) if state.extent else None
    run = f"{state.part} {state.head}"
    made = Entry(
        state.order,
        Part(where, extent),
        state.seconds,
        state.head,
        state.head_cipher,
        _cipher(state),
        run,
        state.missing,
        state.date,
    )
    state.date = None if state.date is None else state.date + state.seconds
    state.order, state.seconds, state.extent, state.missing = state.order + 1, None, "", False
    return made


def _extent(text: str, state: _State, where: str) -> Extent:
    """ "length[@first]"; without the first byte it follows the part before of the same resource."""
    length, _, first = text.partition("@")
    size, start = _number(length), _number(first) if first else state.ends.get(where, 0)
    if size <= 0:
        raise StreamError("bad-playlist", shown(state.url), f"asks for the bytes {text[:40]!r}")
    state.ends[where] = start + size
    return start, size


def _key(about: Attributes, url: str) -> Attributes:
    method = about.get("METHOD", "")
    if method == "NONE":
        return {}
    known = method == "AES-128" and about.get("KEYFORMAT", "identity") == "identity" and "URI" in about
    if not known:
        raise StreamError(
            "encrypted", shown(url), f"is enciphered by {method[:40] or 'something'} and cannot be read"
        )
    return about


def _cipher(state: _State) -> Cipher | None:
    """Without an IV of its own a segment has its number for one."""
    if not state.key:
        return None
    text = state.key.get("IV", "")
    try:
        iv = bytes.fromhex(text[2:].zfill(32)) if text else state.order.to_bytes(16, "big")
    except (ValueError, OverflowError):
        iv = b""
    if len(iv) != 16:
        raise StreamError("bad-playlist", shown(state.url), f"has the IV {text[:40]!r}")
    return Cipher(urljoin(state.url, state.key["URI"]), iv)


def attributes(text: str) -> Attributes:
    """An attribute list, quotes removed."""
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}


def _lines(text: bytes, url: str) -> Iterator[tuple[str, str]]:
    """(tag, its value) of each tag, ("", URI) of each URI; comments left out."""
    if not is_playlist(text):
        raise StreamError("bad-playlist", shown(url), "is no HLS playlist")
    try:
        lines = text.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise StreamError("bad-playlist", shown(url), "is not written in UTF-8") from None
    if len(lines) > LINES:
        raise StreamError("bad-playlist", shown(url), f"has more than {LINES} lines")
    for line in map(str.strip, lines):
        if line.startswith("#EXT"):
            tag, _, value = line[1:].partition(":")
            yield tag, value.strip()
        elif line and not line.startswith("#"):
            yield "", line


def _number(text: str) -> int:
    """A whole number that fits into 63 bits; 0 for anything else."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 18 else 0


def _seconds(text: str, url: str) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST:
        raise StreamError("bad-playlist", shown(url), f"has a segment of {text.strip()[:40]!r} seconds")
    return value


def _date(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
