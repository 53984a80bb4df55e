"""What matching finds: aligned stretches, and the decision about one reference."""

from dataclasses import dataclass

from fingerprint.fingerprint import Disguise
from index.catalog import Reference


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the query that is a stretch of a reference: ``ref = time_scale * query + offset``; times in seconds.

    score  evidence in the units of the null model: expected false matches fall as it rises
    track  of the capture's sound tracks, which: 0 is the one that is played unless another is chosen
    """

    kind: str
    query_start: float
    query_end: float
    ref_start: float
    ref_end: float
    disguise: Disguise
    score: float
    track: int = 0

    @property
    def time_scale(self) -> float:
        """Reference seconds per query second."""
        return self.disguise.time_scale


@dataclass(frozen=True, slots=True)
class Replaced:
    """Seconds of the capture in which the stream of this kind is another than the work's."""

    kind: str
    query_start: float
    query_end: float


@dataclass(frozen=True, slots=True)
class Match:
    """The decision about one reference.

    expected_false_matches  matches at least this good that chance would give such a query in such a catalog
    verdict                 "match" or "review"; "no-match" for what an engine tells of only when asked for more than these
    replaced                stretches of the capture in which one stream is the work's and the other was not recognised as
                            its, though there is something in it in both: a dub, a borrowed score
    repeats                 where else in the same reference the same seconds of the capture are as well
    also_in                 matches that this one explains: all of theirs is in this one too, which is more of the capture
    tied_with               ids of the references of further matches that are of the same seconds of the capture
    """

    reference: Reference
    segments: tuple[Segment, ...]
    expected_false_matches: float
    verdict: str
    replaced: tuple[Replaced, ...] = ()
    repeats: tuple[Segment, ...] = ()
    also_in: tuple["Match", ...] = ()
    tied_with: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """The capture that was examined. ``duration`` in seconds; ``kinds`` of ("audio", "video"); empty where not known."""

    name: str
    sha256: str
    duration: float
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a capture could not be examined."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in a capture: its matches, best first, or why it could not be examined; ``elapsed`` in seconds."""

    query: QueryInfo
    matches: tuple[Match, ...]
    error: Failure | None
    warnings: tuple[str, ...]
    elapsed: float

    @property
    def status(self) -> str:
        """ "match", "review", "no-match" or "error"."""
        if self.error is not None:
            return "error"
        verdicts = {match.verdict for match in self.matches}
        return next((status for status in ("match", "review") if status in verdicts), "no-match")
