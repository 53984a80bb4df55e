"""The interface of what turns media into codes, and the registry of those that do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from fingerprint import details, peaks
from fingerprint.fingerprint import Disguise, Fingerprint, Query
from fingerprint.media import Media


class Extractor(Protocol):
    """Think of it as the art of taking one kind of fingerprint: a sparse one to keep, dense ones to compare.

    algorithm  names the codes exactly; codes of two algorithms never meet
    kind       "audio" or "video": the kind of stream it reads
    span       seconds of media that one code describes, around its time
    window     seconds of a capture that are looked at together
    rate       frames a second that it wants of a capture; 0 for sound
    tolerance  how far the time scale may be from the assumed one, as a fraction, for codes still to hold
    sparse     seconds between the codes of a disguised query that are enough to rank disguises
    stages     how many disguised queries are made together before it is asked whether more are needed
    """

    algorithm: str
    kind: str
    span: float
    window: float
    rate: float
    tolerance: float
    sparse: float
    stages: tuple[int, ...]

    def reference(self, media: Media) -> Fingerprint:
        """The sparse codes of registered media; streams through ``media`` with flat memory."""
        ...

    def references(self, media: Media) -> tuple[Fingerprint, ...]:
        """The same, and what else of registered media confirms what the codes find."""
        ...

    def queries(self, media: Media) -> Iterator[Query]:
        """Codes of a capture (at most ``window`` seconds): plain and dense first, then, made only when asked for, disguised.

        Of disguised ones there may be so few that they tell which disguises are worth a closer look.
        """
        ...

    def closer(self, media: Media, query: Query) -> Query:
        """One of the disguised ``queries`` with as many codes as its score needs."""
        ...

    def query(self, media: Media, disguise: Disguise) -> Query:
        """Dense codes of a capture with one disguise undone."""
        ...

    def densest(self, media: Media, disguise: Disguise) -> Query:
        """The same, with as many codes as tell the places of a work that are alike from each other."""
        ...

    def refined(self, media: Media, disguises: Sequence[Disguise], fit: Callable[[Query], float]) -> Query:
        """The query of the disguise near one of those given that ``fit`` gives most."""
        ...


def _audio() -> Extractor:
    from fingerprint.audio import AudioExtractor

    return AudioExtractor()


def _video() -> Extractor:
    from fingerprint.video import VideoExtractor

    return VideoExtractor()


# Made on first use, for a model takes time to load and `whorl --help` must not wait for it.
EXTRACTORS: dict[str, Callable[[], Extractor]] = {"audio/3": _audio, "video/3": _video}
# What is stored beside codes to confirm what they find; it is not searched for.
CONFIRMED_BY = {"audio/3": peaks.ALGORITHM, "video/3": details.ALGORITHM}
# Bytes of a row of all that is stored of a reference.
WIDTHS = {"audio/3": 64, peaks.ALGORITHM: peaks.WIDTH, "video/3": 32, details.ALGORITHM: details.WIDTH}
