"""Sources without a list: media over HTTP and radio, a pipe, and MPEG-TS in datagrams."""

import ipaddress
import os
import select
import socket
import struct
from collections.abc import Callable, Generator, Iterator

from fingerprint.stills import boxes
from service.streams.addresses import Target, shown
from service.streams.errors import StreamError
from service.streams.fetch import Fetcher, Opened
from service.streams.piece import Clock, Item, Note, Piece
from service.streams.track import GIVE_UP, NEVER, SLOWEST, TRANSIENT

TOGETHER = 0.4  # seconds of what arrives that make a piece
LARGEST = 1 << 18  # bytes that do
SHORT = 3.0  # seconds: what lasts no longer, several times, has ended
DATAGRAM = 65536
MOST_META = 255 * 16
HEAD = 4096  # bytes that tell what something is
BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")  # with one of which an MP4 begins
TO_PIPE = "ffmpeg -i FILE -c copy -f mpegts - | whorl watch -"


class HttpSource:
    """Media over HTTP without an end in sight: a file, a recording that grows, a radio."""

    def __init__(self, fetcher: Fetcher, url: str, opened: Opened, head: bytes) -> None:
        """``opened`` is its answer, of which ``head`` was read already."""
        self._fetcher, self._url = fetcher, url
        self._opened: Opened | None = opened
        self._head = head
        self.live = not opened.header("Content-Length").isdecimal()

    def items(self, clock: Clock) -> Iterator[Item]:
        """Its pieces, over as many connections as it takes."""
        if index_behind(self._head) or (not self.live and self._head[4:8] in BOXES):
            yield self._file(clock)
            return
        failures, lost, broken = 0, 0.0, clock.now()
        some = False
        while True:
            error: StreamError | None = None
            begun = clock.now()
            try:
                if (yield from self._connection(clock, lost)):
                    return
            except StreamError as failed:
                error = failed
            if self._came:
                failures, broken, some = (0 if clock.now() - begun > SHORT else failures), clock.now(), True
            failures += 1
            if error is None and failures >= 3:
                return  # it closes every time: it has ended
            self._judge(error, clock.now() - broken, some)
            pause = min(2.0 ** (failures - 2), SLOWEST)
            yield Note("retry", f"{error or shown(self._url) + ': was closed'}; again in {pause:.1f} s")
            clock.wait(pause)
            lost = clock.now() - broken

    _came = False

    def _file(self, clock: Clock) -> Piece:
        """All of a file that may have its index at its end."""
        opened, self._opened = self._opened, None
        assert opened is not None
        opened.close()
        most = self._fetcher.allowance.segment
        fetched = self._fetcher.get(self._url, most)
        return Piece(
            "main", fetched.body, clock.wall(), True, label=self._url, record=fetched.record, whole=True
        )

    def _judge(self, error: StreamError | None, silent: float, some: bool) -> None:
        if error and (error.code not in TRANSIENT or silent > (GIVE_UP if some else NEVER)):
            raise error

    def _connection(self, clock: Clock, lost: float) -> Generator[Item, None, bool]:
        """One connection's pieces; gives whether the stream has ended for good."""
        self._came = False
        opened = self._opened or self._fetcher.open(self._url)
        head, self._head, self._opened = self._head, b"", None
        try:
            opened.endless(self._fetcher.allowance.patience)
            promised, got = opened.header("Content-Length"), 0
            strip = _stripper(opened)
            held, since, fresh = bytearray(), clock.now(), True
            while True:
                data = head or opened.read()
                head, got = b"", got + len(data)
                held += strip(data)
                if held and (not data or len(held) >= LARGEST or clock.now() - since >= TOGETHER):
                    yield Piece(
                        "main", bytes(held), clock.wall(), fresh, missing=lost if fresh else 0.0,
                        label=self._url, record=opened.record,
                    )  # fmt: skip
                    held, since, fresh, self._came = bytearray(), clock.now(), False, True
                if not data:
                    return promised.isdecimal() and got >= int(promised)
        finally:
            opened.close()

    def places(self) -> dict[str, int]:
        """It has none: what was missed is gone."""
        return {}


def _stripper(opened: Opened) -> Callable[[bytes], bytes]:
    """What takes the titles out of a radio's bytes: after every so many, their length in units of 16, and they."""
    every = opened.header("icy-metaint")
    if not (every.isdecimal() and 0 < int(every) < 1 << 24):
        return bytes
    return Icy(int(every)).strip


