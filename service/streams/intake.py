"""The fetching half of a stream: a thread that fetches and feeds decoders, and what comes out of them."""

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fingerprint.feed import Heard, Offset, Seen
from fingerprint.media import Limits, MediaError
from service.streams.addresses import shown
from service.streams.decoding import Decoded, Decoding
from service.streams.errors import StreamError
from service.streams.fetch import Fetcher
from service.streams.opening import open_source
from service.streams.piece import Clock, Listed, Note, Piece, Source, StoppedError

STARTS = 4  # attempts to open a stream
MARKS = 200  # places that are remembered: minutes of a stream
ARRIVALS = 40  # pieces whose time of arrival tells when seconds of the stream can be had
_OPENABLE = ("unreachable", "timeout", "status", "unresolved", "stalled", "bad-answer", "tls")

Failure = StreamError | MediaError


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a source and the second of the stream at which it ends."""

    track: str
    order: int
    seconds: float


class Intake:
    """One stream as sound and pictures on its time axis. ``start`` it, ``get`` from it, ``close`` it.

    error  why it cannot be read any further, if so
    live   whether it goes on whether or not anybody keeps up
    """

    error: Failure | None

    def __init__(self, url: str, fetcher: Fetcher, clock: Clock, limits: Limits, pipe: int = 0) -> None:
        self.url, self.error, self.live = url, None, False
        self.lock = threading.Lock()
        self.marks: list[Mark] = []
        self.on_piece: Callable[[Piece], None] = lambda piece: None
        self.on_offset: Callable[[str, Offset], None] = lambda track, offset: None
        self.on_list: Callable[[Listed], None] = lambda listed: None
        self._fetcher, self._clock, self._limits, self._pipe = fetcher, clock, limits, pipe
        self._arrivals: deque[float] = deque(maxlen=ARRIVALS)
        self._decoding = Decoding(limits)
        self._decoding.on_offset = self._located
        self._thread = threading.Thread(target=self._pump, name="stream", daemon=True)
        self._places: dict[str, int] = {}

    def start(self, begin: float = 0.0, places: dict[str, int] | None = None) -> None:
        """Begins to fetch: at a second of the stream, which lies at these places of its source."""
        self._decoding.begin, self._places = begin, places or {}
        self._thread.start()

    def get(self, seconds: float) -> Decoded | queue.Empty:
        """What came next within so many seconds: ``queue.Empty`` where nothing did, None at the end."""
        return self._decoding.get(seconds)

    @property
    def crowd(self) -> float:
        """How much waits to be taken, from 0 to 1."""
        return self._decoding.crowd

    @property
    def airtime(self) -> float | None:
        """Unix time at which second 0 of the stream would have been to be had, at the latest; None before any was."""
        with self.lock:
            return min(self._arrivals, default=None)

    def limit(self, mode: str) -> None:
        """From now on decodes "all", "key" frames and sound, or "sound" alone."""
        self._decoding.limit(mode)

    def crashed(self, error: Exception) -> StreamError:
        """A fault of ours, which this stream brought out: an error of this stream alone."""
        return StreamError("crashed", shown(self.url), f"could not be read ({type(error).__name__}: {error})")

    def _pump(self) -> None:
        failure: Failure | None = None
        try:
            self._read()
            self._decoding.finish()
            if not self._decoding.fruitful:
                nothing = StreamError("empty", shown(self.url), "ended before there was any sound or picture")
                failure = self._decoding.error or nothing
        except StoppedError:
            return
        except (StreamError, MediaError) as error:
            failure = error
        except Exception as error:
            failure = self.crashed(error)
        if failure is not None:
            self._decoding.finish()
            self.error = failure
        self._decoding.give(None)

    def _read(self) -> None:
        source = self._opened()
        for item in source.items(self._clock):
            self.live = source.live
            if isinstance(item, Piece):
                self._take(item)
            elif isinstance(item, Listed):
                self._unless_stopped(partial(self.on_list, item))
            else:
                self._decoding.give(item)
            if self._clock.stopped:
                raise StoppedError

    def _opened(self) -> Source:
        """The source; a server that does not answer is asked again a few times."""
        for attempt in range(1, STARTS + 1):
            try:
                return open_source(self.url, self._fetcher, self._clock, self._places, self._pipe)
            except StreamError as error:
                if attempt == STARTS or error.code not in _OPENABLE:
                    raise
                pause = 0.5 * 2.0 ** (attempt - 1)
                self._decoding.give(Note("retry", f"{error}; again in {pause:.1f} s"))
                self._clock.wait(pause)
        raise AssertionError

    def _unless_stopped(self, do: Callable[[], None]) -> None:
        with self.lock:
            if not self._clock.stopped:
                do()

    def _located(self, track: str, offset: Offset) -> None:
        self._unless_stopped(partial(self.on_offset, track, offset))

    def _take(self, piece: Piece) -> None:
        self._unless_stopped(partial(self.on_piece, piece))  # before anything can be found in it
        begin = self._decoding.take(piece)
        with self.lock:
            if self._clock.stopped:
                raise StoppedError
            if piece.order >= 0:
                self.marks = [*self.marks[-MARKS:], Mark(piece.track, piece.order, begin + piece.seconds)]
            if piece.track == "main" and piece.seconds:
                self._arrivals.append(piece.arrived - begin - piece.seconds)

    def came(self, decoded: Heard | Seen) -> None:
        """Of a stream without a list: what was decoded tells when it came."""
        if isinstance(decoded, Heard) and not self.marks:
            with self.lock:
                end = decoded.start + len(decoded.samples) / 8000
                self._arrivals.append(self._clock.wall() - end)

    def close(self) -> None:
        """Ends it at once: nothing is told any more. Its thread may wait for a server, and ends when that has answered."""
        with self.lock:
            self._clock.stop()
        self._decoding.close()
