"""What the engine answers to each query of the benchmark, beside the truth."""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from benchmarks.corpus import Title, registered, same, titles
from benchmarks.metrics import Prediction, Span, end_errors, offset_error, overlap
from benchmarks.queries import Truth
from matching.engine import Engine
from matching.segment import Answer, Match

NEAR = 1.0  # seconds of the reference: a copy is found when it is found in its place
SUREST = 300.0  # of a score, where the expected false matches are too few for a float

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """One stretch that the engine claims: ``score = -log10(expected false matches)`` of its match."""

    files: frozenset[str]
    verdict: str
    score: float
    span: Span

    def right(self, truth: Truth) -> bool:
        """Whether it names the right work and the right place."""
        return self.names(truth.reference) and self.error(truth) <= NEAR

    def names(self, file: str) -> bool:
        """Whether it names this file, or one that holds the same recording."""
        return any(same(file, claimed) for claimed in self.files)

    def error(self, truth: Truth) -> float:
        """Seconds between the claimed place and the true one."""
        return offset_error(self.span, span(truth))


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
    def score(self) -> float:
        """The best score of any claim; -inf where nothing is claimed."""
        return max((claim.score for claim in self.claims), default=-math.inf)

    @property
    def prediction(self) -> Prediction:
        """The best claim, as the scorer wants it."""
        if not self.claims:
            return Prediction(-math.inf, False)
        return Prediction(self.claims[0].score, self.claims[0].right(self.truth))

    @property
    def false_matches(self) -> tuple[Claim, ...]:
        """Claims with the verdict "match" that name a work the query does not hold."""
        held = [truth.reference for truth in self.truths if truth.reference]
        claimed = [claim for claim in self.claims if claim.verdict == "match"]
        return tuple(claim for claim in claimed if not any(claim.names(file) for file in held))

    @property
    def ends(self) -> tuple[float, float]:
        """Errors of the start and the end of what was found, in seconds of the query."""
        assert self.copy is not None, f"{self.truth.query} was not found"
        return end_errors(self.copy.span, span(self.truth))


def span(truth: Truth) -> Span:
    """The stretch that the truth tells of."""
    return Span(truth.query_start, truth.query_end, truth.ref_start, truth.ref_end)


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


def catalog(media: Path, cache: Path, note: Note) -> tuple[Path, dict[int, frozenset[str]]]:
    """A data directory in which all but the strangers are registered, and the files that a reference stands for."""
    files = registered(titles(media))
    by_id: dict[int, frozenset[str]] = {}
    data = cache / f"catalog-{_digest(files)}"
    with Engine(data) as engine:
        for number, title in enumerate(files, 1):
            note(f"registered {number} of {len(files)} titles")
            reference, _ = engine.register(media / title.file)
            by_id[reference.id] = by_id.get(reference.id, frozenset()) | {title.file}
        engine.save()
    return data, by_id


_engine: Engine


def _open(data: Path) -> None:
    global _engine
    _engine = Engine(data)


def _examined(path: Path) -> Answer:
    return _engine.examine(path)


def outcomes(
    data: Path, by_id: dict[int, frozenset[str]], folder: Path, truths: list[Truth], note: Note
) -> Iterator[Outcome]:
    """Examines every query, in the order of the truths, on all cores."""
    groups = [(query, tuple(rows)) for query, rows in groupby(truths, key=lambda truth: truth.query)]
    # A fresh process each, for an engine's decoder and database belong to the process that opened them.
    with get_context("spawn").Pool(initializer=_open, initargs=(data,)) as pool:
        answers = pool.imap(_examined, [folder / query for query, _ in groups])
        for number, ((_, rows), answer) in enumerate(zip(groups, answers, strict=True), 1):
            note(f"examined {number} of {len(groups)} queries")
            claims = [claim for match in answer.matches for claim in _claims(match, by_id)]
            claims.sort(key=lambda claim: -claim.score)
            error = answer.error.message if answer.error else ""
            yield Outcome(rows, tuple(claims), error, answer.elapsed)


def _claims(match: Match, by_id: dict[int, frozenset[str]]) -> Iterator[Claim]:
    score = min(SUREST, -math.log10(max(match.expected_false_matches, 10**-SUREST)))
    for s in match.segments:
        place = Span(s.query_start, s.query_end, s.ref_start, s.ref_end)
        yield Claim(by_id[match.reference.id], match.verdict, score, place)
