"""Pieces -> sound and pictures on the stream's time axis: one decoder after the other, for each track.

Decoders begin anew where a stream does; its time goes on. Readers are threads, as decoding happens in other processes.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fingerprint.clip import Frame
from fingerprint.feed import Feed, Heard, Holds, Jump, Offset, Said, Seen
from fingerprint.media import Limits, MediaError
from service.streams.piece import Note, Piece

QUEUED = 96  # messages that wait to be examined: some 20 s of a stream
RATE = 8.0  # pictures a second
NEAR = 10.0  # seconds by which two tracks of one clock may begin apart
STEP = 1.0  # seconds by which a track that has enough to decode may be behind another
PATIENCE = 3.0  # seconds that a track waits for one that is behind and gives nothing
FRUITLESS = 3  # decoders in a row that find nothing, after which a stream is none

Decoded = Heard | Seen | Note | MediaError | None


@dataclass(slots=True)
class _Run:
    """One decoder's life: where its time lies on the stream's, and its bytes in those of the track.

    first  byte of the track with which it begins
    head   bytes that it is given before that one
    """

    base: float
    first: int
    head: int
    settled: threading.Event = field(default_factory=threading.Event)
    origin: float | None = None


class Channel:
    """One track's decoders."""

    def __init__(
        self, name: str, limits: Limits, give: Callable[[Decoded], None], others: "Decoding"
    ) -> None:
        self.name, self.end = name, others.begin
        self._limits, self._give, self._others = limits, give, others
        self._feed: Feed | None = None
        self._reader: threading.Thread | None = None
        self.run: _Run | None = None
        self.fed = others.begin  # seconds of stream that were fed, as lists say
        self._bytes = 0  # that were fed, without heads
        self._failed = 0
        self.surplus = (
            0.0  # seconds of ``fed`` that will not come out: lists round up, and decoders hold back
        )

    def take(self, piece: Piece) -> None:
        """Decodes a piece; waits where decoding is behind. Raises MediaError when nothing of the stream can be."""
        if piece.fresh or self._feed is None:
            self._anew(piece)
        feed = self._feed
        assert feed is not None
        try:
            if not piece.whole:
                feed.write(piece.data)
        except MediaError:
            self._drop(feed)  # its reader says why; the next piece gets another decoder
        self.fed += piece.seconds
        self._bytes += len(piece.data)

    def _anew(self, piece: Piece) -> None:
        self.finish()
        head = b"" if piece.whole else piece.head
        base = max(self.end, self.fed if self.run is None else 0.0) + piece.missing
        self.run, self.fed, self.surplus = _Run(base, self._bytes, len(head)), base, 0.0
        whole = piece.data if piece.whole else b""
        self._feed = Feed(self.name, self._limits, RATE, self._others.mode, whole)
        if self._others.closed:  # meanwhile: nobody else knows of this one
            self._feed.close()
        self._reader = threading.Thread(target=self._read, args=(self._feed, self.run), daemon=True)
        self._reader.start()
        if head:
            self._feed.write(head)

    def _drop(self, feed: Feed) -> None:
        feed.finish()
        if self._reader is not None and not self._read_out(self._reader) and not self._others.closed:
            hung = f"{self.name}: gave no sign of decoding for {self._limits.silence:.0f} s, what was left is passed over"
            self._give(Note("undecodable", hung))
        feed.close()
        self._feed = None
        self._others.on_offset(self.name, Offset(self._bytes, self.end, self.end))

    def _read_out(self, reader: threading.Thread) -> bool:
        """Waits until all that was fed has come out: a whole film takes long. False where nothing does for too long."""
        end, since = self.end, time.monotonic()
        while reader.is_alive() and not self._others.closed:
            reader.join(0.2)
            if self.end > end or self._others.crowd >= 1.0:  # it decodes, or waits until that is examined
                end, since = self.end, time.monotonic()
            elif time.monotonic() - since > self._limits.silence:
                return False
        return not reader.is_alive()

    def _read(self, feed: Feed, run: _Run) -> None:
        some = False
        try:
            for said in feed.read():
                some = some or isinstance(said, Heard | Seen)
                self._others.fruitful |= some
                self._say(said, run)
        except MediaError as error:
            if not self._others.closed:
                self._failed = 0 if some else self._failed + 1
                self._others.error = error
                hopeless = not some and self._failed >= FRUITLESS
                self._give(error if hopeless else Note("undecodable", f"{self.name}: {error.reason}"))
        else:
            self._failed = 0

    def _say(self, said: Said, run: _Run) -> None:
        if isinstance(said, Holds):
            self._others.settle(self, run, said)
            self._others.on_offset(self.name, Offset(run.first, self.end, run.base))
        elif isinstance(said, Offset):
            byte = run.first + max(said.byte - run.head, 0)
            self._others.on_offset(self.name, Offset(byte, run.base + said.end, run.base + said.begin))
        elif isinstance(said, Jump):
            self._give(Note("clock", f"{self.name}: the stream's clock was set anew by {said.by:+.1f} s"))
        elif isinstance(said, Heard):
            self.end = max(self.end, run.base + said.start + len(said.samples) / 8000)
            self._others.keep_step(self)
            self._give(Heard(run.base + said.start, said.samples))
        else:
            self.end = max(self.end, run.base + said.frames[-1].time)
            self._others.keep_step(self)
            self._give(Seen(tuple(Frame(run.base + f.time, f.luma) for f in said.frames)))

    def behind(self, end: float) -> bool:
        """Whether it decodes what lies well before ``end``, so that more of it will come out soon."""
        decoding = self._reader is not None and self._reader.is_alive()
        return decoding and self.end < min(end, self.fed - self.surplus) - STEP

    def give_up(self) -> None:
        """All that was fed has come out, as far as it will: it is waited for no more until it is fed more."""
        self.surplus = self.fed - self.end

    def limit(self, mode: str) -> None:
        """What to decode from now on."""
        if self._feed is not None:
            self._feed.limit(mode)

    def finish(self) -> None:
        """Waits for what is being decoded to come out."""
        if self._feed is not None:
            self._drop(self._feed)

    def close(self) -> None:
        """Ends its decoder at once."""
        if self._feed is not None:
            self._feed.close()


