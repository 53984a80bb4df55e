"""The fetcher: the only thing here that touches the network. Whatever a stream names comes through it, or not at all."""

import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.streams.addresses import Addresses, Target, shown
from service.streams.errors import StreamError
from service.streams.transport import Exchange

PIECE = 1 << 16
MOVED = (301, 302, 303, 307, 308)
_SECRET = {"set-cookie", "authorization", "cookie", "proxy-authorization"}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What fetching may cost.

    redirects  followed for one URL
    playlist   bytes of a playlist, a manifest or a key
    segment    bytes of a segment
    seconds    until a playlist or a segment must be whole
    patience   seconds that an endless source may pause
    reload     seconds at most between two looks at a live list
    """

    redirects: int = 5
    playlist: int = 8 << 20
    segment: int = 256 << 20
    seconds: float = 30.0
    patience: float = 15.0
    reload: float = 2.0


@dataclass(frozen=True, slots=True)
class Record:
    """What was asked and answered, for the evidence: times are UTC, ``addresses`` those that were connected to, in order."""

    url: str
    final: str
    addresses: tuple[str, ...]
    status: int
    headers: tuple[tuple[str, str], ...]
    asked: datetime
    answered: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole body and how it was got. ``url`` is where it came from in the end: what it names is relative to that."""

    url: str
    body: bytes = field(repr=False)
    record: Record

    @property
    def kind(self) -> str:
        """Its media type as the server names it, in small letters without parameters."""
        return media_type(self.record)


def media_type(record: Record) -> str:
    """The media type of an answer, in small letters without parameters."""
    given = next((value for name, value in record.headers if name.lower() == "content-type"), "")
    return given.split(";")[0].strip().lower()


class Opened:
    """An answer whose body is read as it comes. Close it."""

    def __init__(self, target: Target, exchange: Exchange, record: Record) -> None:
        self.target, self.record = target, record
        self._exchange = exchange

    def header(self, name: str) -> str:
        """A header's value, empty where there is none."""
        return self._exchange.header(name)

    def endless(self, patience: float) -> None:
        """The body may last for ever, with pauses of at most ``patience`` seconds."""
        self._exchange.endless(patience)

    def read(self, size: int = PIECE) -> bytes:
        """What comes next; empty at the end. Raises StreamError."""
        return self._exchange.read(size)

    def close(self) -> None:
        """Ends the connection."""
        self._exchange.close()


class Fetcher:
    """Gets what a stream names: each URL and each redirect is checked before anything connects."""

    def __init__(
        self,
        addresses: Addresses,
        allowance: Allowance | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """``context`` says whose certificates are trusted: the system's unless given."""
        self.addresses, self.allowance = addresses, allowance or Allowance()
        self._context = context

    def open(self, url: str, headers: dict[str, str] | None = None, accept: tuple[int, ...] = ()) -> Opened:
        """The answer to a GET, redirects followed. Raises StreamError, for any status but 200 and ``accept`` too."""
        asked, began, passed = url, datetime.now(UTC), list[str]()
        deadline = time.monotonic() + self.allowance.seconds
        target = self.addresses.target(url)
        for _ in range(self.allowance.redirects + 1):
            passed.append(target.address)
            left = deadline - time.monotonic()
            exchange = Exchange(target, headers or {}, max(left, 0.001), self._context)
            if exchange.status not in MOVED:
                record = self._record(asked, target, passed, exchange, began)
                return self._taken(Opened(target, exchange, record), accept)
            place = exchange.header("Location")
            exchange.close()
            target = self._moved(target, place)
        raise StreamError("redirects", shown(url), f"redirects more than {self.allowance.redirects} times")

    def get(self, url: str, most: int, extent: tuple[int, int] | None = None) -> Fetched:
        """A whole body of at most ``most`` bytes; of it, only those of ``extent`` (first, length). Raises StreamError."""
        ranged = {"Range": f"bytes={extent[0]}-{extent[0] + extent[1] - 1}"} if extent else {}
        opened = self.open(url, ranged, accept=(206,) if extent else ())
        try:
            body = self._whole(opened, most, extent)
        finally:
            opened.close()
        return Fetched(opened.target.url, body, opened.record)

    def _whole(self, opened: Opened, most: int, extent: tuple[int, int] | None) -> bytes:
        name = shown(opened.target.url)
        encoding = opened.header("Content-Encoding").lower()
        if encoding not in ("", "identity"):
            raise StreamError("bad-answer", name, f"is encoded as {encoding}, which was not asked for")
        # A server that knows no ranges sends all of it.
        skip, size = extent if extent and opened.record.status == 200 else (0, extent[1] if extent else most)
        body = bytearray()
        while len(body) < skip + size and (piece := opened.read()):
            body += piece
            if len(body) > max(most, 0):
                raise StreamError("too-large", name, f"is larger than {most} bytes")
        if not extent and len(body) >= most and opened.read():
            raise StreamError("too-large", name, f"is larger than {most} bytes")
        whole = bytes(body[skip : skip + size])
        promised = opened.header("Content-Length")
        if not extent and promised.isdecimal() and len(body) < int(promised):
            raise StreamError("unreachable", name, f"breaks off after {len(body)} of {promised} bytes")
        if extent and len(whole) < size:
            raise StreamError("bad-answer", name, f"gives {len(whole)} of the {size} bytes asked for")
        return whole

    def _moved(self, target: Target, place: str) -> Target:
        if not place:
            raise StreamError("bad-answer", shown(target.url), "redirects to nowhere")
        return self.addresses.target(place, base=target.url)

    def _record(
        self, asked: str, target: Target, passed: list[str], exchange: Exchange, began: datetime
    ) -> Record:
        headers = tuple((n, v) for n, v in exchange.headers if n.lower() not in _SECRET)
        return Record(asked, target.url, tuple(passed), exchange.status, headers, began, datetime.now(UTC))

    def _taken(self, opened: Opened, accept: tuple[int, ...]) -> Opened:
        if opened.record.status in (200, *accept):
            return opened
        opened.close()
        code = "gone" if opened.record.status in (404, 410) else "status"
        raise StreamError(code, shown(opened.target.url), f"answers with status {opened.record.status}")
