"""DASH manifests (ISO/IEC 23009-1) -> listings: static and live, by template (number, time, timeline), list or one file.

A manifest is XML from a stranger: a document type or an entity is refused, so is what is deep or endless.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from service.streams.addresses import shown
from service.streams.errors import StreamError
from service.streams.listing import Choice, Entry, Listing, Part, preferred

ELEMENTS, DEPTH, SEGMENTS = 200_000, 64, 200_000
_TIME = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?"
)
_FIELD = re.compile(r"\$(RepresentationID|Number|Time|Bandwidth|)(?:%0(\d{1,2})d)?\$")


@dataclass(frozen=True, slots=True)
class _Place:
    """A representation and what lies around it, outermost first."""

    period: Element
    start: float
    length: float | None
    around: tuple[Element, ...]

    @property
    def element(self) -> Element:
        return self.around[-1]


def is_manifest(head: bytes) -> bool:
    """Whether it is a DASH manifest by its first bytes."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"<") and (b"<MPD" in head or b":MPD" in head)


class Manifest:
    """A manifest, read."""

    def __init__(self, text: bytes, url: str) -> None:
        """Raises StreamError for what is none."""
        self._url, self._text = url, text
        self._root = _parse(text, url)
        if _name(self._root) != "MPD":
            raise StreamError("bad-manifest", shown(url), "is no DASH manifest")
        self.live = self._root.get("type") == "dynamic"
        self.start = _date(self._root.get("availabilityStartTime", ""))
        self.reload = min(max(duration(self._root.get("minimumUpdatePeriod", "")) or 2.0, 0.5), 10.0)

    def kinds(self) -> list[str]:
        """The kinds of tracks that there are."""
        found = {_kind(place) for place in self._places()}
        return [kind for kind in ("video", "audio") if kind in found]

    def listing(self, kind: str, now: float) -> Listing:
        """The segments of the track of a kind that can be had at a time: unix, of the server's clock.

        Raises StreamError.
        """
        entries: list[Entry] = []
        for place in self._chosen(kind):
            if any(_name(e) == "ContentProtection" for level in place.around for e in level):
                raise StreamError(
                    "encrypted", shown(self._url), f"has its {kind} enciphered: it cannot be read"
                )
            entries += self._entries(place, now)
            if len(entries) > SEGMENTS:
                raise StreamError("bad-manifest", shown(self._url), f"lists more than {SEGMENTS} segments")
        return Listing(tuple(entries), self.live, self._reload(entries), self._text)

    def _reload(self, entries: list[Entry]) -> float:
        longest = entries[-1].seconds if entries else self.reload
        return min(self.reload, max(0.5, longest / 2))

    def _chosen(self, kind: str) -> Iterator[_Place]:
        """One representation of the kind in each period."""
        periods: dict[int, list[_Place]] = {}
        for place in self._places():
            if _kind(place) == kind:
                periods.setdefault(id(place.period), []).append(place)
        for places in periods.values():
            named = {str(i): place for i, place in enumerate(places)}
            choices = [
                Choice(
                    name,
                    _number(p.element.get("bandwidth", "0")),
                    _number(_inherited(p, "height") or "0"),
                    frozenset([kind]),
                )
                for name, p in named.items()
            ]
            yield named[preferred(choices).name]

    def _places(self) -> Iterator[_Place]:
        start, whole = 0.0, duration(self._root.get("mediaPresentationDuration", ""))
        periods = [e for e in self._root if _name(e) == "Period"]
        for i, period in enumerate(periods):
            given = duration(period.get("start", ""))
            start = start if given is None else given
            following = duration(periods[i + 1].get("start", "")) if i + 1 < len(periods) else whole
            length = duration(period.get("duration", ""))
            if length is None and following is not None:
                length = following - start
            for adaptation in (e for e in period if _name(e) == "AdaptationSet"):
                for representation in (e for e in adaptation if _name(e) == "Representation"):
                    yield _Place(period, start, length, (self._root, period, adaptation, representation))
            start += length or 0.0

    def _entries(self, place: _Place, now: float) -> Iterator[Entry]:
        base = self._url
        for level in place.around:
            near = next((e.text.strip() for e in level if _name(e) == "BaseURL" and e.text), "")
            base = urljoin(base, near) if near else base
        about = _segments(place)
        if about.kind == "SegmentTemplate":
            yield from self._templated(place, about, base, now)
        elif about.kind == "SegmentList":
            yield from _listed(place, about, base)
        else:
            yield Entry(
                round(place.start * 1000), Part(base), place.length or 0.0, run=f"{place.start} {base}"
            )

    def _templated(self, place: _Place, about: "_Segments", base: str, now: float) -> Iterator[Entry]:
        media = about.attributes.get("media", "")
        if not media:
            raise StreamError("bad-manifest", shown(self._url), "has a template without media")
        given = about.attributes.get("initialization")
        head = Part(urljoin(base, _filled(given, place, 0, 0, self._url))) if given else None
        for number, time, seconds, start in self._times(place, about, now):
            url = urljoin(base, _filled(media, place, number, time, self._url))
            date = self.start + start if self.live and self.start is not None else None
            yield Entry(round(start * 1000), Part(url), seconds, head, run=f"{place.start} {head}", date=date)

    def _times(
        self, place: _Place, about: "_Segments", now: float
    ) -> Iterator[tuple[int, int, float, float]]:
        """(number, time in the track's units, seconds, seconds since the presentation's start) of what can be had."""
        scale, first, shift = about.scale, about.first, about.shift
        if about.timeline:
            for i, (time, length) in enumerate(about.timeline):
                yield first + i, time, length / scale, place.start + (time - shift) / scale
            return
        if not about.length:
            raise StreamError(
                "bad-manifest", shown(self._url), "has a template without the length of a segment"
            )
        seconds = about.length / scale
        begin, end = self._numbers(place, seconds, now)
        for i in range(begin, end):
            yield first + i, i * about.length + shift, seconds, place.start + i * seconds

    def _numbers(self, place: _Place, seconds: float, now: float) -> tuple[int, int]:
        """Of segments without a timeline, which are there: counted from 0, from and to."""
        count = math.inf if place.length is None else math.ceil(place.length / seconds - 1e-6)
        if not self.live:
            if count > SEGMENTS:
                raise StreamError("bad-manifest", shown(self._url), "does not tell how long it lasts")
            return 0, int(count)
        gone = now - (self.start or 0.0) - place.start
        depth = duration(self._root.get("timeShiftBufferDepth", "")) or 60.0
        end = int(min(max(gone / seconds, 0), count, 1e12))
        return max(0, end - min(SEGMENTS, int(depth / seconds) + 1)), end