class Icy:
    """Takes Icecast's titles out."""

    def __init__(self, every: int) -> None:
        self._every, self._left, self._meta = every, every, 0

    def strip(self, data: bytes) -> bytes:
        """The sound alone."""
        sound, view = bytearray(), memoryview(data)
        while view:
            if self._meta:
                skipped = min(self._meta, len(view))
                view, self._meta = view[skipped:], self._meta - skipped
            elif not self._left:
                view, self._meta, self._left = view[1:], view[0] * 16, self._every
            else:
                taken = min(self._left, len(view))
                sound += view[:taken]
                view, self._left = view[taken:], self._left - taken
        return bytes(sound)


class PipeSource:
    """What another tool writes into a descriptor of ours: it waits for us."""

    live = False

    def __init__(self, descriptor: int, label: str = "-") -> None:
        self._descriptor, self._label = descriptor, label

    def items(self, clock: Clock) -> Iterator[Item]:
        """Its pieces, until the other end closes it. Raises StreamError for a file that cannot be read in one go."""
        fresh, head = True, b""
        while not clock.stopped:
            ready, _, _ = select.select([self._descriptor], [], [], TOGETHER)
            if not ready:
                continue
            data = os.read(self._descriptor, LARGEST)
            if not data:
                return
            head += data[: HEAD - len(head)]
            if index_behind(head):
                reason = (
                    f"is an MP4 with its index at its end, which cannot be read from a pipe: `{TO_PIPE}` can"
                )
                raise StreamError("unsupported", self._label, reason)
            yield Piece("main", data, clock.wall(), fresh, label=self._label)
            fresh = False

    def places(self) -> dict[str, int]:
        """It has none."""
        return {}


def index_behind(head: bytes) -> bool:
    """Whether an MP4 begins so that holds its media before it tells what they are."""
    kinds = boxes(lambda place, size: head[place : place + size]) if head[4:8] in BOXES else []
    return next((kind for kind in kinds if kind in (b"moov", b"mdat")), b"") == b"mdat"


class DatagramSource:
    """MPEG-TS in UDP datagrams, bare or in RTP, sent to an address of this machine that the operator allowed."""

    live = True

    def __init__(self, target: Target, patience: float) -> None:
        """Listens there. ``patience`` in seconds without a datagram. Raises StreamError."""
        self._target, self._patience = target, patience
        try:
            self._socket = _listening(target)
        except OSError as error:
            reason = f"cannot be listened on ({error.strerror or error})"
            raise StreamError("unreachable", shown(target.url), reason) from None

    def items(self, clock: Clock) -> Iterator[Item]:
        """Its pieces, as long as datagrams come."""
        fresh, heard = True, clock.now()
        held, since = bytearray(), clock.now()
        with self._socket:
            while not clock.stopped:
                try:
                    data = payload(self._socket.recv(DATAGRAM))
                    held, heard = held + data, clock.now()
                except TimeoutError:
                    if clock.now() - heard > self._patience:
                        raise StreamError(
                            "stalled", shown(self._target.url), f"sent nothing for {self._patience:.0f} s"
                        ) from None
                if held and (len(held) >= LARGEST or clock.now() - since >= TOGETHER):
                    yield Piece("main", bytes(held), clock.wall(), fresh, label=self._target.url)
                    held, since, fresh = bytearray(), clock.now(), False

    def places(self) -> dict[str, int]:
        """It has none."""
        return {}


def _listening(target: Target) -> socket.socket:
    address = ipaddress.ip_address(target.address)
    made = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        made.settimeout(TOGETHER)
        if address.is_multicast:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((target.address, target.port))
        if address.is_multicast and address.version == 4:
            group = struct.pack("4s4s", address.packed, bytes(4))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        elif address.is_multicast:
            made.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, address.packed + struct.pack("@I", 0)
            )
    except BaseException:
        made.close()
        raise
    return made


def payload(datagram: bytes) -> bytes:
    """The transport stream's packets in a datagram; nothing of one that holds none (RFC 3550, RFC 2250)."""
    if datagram[:1] == b"\x47":
        return datagram
    if len(datagram) < 12 or datagram[0] >> 6 != 2 or datagram[1] & 0x7F != 33:
        return b""
    start = 12 + 4 * (datagram[0] & 15)
    if datagram[0] & 0x10 and len(datagram) >= start + 4:
        start += 4 + 4 * struct.unpack_from(">H", datagram, start + 2)[0]
    end = len(datagram) - (datagram[-1] if datagram[0] & 0x20 else 0)
    return datagram[start:end] if datagram[start : start + 1] == b"\x47" else b""