class Decoding:
    """All tracks of a stream. ``get`` gives what came out; one thread takes pieces, another one gets.

    begin     the first second on the stream's time axis
    fruitful  whether anything was decoded, and the last ``error`` of what could not be
    on_offset is told of a track at which of its bytes which second of the stream is
    """

    error: MediaError | None

    def __init__(self, limits: Limits, begin: float = 0.0) -> None:
        self.begin, self.mode, self.closed = begin, "all", False
        self.fruitful, self.error = False, None
        self.on_offset: Callable[[str, Offset], None] = lambda track, offset: None
        self._limits = limits
        self._channels: dict[str, Channel] = {}
        self._queue: queue.Queue[Decoded] = queue.Queue(QUEUED)

    def take(self, piece: Piece) -> float:
        """Decodes a piece, and gives the second of the stream at which it begins, about. Raises MediaError."""
        if piece.track not in self._channels:
            self._channels[piece.track] = Channel(piece.track, self._limits, self.give, self)
        channel = self._channels[piece.track]
        channel.take(piece)
        return channel.fed - piece.seconds

    def settle(self, channel: Channel, run: _Run, holds: Holds) -> None:
        """Puts a track beside the main one, where both go by one clock."""
        run.origin = holds.origin
        main = self._channels.get("main")
        if main is None or channel is main or main.run is None or main.run.origin is None:
            return
        apart = holds.origin - main.run.origin
        if abs(apart) < NEAR:
            base = max(main.run.base + apart, 0.0)
            channel.surplus += run.base - base  # what lists tell was counted from the old one
            run.base = base

    def keep_step(self, channel: Channel) -> None:
        """Waits for tracks that are behind this one: sound and pictures are examined together.

        Where not all is decoded, pictures are few or none, and not waited for.
        """
        for other in tuple(self._channels.values()):
            if other is not channel:
                self._await(other, channel.end)

    def _await(self, other: Channel, end: float) -> None:
        reached, since = other.end, time.monotonic()
        while self.mode == "all" and not self.closed and other.behind(end):
            if other.end > reached or self.crowd >= 1.0:
                reached, since = other.end, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                other.give_up()
            time.sleep(0.01)

    def give(self, decoded: Decoded) -> None:
        """Something for who gets; waits while there is much. None is the end."""
        while not self.closed:
            try:
                return self._queue.put(decoded, timeout=0.2)
            except queue.Full:
                continue
        return None

    def get(self, seconds: float) -> Decoded | queue.Empty:
        """What came out next, within so many seconds; ``queue.Empty`` where nothing did, None at the end."""
        try:
            return self._queue.get(timeout=seconds) if seconds > 0 else self._queue.get_nowait()
        except queue.Empty as none:
            return none

    @property
    def crowd(self) -> float:
        """How full the queue is, from 0 to 1."""
        return self._queue.qsize() / QUEUED

    def limit(self, mode: str) -> None:
        """From now on decodes "all", "key" frames and sound, or "sound" alone."""
        self.mode = mode
        for channel in tuple(self._channels.values()):
            channel.limit(mode)

    def finish(self) -> None:
        """Waits for all to come out."""
        for channel in self._channels.values():
            channel.finish()

    def close(self) -> None:
        """Ends all decoders at once."""
        self.closed = True
        for channel in tuple(self._channels.values()):
            channel.close()
