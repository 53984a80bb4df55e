"""A track of a listed stream (HLS, DASH): looks at its list again and again, and fetches what is new."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from service.streams.addresses import shown
from service.streams.aes import decipher
from service.streams.errors import StreamError
from service.streams.fetch import Fetched, Fetcher
from service.streams.listing import Cipher, Entry, Listing, Part
from service.streams.piece import Clock, Item, Listed, Note, Piece

EDGE = 2  # segments before the newest with which a live stream begins
BEHIND = 90.0  # seconds of live segments that may be caught up with; what is older is left out
TRIES = 3  # of fetching a segment
LOST = 1.0  # seconds between them
GIVE_UP = 300.0  # seconds without a new segment after which a stream is gone
NEVER = 20.0  # the same, before the first
SLOWEST = 30.0  # seconds between attempts at most
# Of a list that are looked at in a second, on average: a long one is asked for less often, or it would take all the time.
BYTES, ENTRIES = 250_000, 5_000
FASTEST = 0.02  # seconds that a segment takes at least, however short it is
TRANSIENT = {"unreachable", "timeout", "status", "gone", "unresolved", "stalled", "bad-answer", "tls"}

Look = Callable[[], tuple[Listing, Fetched]]


@dataclass(slots=True)
class _Progress:
    """Where a track is. ``since`` is when something new was last seen, ``due`` when to look again."""

    order: int | None = None
    run: str | None = None
    head: Part | None = None
    head_data: bytes = b""
    since: float = 0.0
    due: float = 0.0
    failures: int = 0
    missing: float = 0.0
    ended: bool = False
    any: bool = False
    seconds: float = 0.0
    live: bool = True
    text: bytes = b""


class Track:
    """One track, and where it is in its list."""

    def __init__(self, name: str, fetcher: Fetcher, look: Look, after: int | None, now: float) -> None:
        """``look`` gives the list as it is now; ``after`` is the order up to which it was read already, if it was."""
        self.name, self._fetcher, self._look = name, fetcher, look
        self._at = _Progress(order=after, since=now)
        self._keys: dict[str, bytes] = {}

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._at.ended

    @property
    def live(self) -> bool:
        """Whether its list was to grow when it was last looked at."""
        return self._at.live

    @property
    def seconds(self) -> float:
        """Seconds of it that were read."""
        return self._at.seconds

    @property
    def due(self) -> float:
        """When it is worth looking again, on the clock."""
        return self._at.due

    @property
    def order(self) -> int:
        """The order up to which it was read; -1 before anything was."""
        return -1 if self._at.order is None else self._at.order

    def poll(self, clock: Clock) -> Iterator[Item]:
        """What is new. Raises StreamError when the stream cannot be read, or is gone."""
        at = self._at
        try:
            listing, fetched = self._look()
        except StreamError as error:
            yield from self._failed(error, clock)
            return
        if listing.text != at.text:
            at.text = listing.text
            yield Listed(fetched.url, listing.text, fetched.record)
        at.live = listing.live
        fresh = [e for e in listing.entries if at.order is None or e.order > at.order]
        if not fresh and self._restarted(listing):
            yield Note("restarted", f"{self.name}: the list begins anew")
            at.order, at.run, fresh = None, None, list(listing.entries)
        yield from self._read(listing, fresh, clock)
        self._schedule(listing, bool(fresh), clock)

    def _restarted(self, listing: Listing) -> bool:
        newest = listing.entries[-1].order if listing.entries else None
        return newest is not None and self._at.order is not None and newest < self._at.order

    def _read(self, listing: Listing, fresh: list[Entry], clock: Clock) -> Iterator[Item]:
        at = self._at
        if listing.live and at.order is None:
            fresh = fresh[-EDGE:]
        elif listing.live:
            yield from self._dropped(listing, fresh)
            fresh = _recent(fresh, at)
        for entry in fresh:
            if clock.stopped:
                return
            due = clock.now() + FASTEST
            yield from self._entry(entry, listing, clock)
            at.order, at.since, at.any, at.failures = entry.order, clock.now(), True, 0
            at.seconds += entry.seconds
            clock.wait(due - clock.now())

    def _dropped(self, listing: Listing, fresh: list[Entry]) -> Iterator[Note]:
        """Segments that left the list before they were read."""
        old = [e for e in listing.entries if self._at.order is not None and e.order <= self._at.order]
        orders = [e.order for e in listing.entries]
        if fresh and not old and self._at.order is not None:
            step = min((b - a for a, b in pairwise(orders)), default=1)
            lost = (fresh[0].order - self._at.order) / max(step, 1) - 1
            if lost >= 0.5:
                self._at.missing += min(lost, 1000.0) * fresh[0].seconds
                yield Note("lost", f"{self.name}: {lost:.0f} segments were gone before they could be read")

    def _entry(self, entry: Entry, listing: Listing, clock: Clock) -> Iterator[Item]:
        at = self._at
        try:
            if entry.missing:
                raise StreamError("gone", shown(entry.part.url), "is missing, says the list")
            fetched = self._segment(entry, listing, clock)
            head = self._headed(entry)
        except StreamError as error:
            if error.code not in TRANSIENT and error.code != "too-large":
                raise
            at.missing += entry.seconds
            yield Note("lost", f"{self.name}: a segment of {entry.seconds:.1f} s was lost: {error}")
            return
        data = self._deciphered(fetched.body, entry.cipher)
        fresh = at.run != entry.run
        yield Piece(
            self.name, data, clock.wall(), fresh, head, entry.seconds, at.missing, entry.order,
            entry.part.url, fetched.record,
        )  # fmt: skip
        at.run, at.missing = entry.run, 0.0

    def _segment(self, entry: Entry, listing: Listing, clock: Clock) -> Fetched:
        """A segment; one at the edge of a live list may be listed a little before it is there."""
        for attempt in range(TRIES):
            try:
                return self._got(entry.part)
            except StreamError as error:
                if attempt + 1 == TRIES or error.code not in TRANSIENT:
                    raise
                clock.wait(min(LOST, max(entry.seconds / 4, 0.1)) if listing.live else 0.1)
        raise AssertionError

    def _got(self, part: Part) -> Fetched:
        return self._fetcher.get(part.url, self._fetcher.allowance.segment, part.extent)

    def _headed(self, entry: Entry) -> bytes:
        at = self._at
        if entry.head != at.head:
            at.head_data = b""
            if entry.head is not None:
                at.head_data = self._deciphered(self._got(entry.head).body, entry.head_cipher)
            at.head = entry.head
        return at.head_data

    def _deciphered(self, data: bytes, cipher: Cipher | None) -> bytes:
        if cipher is None:
            return data
        key = self._keys.get(cipher.url)
        if key is None:
            key = self._fetcher.get(cipher.url, 1024).body
            if len(self._keys) > 8:
                self._keys.pop(next(iter(self._keys)))
            self._keys[cipher.url] = key
        try:
            return decipher(data, key, cipher.iv)
        except ValueError as error:
            raise StreamError(
                "encrypted", shown(cipher.url), f"does not decipher a segment: it {error}"
            ) from None

    def _failed(self, error: StreamError, clock: Clock) -> Iterator[Note]:
        at = self._at
        patience = GIVE_UP if at.any else NEVER
        if error.code not in TRANSIENT or clock.now() - at.since > patience:
            raise error
        at.failures += 1
        pause = min(2.0 ** (at.failures - 2), SLOWEST)
        at.due = clock.now() + pause
        yield Note("retry", f"{error}; again in {pause:.1f} s")

    def _schedule(self, listing: Listing, fresh: bool, clock: Clock) -> None:
        at, now = self._at, clock.now()
        at.ended, at.live = not listing.live, listing.live
        costly = max(len(listing.text) / BYTES, len(listing.entries) / ENTRIES)
        at.due = now + max(min(listing.reload, self._fetcher.allowance.reload), costly)
        if not fresh and now - at.since > GIVE_UP:
            raise StreamError("gone", shown(self.name), f"has listed nothing new for {GIVE_UP:.0f} s")


def _recent(fresh: list[Entry], at: _Progress) -> list[Entry]:
    """Without what is so old that catching up would never end."""
    total, kept = 0.0, list[Entry]()
    for entry in reversed(fresh):
        total += entry.seconds
        if total > BEHIND and kept:
            at.missing += sum(e.seconds for e in fresh[: len(fresh) - len(kept)])
            break
        kept.append(entry)
    return kept[::-1]


def merged(tracks: list[Track], clock: Clock) -> Iterator[Item]:
    """All tracks together, each when it is due, none far ahead of the others, until all have ended."""
    reading: dict[str, Iterator[Item]] = {}
    while live := [track for track in tracks if not track.ended or track.name in reading]:
        for track in live:
            if track.name not in reading and track.due <= clock.now():
                reading[track.name] = track.poll(clock)
        if not reading:
            clock.wait(min(track.due for track in live) - clock.now())
            continue
        track = min((t for t in live if t.name in reading), key=lambda t: t.seconds)
        item = next(reading[track.name], None)
        if item is None:
            del reading[track.name]
        else:
            yield item
