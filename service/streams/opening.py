"""A URL -> a source, by what lies there: what it says that it is counts for little, its first bytes for more."""

from urllib.parse import urljoin, urlsplit

from service.streams import dash, hls
from service.streams.addresses import Target, shown
from service.streams.endless import HEAD, DatagramSource, HttpSource, PipeSource
from service.streams.errors import StreamError
from service.streams.fetch import Fetched, Fetcher, Opened
from service.streams.listed import DashSource, HlsSource
from service.streams.piece import Clock, Source

PIPE = "-"
DATAGRAMS = ("udp", "rtp")
FILES = ("", "file")
# The decoder library could read these, but only by connecting itself, where nobody checks the address.
CONNECTING = {"rtmp", "rtmps", "rtmpt", "rtsp", "rtsps", "srt", "mms", "mmsh", "rist"}
NESTED = 3  # lists of lists of radio stations


def open_source(
    url: str, fetcher: Fetcher, clock: Clock, places: dict[str, int] | None = None, pipe: int = 0
) -> Source:
    """The stream at a URL; at "-" what arrives on the descriptor ``pipe``. ``places`` are where it was before.

    Raises StreamError.
    """
    if url == PIPE:
        return PipeSource(pipe)
    scheme = urlsplit(url).scheme if "\\" not in url else ""
    if scheme in CONNECTING:
        hint = "feed it through a pipe: `TOOL ... | whorl watch -`"
        raise StreamError(
            "unsupported", shown(url), f"{scheme} is not read here, as its address cannot be checked; {hint}"
        )
    if scheme in FILES and "\\" not in url:
        reason = f"is no URL of a stream; a file on this machine is examined by `whorl match {shown(url).removeprefix('file://')}`"
        raise StreamError("refused-scheme", shown(url), reason)
    if scheme in DATAGRAMS:
        return DatagramSource(_datagrams(fetcher, url), fetcher.allowance.patience)
    return _over_http(url, fetcher, clock, places or {}, NESTED)


def _datagrams(fetcher: Fetcher, url: str) -> Target:
    target = fetcher.addresses.target(url.replace("://@", "://", 1), schemes=DATAGRAMS)
    if not fetcher.addresses.allows(target.host, target.port):
        raise StreamError(
            "refused-address", shown(url), f"is listened on only with --allow-host {target.host}"
        )
    if not target.port:
        raise StreamError("bad-url", shown(url), "names no port")
    return target


def _over_http(url: str, fetcher: Fetcher, clock: Clock, places: dict[str, int], nested: int) -> Source:
    opened = fetcher.open(url, {"Icy-MetaData": "1"})
    try:
        head = _head(opened)
        if hls.is_playlist(head) and not _of_stations(head):
            return HlsSource(fetcher, _whole(opened, head, fetcher), places, clock.now())
        if dash.is_manifest(head):
            return DashSource(fetcher, _whole(opened, head, fetcher), places, clock)
        station = _station(head, opened)
        if not station:
            kept, opened = opened, None  # type: ignore[assignment]  # it stays open
            return HttpSource(fetcher, url, kept, head)
    finally:
        if opened is not None:
            opened.close()
    if not nested:
        raise StreamError("redirects", shown(url), "is a list of lists of stations")
    return _over_http(station, fetcher, clock, places, nested - 1)


def _head(opened: Opened) -> bytes:
    head = b""
    while len(head) < HEAD and (more := opened.read()):
        head += more
    return head


def _whole(opened: Opened, head: bytes, fetcher: Fetcher) -> Fetched:
    """The rest of a list, within what a list may be."""
    body, most = bytearray(head), fetcher.allowance.playlist
    while more := opened.read():
        body += more
        if len(body) > most:
            raise StreamError("too-large", shown(opened.target.url), f"is a list of more than {most} bytes")
    return Fetched(opened.target.url, bytes(body), opened.record)


def _of_stations(head: bytes) -> bool:
    """Whether an M3U list has stations in it and not segments: those have tags of HLS."""
    return b"#EXT-X-" not in head


def _station(head: bytes, opened: Opened) -> str:
    """The first address in a list of radio stations (PLS, M3U); empty where it is no such list."""
    text = head.decode("utf-8", "replace").lstrip("\ufeff \r\n")
    lines = [line.strip() for line in text.splitlines()]
    if text[:10].lower() == "[playlist]":
        named = [
            value
            for name, _, value in (line.partition("=") for line in lines)
            if name.lower().startswith("file")
        ]
        return urljoin(opened.target.url, named[0].strip()) if named else ""
    if b"\0" in head or (not text.isprintable() and "\ufffd" in text):
        return ""
    plain = [line for line in lines if line and not line.startswith("#")]
    listed = text.startswith("#EXTM3U") or opened.target.path.split("?")[0].endswith((".m3u", ".m3u8"))
    return urljoin(opened.target.url, plain[0]) if listed and plain else ""