@dataclass(frozen=True, slots=True)
class _Segments:
    """What says where the segments are: attributes and children of all levels, the inner ones first."""

    kind: str
    attributes: dict[str, str]
    timeline: tuple[tuple[int, int], ...]
    elements: tuple[Element, ...]

    @property
    def scale(self) -> int:
        return max(_number(self.attributes.get("timescale", "1")), 1)

    @property
    def first(self) -> int:
        return _number(self.attributes.get("startNumber", "1"))

    @property
    def shift(self) -> int:
        return _number(self.attributes.get("presentationTimeOffset", "0"))

    @property
    def length(self) -> int:
        return _number(self.attributes.get("duration", "0"))


def _segments(place: _Place) -> _Segments:
    kinds = ("SegmentTemplate", "SegmentList", "SegmentBase")
    found = [e for level in reversed(place.around) for e in level if _name(e) in kinds]
    kind = _name(found[0]) if found else ""
    same = [e for e in found if _name(e) == kind]
    attributes = {name: value for e in reversed(same) for name, value in e.attrib.items()}
    lines = next((t for e in same for t in e if _name(t) == "SegmentTimeline"), None)
    timeline = () if lines is None else tuple(_timeline(lines, place, attributes))
    return _Segments(kind, attributes, timeline, tuple(same))


