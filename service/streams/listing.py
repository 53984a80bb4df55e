"""What playlists and manifests come down to: the pieces of one track, in order, and when to look again."""

from dataclasses import dataclass

Extent = tuple[int, int]  # first byte and number of bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A resource, or some bytes of it."""

    url: str
    extent: Extent | None = None


@dataclass(frozen=True, slots=True)
class Cipher:
    """How a segment is enciphered: AES-128-CBC with the key that lies at ``url``."""

    url: str
    iv: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment.

    order    ascends along the track; what was read up to an order is not read again
    seconds  that it lasts, as its list says
    head     what a decoder must have seen before it
    run      entries of one run continue each other; where it changes a decoder begins anew
    missing  whether the list says that it is not there
    date     when its first second happened, unix time, where its list says so
    """

    order: int
    part: Part
    seconds: float
    head: Part | None = None
    head_cipher: Cipher | None = None
    cipher: Cipher | None = None
    run: str = ""
    missing: bool = False
    date: float | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries that can be had now; ``live`` while more are to come; ``reload`` seconds until it is worth asking again."""

    entries: tuple[Entry, ...]
    live: bool
    reload: float
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the versions or tracks that a stream is offered in; sizes are 0 where they are not told."""

    name: str
    bandwidth: int
    height: int
    kinds: frozenset[str]


ENOUGH = 360  # lines of a picture that are enough: codes are made of far smaller ones


def preferred(choices: list[Choice]) -> Choice:
    """The cheapest one that is good enough: with pictures of ENOUGH lines, else the largest below."""
    seen = [c for c in choices if "video" in c.kinds] or choices
    good = [c for c in seen if c.height >= ENOUGH]
    if good:
        return min(good, key=lambda c: (c.height, c.bandwidth))
    if any(c.height for c in seen):
        return max(seen, key=lambda c: (c.height, -c.bandwidth))
    return min(seen, key=lambda c: (c.bandwidth < 300_000 and "video" in c.kinds, c.bandwidth))
