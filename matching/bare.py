"""Captures of which only the codes are at hand: their stretches, as captured; no disguise can be undone."""

from collections.abc import Callable, Iterator, Sequence

from fingerprint.exchange import Exchange
from fingerprint.extractor import Extractor
from fingerprint.fingerprint import Query
from matching.content import Content
from matching.eclipse import without_eclipsed
from matching.join import Placed, joined, line_of, place
from matching.judge import Judge
from matching.score import Calibration
from matching.search import Search


def stretches(
    made: Exchange,
    extractor: Extractor,
    search: Search,
    model: Calibration,
    others: Sequence[Placed],
    length: Callable[[int], float],
) -> tuple[list[Placed], Content]:
    """Stretches of all windows of one algorithm, on the capture's time axis and rated, and what there is to compare.

    others  those of other streams
    length  seconds of a reference
    """
    placed: list[Placed] = []
    content = Content()
    expected = Judge(model, made.duration, len(search.index)).by_codes
    for start, query in of(made, extractor.algorithm):
        content.add(query.fingerprint, start)
        for f in without_eclipsed(search.plain(query, expected), expected):
            lines = [line for other in others if (line := line_of(other, f, start))]
            settled = search.settled(lambda _, q=query: q, f, lines)  # type: ignore[misc]  # a default
            seconds = query.fingerprint.duration
            placed.append(place(settled, extractor, start, seconds, expected(f), length(f.stretch.ref_id)))
    return joined(placed), content


def of(made: Exchange, algorithm: str) -> Iterator[tuple[float, Query]]:
    """The queries of one algorithm, with the seconds at which they begin."""
    yield from ((start, query) for start, query in made.queries if query.fingerprint.algorithm == algorithm)