def _timeline(lines: Element, place: _Place, attributes: dict[str, str]) -> Iterator[tuple[int, int]]:
    """(time, length) in the track's units of each segment."""
    time, made, rows = 0, 0, [e for e in lines if _name(e) == "S"]
    scale = max(_number(attributes.get("timescale", "1")), 1)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        time = _number(row.get("t", "")) if row.get("t") else time
        length, repeat = _number(row.get("d", "0")), row.get("r", "0").strip()
        if length <= 0:
            continue
        if repeat.startswith("-"):  # until the next row, or the end of the period
            shift = _number(attributes.get("presentationTimeOffset", "0"))
            last = shift + (place.length or 0.0) * scale
            until = _number(following.get("t", "0")) if following is not None else last
            count = max(1, math.ceil((until - time) / length))
        else:
            count = _number(repeat) + 1
        for _ in range(min(count, SEGMENTS + 1 - made)):
            yield time, length
            time, made = time + length, made + 1


def _listed(place: _Place, about: _Segments, base: str) -> Iterator[Entry]:
    children = [c for e in about.elements for c in e]
    begins = next((c for c in children if _name(c) == "Initialization"), None)
    head = None if begins is None else _part(begins, "sourceURL", "range", base)
    seconds = about.length / about.scale
    for i, one in enumerate(c for c in children if _name(c) == "SegmentURL"):
        start = place.start + i * seconds
        length = about.timeline[i][1] / about.scale if i < len(about.timeline) else seconds
        part = _part(one, "media", "mediaRange", base)
        # Without lengths the order alone is known.
        order = round(start * 1000) if seconds else round(place.start * 1000) + i
        yield Entry(order, part, length, head, run=f"{place.start} {head}")


def _part(element: Element, where: str, extent: str, base: str) -> Part:
    first, dash, last = element.get(extent, "").partition("-")
    found = (_number(first), _number(last) - _number(first) + 1) if dash else None
    return Part(urljoin(base, element.get(where, "")) if element.get(where) else base, found)


def _filled(template: str, place: _Place, number: int, time: int, url: str) -> str:
    values = {
        "RepresentationID": place.element.get("id", ""),
        "Bandwidth": place.element.get("bandwidth", ""),
        "Number": str(number),
        "Time": str(time),
        "": "$",
    }
    if len(template) > 4096:
        raise StreamError("bad-manifest", shown(url), "has a template of more than 4096 characters")
    return _FIELD.sub(lambda found: values[found[1]].zfill(int(found[2] or 0)), template)


def _kind(place: _Place) -> str:
    said = (_inherited(place, "contentType"), _inherited(place, "mimeType"))
    return next((text.split("/")[0] for text in said if text.split("/")[0] in ("audio", "video")), "")


def _inherited(place: _Place, name: str) -> str:
    return next((e.get(name, "") for e in reversed(place.around[2:]) if e.get(name)), "")


def _name(element: Element) -> str:
    return element.tag.rpartition(" ")[2]


def duration(text: str) -> float | None:
    """Seconds of an ISO 8601 duration; None where it is none."""
    found = _TIME.fullmatch(text.strip()[:80]) if text else None
    if not found:
        return None
    units = (31_556_952, 2_629_746, 86_400, 3600, 60, 1)
    return float(sum(float(value or 0) * unit for value, unit in zip(found.groups(), units, strict=True)))


def _number(text: str) -> int:
    """A whole number that fits into 63 bits, exactly: times count ten millionths of seconds since 1970; else 0."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 18 else 0


def _date(text: str) -> float | None:
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()


def _parse(text: bytes, url: str) -> Element:
    """The tree of an XML document without a document type; raises StreamError."""
    builder, parser = TreeBuilder(), expat.ParserCreate(namespace_separator=" ")
    depth = count = 0

    def refuse(*_: object) -> None:
        raise StreamError("bad-manifest", shown(url), "has a document type or entities, which are refused")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > DEPTH or count > ELEMENTS:
            raise StreamError("bad-manifest", shown(url), "has too many elements, or too deep ones")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(text, True)
        return builder.close()
    except (expat.ExpatError, ValueError, AssertionError) as error:
        raise StreamError("bad-manifest", shown(url), f"is no XML ({error})") from None
