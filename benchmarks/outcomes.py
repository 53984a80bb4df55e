"""What the engine answers to each query of the benchmark, beside the truth."""

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from benchmarks.corpus import Title, registered, same, titles
from benchmarks.metrics import Prediction, Span, end_errors, offset_error, overlap
from benchmarks.truth import COUSIN, DECOY, Truth
from fingerprint.fingerprint import PLAIN, Disguise
from matching.engine import Engine
from matching.segment import Answer, Match

NEAR = 1.0  # seconds of the reference: a copy is found when it is found in its place
FAINTEST = 10.0  # expected false matches up to which claims are asked for, so that chance can be seen at work
SUREST = 300.0  # of a score, where the expected false matches are too few for a float

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """One stretch that the engine claims: ``score = -log10(expected false matches)`` of its match."""

    titles: frozenset[Title]
    verdict: str
    score: float
    span: Span
    disguise: Disguise = PLAIN

    @property
    def files(self) -> list[str]:
        """The files of which it can be a stretch, for they are the same."""
        return sorted(title.file for title in self.titles)

    @property
    def expected(self) -> float:
        """Expected false matches of its match."""
        return float(10**-self.score)

    def of_series(self, series: str) -> bool:
        """Whether it names a title of this source."""
        return any(title.source == series for title in self.titles)

    def right(self, truth: Truth) -> bool:
        """Whether it names the right work and the right place."""
        return self.names(truth.reference) and self.error(truth) <= NEAR

    def names(self, file: str) -> bool:
        """Whether it names this file, or one that holds the same recording."""
        return any(same(file, title.file) for title in self.titles)

    def error(self, truth: Truth) -> float:
        """Seconds between the claimed place and the true one, or the nearest other turn of a loop."""
        return min(offset_error(self.span, place) for place in places(truth))


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, best claims first, beside the truths of its query: one, or one for each part.

    error    why the query could not be examined; empty where it could
    elapsed  seconds of the examination
    """

    truths: tuple[Truth, ...]
    claims: tuple[Claim, ...]
    error: str
    elapsed: float

    @property
    def truth(self) -> Truth:
        """The only truth."""
        (truth,) = self.truths
        return truth

    @property
    def copy(self) -> Claim | None:
        """The best right claim with the verdict "match"."""
        right = (c for c in self.claims if c.verdict == "match" and c.right(self.truth))
        return next(right, None)

    @property
    def prediction(self) -> Prediction:
        """The best claim, as the scorer wants it: right where any stretch of its match is."""
        if not self.claims:
            return Prediction(-math.inf, False)
        best = [claim for claim in self.claims if claim.titles == self.claims[0].titles]
        return Prediction(best[0].score, any(claim.right(self.truth) for claim in best))

    @property
    def false_claims(self) -> tuple[Claim, ...]:
        """Claims of any verdict that name a work the query does not hold."""
        held = [truth.reference for truth in self.truths if truth.reference]
        return tuple(claim for claim in self.claims if not any(claim.names(file) for file in held))

    @property
    def false_matches(self) -> tuple[Claim, ...]:
        """Those with the verdict "match"."""
        return tuple(claim for claim in self.false_claims if claim.verdict == "match")

    @property
    def family_claims(self) -> tuple[Claim, ...]:
        """False claims that name another title of the query's own series."""
        series = self.truths[0].series
        return tuple(claim for claim in self.false_claims if series and claim.of_series(series))

    @property
    def chance_claims(self) -> tuple[Claim, ...]:
        """False claims that name a work which has nothing to do with the query."""
        family = self.family_claims
        return tuple(claim for claim in self.false_claims if claim not in family)

    @property
    def score(self) -> float:
        """The best score of any claim; -inf where nothing is claimed."""
        return max((claim.score for claim in self.claims), default=-math.inf)

    @property
    def ends(self) -> tuple[float, float]:
        """Errors of the start and the end of what was found, in seconds of the query."""
        assert self.copy is not None, f"{self.truth.query} was not found"
        return end_errors(self.copy.span, span(self.truth))


def span(truth: Truth) -> Span:
    """The stretch that the truth tells of."""
    return Span(truth.query_start, truth.query_end, truth.ref_start, truth.ref_end)


