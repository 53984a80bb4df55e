"""HLS and DASH as sources: their lists, fetched again and again through the fetcher."""

from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

from service.streams import dash, hls
from service.streams.addresses import shown
from service.streams.errors import StreamError
from service.streams.fetch import Fetched, Fetcher, Record
from service.streams.listing import Listing
from service.streams.piece import Clock, Item, Listed
from service.streams.track import Track, merged


class HlsSource:
    """An HLS stream: of a master playlist the version that is cheap and good enough, with its sound where that is apart."""

    def __init__(self, fetcher: Fetcher, first: Fetched, places: dict[str, int], now: float) -> None:
        """``first`` is its playlist. Raises StreamError."""
        self._fetcher, self._first = fetcher, first
        found = hls.master(first.body, first.url)
        urls = {"main": found.chosen if found else first.url}
        if found and found.sound:
            urls["audio"] = found.sound
        self._master = first if found else None
        self._tracks = [
            Track(name, fetcher, self._look(url, first if not found else None), places.get(name), now)
            for name, url in urls.items()
        ]

    def _look(self, url: str, known: Fetched | None) -> Callable[[], tuple[Listing, Fetched]]:
        waiting = [known] if known else []

        def look() -> tuple[Listing, Fetched]:
            fetched = waiting.pop() if waiting else self._fetcher.get(url, self._fetcher.allowance.playlist)
            if hls.master(fetched.body, fetched.url):
                raise StreamError(
                    "bad-playlist", shown(fetched.url), "is a master playlist inside of another one"
                )
            return hls.media(fetched.body, fetched.url), fetched

        return look

    @property
    def live(self) -> bool:
        """Whether its list is to grow."""
        return any(track.live for track in self._tracks)

    def items(self, clock: Clock) -> Iterator[Item]:
        """Its pieces."""
        if self._master:
            yield Listed(self._master.url, self._master.body, self._master.record)
        yield from merged(self._tracks, clock)

    def places(self) -> dict[str, int]:
        """The media sequence numbers up to which it was read."""
        return {track.name: track.order for track in self._tracks if track.order >= 0}


class DashSource:
    """A DASH stream: one representation of its pictures, one of its sound."""

    def __init__(self, fetcher: Fetcher, first: Fetched, places: dict[str, int], clock: Clock) -> None:
        """``first`` is its manifest. Raises StreamError."""
        self._fetcher, self._clock, self._url = fetcher, clock, first.url
        self._held, self._fetched = dash.Manifest(first.body, first.url), first
        self._skew = _skew(first.record, clock)
        self._until = clock.now() + self._held.reload
        kinds = self._held.kinds()
        if not kinds:
            raise StreamError("bad-manifest", shown(first.url), "offers neither sound nor pictures")
        names = {"main": kinds[0], **({"audio": "audio"} if len(kinds) > 1 else {})}
        self._tracks = [
            Track(name, fetcher, self._look(kind), places.get(name), clock.now())
            for name, kind in names.items()
        ]

    def _look(self, kind: str) -> Callable[[], tuple[Listing, Fetched]]:
        def look() -> tuple[Listing, Fetched]:
            self._refresh()
            return self._held.listing(kind, self._clock.wall() + self._skew), self._fetched

        return look

    def _refresh(self) -> None:
        """Both tracks share a manifest: it is fetched when it is old."""
        if self._clock.now() < self._until or not self._held.live:
            return
        self._fetched = self._fetcher.get(self._url, self._fetcher.allowance.playlist)
        self._held = dash.Manifest(self._fetched.body, self._fetched.url)
        self._skew = _skew(self._fetched.record, self._clock)
        self._until = self._clock.now() + self._held.reload

    @property
    def live(self) -> bool:
        """Whether its list is to grow."""
        return any(track.live for track in self._tracks)

    def items(self, clock: Clock) -> Iterator[Item]:
        """Its pieces."""
        yield from merged(self._tracks, clock)

    def places(self) -> dict[str, int]:
        """Milliseconds of the presentation up to which it was read."""
        return {track.name: track.order for track in self._tracks if track.order >= 0}


def _skew(record: Record, clock: Clock) -> float:
    """Seconds that the server's clock is ahead, where they are too many to be its answer's rounding; else 0."""
    said = next((value for name, value in record.headers if name.lower() == "date"), "")
    try:
        ahead = parsedate_to_datetime(said).timestamp() - clock.wall()
    except (ValueError, TypeError):
        return 0.0
    return ahead if abs(ahead) > 1.5 else 0.0