def places(truth: Truth) -> list[Span]:
    """The stretches of the reference that the query is: its own, and other turns of a loop."""
    own = span(truth)
    moves = [0.0, *(turn - truth.ref_start for turn in truth.turns)]
    return [replace(own, ref_start=own.ref_start + by, ref_end=own.ref_end + by) for by in moves]


def strangers(found: Iterable[Outcome], kind: str) -> list[Outcome]:
    """Queries that hold no registered work, as they are: of these all chance claims are false by chance alone."""
    none = [o for o in found if not o.truths[0].reference and o.truths[0].kind == kind]
    return [o for o in none if o.truth.group not in (COUSIN, DECOY)]


def cousins(found: Iterable[Outcome], kind: str) -> list[Outcome]:
    """Queries of an unregistered title of a registered series, as they are and lightly attacked."""
    related = [o for o in found if o.truths[0].kind == kind and o.truths[0].series]
    return [o for o in related if o.truths[0].group != DECOY]


def decoys(found: Iterable[Outcome], kind: str) -> list[Outcome]:
    """Queries that are a registered work played backwards."""
    return [o for o in found if (o.truths[0].kind, o.truths[0].group) == (kind, DECOY)]


def found_parts(outcome: Outcome) -> int:
    """Parts of a compilation that are found, each where it is."""
    matches = [claim for claim in outcome.claims if claim.verdict == "match"]
    return sum(
        any(overlap(claim.span, span(truth)) > 0 and claim.right(truth) for claim in matches)
        for truth in outcome.truths
    )


def _digest(files: list[Title]) -> str:
    """What a catalog depends on: the code and models of fingerprints, and what is registered."""
    house = Path(__file__).parents[1] / "fingerprint"
    made_by = sorted(path for path in house.rglob("*") if path.suffix in {".py", ".npz", ".onnx"})
    names = "\n".join(title.file for title in files).encode()
    return hashlib.sha256(b"".join(path.read_bytes() for path in made_by) + names).hexdigest()[:12]


def catalog(media: Path, cache: Path, note: Note) -> tuple[Path, dict[int, frozenset[Title]]]:
    """A data directory in which all but the strangers are registered, and the titles that a reference stands for."""
    files = registered(titles(media))
    by_id: dict[int, frozenset[Title]] = {}
    data = cache / f"catalog-{_digest(files)}"
    with Engine(data) as engine:
        for number, title in enumerate(files, 1):
            note(f"registered {number} of {len(files)} titles")
            reference, _ = engine.register(media / title.file)
            by_id[reference.id] = by_id.get(reference.id, frozenset()) | {title}
        engine.save()
    return data, by_id


_engine: Engine


def _open(data: Path) -> None:
    global _engine
    _engine = Engine(data, faintest=FAINTEST)


def _examined(path: Path) -> Answer:
    return _engine.examine(path)


def outcomes(
    data: Path, by_id: dict[int, frozenset[Title]], folder: Path, truths: list[Truth], note: Note
) -> Iterator[Outcome]:
    """Examines every query, in the order of the truths, on all cores."""
    groups = [(query, tuple(rows)) for query, rows in groupby(truths, key=lambda truth: truth.query)]
    # One numerical thread each, for there is a process for each core.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # A fresh process each, for an engine's decoder and database belong to the process that opened them.
    with get_context("spawn").Pool(initializer=_open, initargs=(data,)) as pool:
        answers = pool.imap(_examined, [folder / query for query, _ in groups])
        for number, ((_, rows), answer) in enumerate(zip(groups, answers, strict=True), 1):
            note(f"examined {number} of {len(groups)} queries")
            claims = [claim for match in answer.matches for claim in _claims(match, by_id)]
            claims.sort(key=lambda claim: -claim.score)
            error = answer.error.message if answer.error else ""
            yield Outcome(rows, tuple(claims), error, answer.elapsed)


def _claims(match: Match, by_id: dict[int, frozenset[Title]]) -> Iterator[Claim]:
    score = min(SUREST, -math.log10(max(match.expected_false_matches, 10**-SUREST)))
    for s in match.segments:
        place = Span(s.query_start, s.query_end, s.ref_start, s.ref_end)
        yield Claim(by_id[match.reference.id], match.verdict, score, place, s.disguise)
