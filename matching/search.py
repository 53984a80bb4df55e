"""A window of a capture -> its scored stretches in the registered references, for one algorithm: seed, chain, verify."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fingerprint.extractor import Extractor
from fingerprint.fingerprint import Disguise, Fingerprint, Query
from fingerprint.media import Clip
from index.hits import Hits
from index.index import Index
from matching.align import Line, foremost, likely, lines
from matching.decoys import Decoys
from matching.doubt import SAME
from matching.found import Expected, Found, covered, explained, shifted
from matching.place import places
from matching.rate import score
from matching.score import MATCH, REVIEW
from matching.sparse import part_of, sparse, steps
from matching.verify import Side, Stretch, agreement, apart, line_of, on, on_time, only, parts, stretch

CERTAIN = 1e-6  # expected false matches at which no disguise needs to be tried
NEAREST = 4  # registered codes asked for each query code
LINES = 3  # lines kept of each stretch of a query
WIDER = (16, 64)  # registered codes asked for each code of what was found, for the others that hold it too
SHARERS = 64  # of them, about, are found
# Where nothing is certain: registered codes asked for each code of a part of a clip, and lines that are asked for their
# peaks. Twice as many of both find few copies more, for twice the time.
DROWNED = 128
DISGUISED_LINES = 12  # lines of the disguised queries of a stage that are verified
GLANCED_LINES = 4  # the same, of a clip that is only glanced at
# The decoys, best first, whose mean score is taken off: the very best may be of the same work.
RIVALS = slice(1, 6)
RIVAL_HITS = 16  # decoys' codes asked for each code
RIVAL_LINES = 24
REFINABLE = 0.2  # similarity under which there is nothing to refine
# Stretches, the likeliest, whose disguise is refined: a box is the further off the more of them it leaves alike.
REFINED = {"audio": 1, "video": 2}
FAINT = 10.0  # expected false matches above which a second one will not become a match
# Seconds of a long clip in which all disguises are tried, and between the starts of two.
EXCERPT, EVERY = 10.0, 20.0
BENT = 0.6  # of the tolerance: a time scale further off than this asks for another assumption
KNOWN = 0.12  # seconds to which the place of pictures is known at best
# Similarity by which a line must be the better one to be told from that of the other stream.
UNTOLD = 0.015


Hopeful = Callable[[Found], bool]
# Of a part of a clip: the second of the clip at which it begins, its codes, and the stage in which they were tried.
View = tuple[float, Query, int]


@dataclass(frozen=True, slots=True)
class Search:
    """Everything that one algorithm needs to find its codes again.

    ``reference`` gives a registered fingerprint by id, ``confirming`` what of a reference confirms it, where there is any.
    """

    extractor: Extractor
    index: Index
    reference: Callable[[int], Fingerprint]
    decoys: Decoys
    exactness: float
    confirming: Callable[[int], Fingerprint | None] = lambda _: None

    def candidates(
        self,
        clip: Clip,
        expected: Expected,
        known: Sequence[Disguise] = (),
        stages: int | None = None,
        confirmed: Expected | None = None,
    ) -> tuple[list[Found], Fingerprint]:
        """Every stretch looked at, some of the same seconds (``without_eclipsed``), and the clip's own codes.

        ``expected`` tells how many matches as good chance gives. Where none is CERTAIN, disguises are tried: those
        ``known`` of the same capture, then, in excerpts of a long clip, at most ``stages`` of the extractor's, likeliest
        first; what one excerpt is sure of the whole clip is searched for. ``confirmed`` is what is confirmed of it:
        of sound it finds what is drowned. In another key a tune keeps its peaks, so they do not say that no disguise needs
        to be tried.
        """
        plain = next(self.extractor.queries(clip))
        if not len(plain.fingerprint) or not len(self.index):
            return [], plain.fingerprint
        if (
            self.extractor.kind == "audio" and plain.fingerprint.weak.all()
        ):  # silence is silence under any disguise
            return [], plain.fingerprint
        found = self.verified(plain, self.looked_up(plain), 0)
        found += self._sharers(plain, found, expected)
        for disguise in known:
            found += self._under(clip, disguise, [f for f in found if expected(f) <= CERTAIN], 0)
        views: list[View] = []
        for start, part in _excerpts(clip):
            fresh = self._searched(part, plain.fingerprint, start, found, expected, stages, views, confirmed)
            sure = {f.disguise: f.stage for f in fresh if expected(f) <= CERTAIN}
            found += fresh
            for disguise, stage in sure.items() if part.duration < clip.duration else ():
                found += self._under(clip, disguise, [], stage)
        found = self._refined(clip, found, expected, views)
        return [*found, *self._elsewhere(clip, found, confirmed or expected)], plain.fingerprint

    def plain(self, query: Query, expected: Expected) -> list[Found]:
        """What a query finds as it is, when there is nothing to undo a disguise with. Quick: few codes are looked up, and
        more only where these do not explain it; what cannot become a match or a matter of review is not weighed.
        """
        strong = np.flatnonzero(~query.fingerprint.weak)
        if not len(strong) or not len(self.index):
            return []
        found: list[Found] = []
        for step in steps(query.fingerprint):
            nearest = self._hits(query, strong[::step], WIDER[0])
            best = likely(self._from(nearest, query, NEAREST))
            found = self.verified(query, best, 0, lambda f: expected(f) <= REVIEW)
            sure = [f for f in found if expected(f) <= CERTAIN]
            if explained(query.fingerprint, sure, 0.0, query.fingerprint.duration):
                break
        return [*found, *self._sharers(query, found, expected, nearest)] if found else []

    def _hits(self, query: Query, rows: NDArray[np.int64], nearest: int, patient: bool = False) -> Hits:
        looked_up = only(query, rows)
        found = self.index.search(looked_up.fingerprint, nearest, looked_up.reliability, patient)
        return replace(found, disguise=query.disguise)

    def _from(self, hits: Hits, query: Query, nearest: int, most: int = LINES) -> list[Line]:
        """Lines of the ``nearest`` hits of each code."""
        kept = hits.nearest(nearest)
        return lines(kept, 8 * query.fingerprint.width, self.extractor.tolerance, most)

    def _sharers(
        self, query: Query, found: list[Found], expected: Expected, looked_up: Hits | None = None
    ) -> list[Found]:
        """Further references that hold what was surely found.

        A theme is in every episode: the few nearest codes are those of any few of them.
        """
        more: list[Found] = []
        for nearest in WIDER:
            sure = {f.stretch.ref_id for f in (*found, *more) if expected(f) <= MATCH}
            if not sure:
                break
            # Dense enough for any reference, wherever its own codes lie: a third of what ranks disguises.
            step = max(1, sparse(query.fingerprint, self.extractor.sparse) // 3)
            rows = np.flatnonzero(~query.fingerprint.weak)[::step]
            hits = looked_up if looked_up is not None else self._hits(query, rows, nearest)
            lines = foremost(self._from(hits, query, nearest, SHARERS))
            fresh = self.verified(query, [one for one in lines if one.ref_id not in sure], 0)
            looked_up = None
            more += fresh
            if all(expected(f) > MATCH for f in fresh):
                break
        return more

    def settled(self, query: Callable[[Disguise], Query], found: Found, others: Sequence[Line]) -> Found:
        """The same on a line of another stream that fits it as well as its own, if any: a still picture tells no time."""
        own = found.stretch
        near = [line for line in others if line.ref_id == own.ref_id and on_time(line, own)]
        if not near or any(apart(line, own) < KNOWN for line in near):
            return found
        side = Side(query(found.disguise), self.decoys.background)
        reference = self.reference(own.ref_id)
        least = agreement(side, reference, own) - UNTOLD
        moved = (replace(own, time_scale=line.time_scale, offset=line.offset) for line in near)
        best = next((one for one in moved if agreement(side, reference, one) >= least), own)
        return replace(found, stretch=best)

    def glanced(self, clip: Clip, disguises: Sequence[Disguise]) -> list[Found]:
        """What the few best lines of the clip's queries under these disguises give, for a fraction of the cost."""
        queries = (self.extractor.query(clip, disguise) for disguise in disguises)
        return [
            f
            for query, kept in self.disguised(queries, [], GLANCED_LINES)
            for f in self.verified(query, kept, 0)
        ]

    def _searched(
        self,
        part: Clip,
        plain: Fingerprint,
        start: float,
        found: list[Found],
        expected: Expected,
        stages: int | None,
        views: list[View],
        confirmed: Expected | None,
    ) -> list[Found]:
        """What disguised queries of a part of the clip, from ``start`` on, find where nothing is CERTAIN.

        Adds to the ``views``.
        """
        queries = self.extractor.queries(part)
        undisguised = next(queries)
        fresh: list[Found] = []
        if (
            confirmed
            and self.extractor.kind == "audio"
            and not explained(plain, [f for f in found if expected(f) <= CERTAIN], start, part.duration)
        ):
            fresh += self._drowned(undisguised, start, expected, confirmed)
        for stage, size in enumerate(self.extractor.stages[:stages], 1):
            sure = [f for f in (*found, *fresh) if expected(f) <= CERTAIN and not self._bent(f)]
            if explained(plain, sure, start, part.duration):
                break
            there = [shifted(f, -start) for f in sure]
            some = _kept(itertools.islice(queries, size), start, stage, views)
            for query, kept in self.disguised(some, there):
                dense = self.extractor.closer(part, query)
                fresh += [shifted(f, start) for f in self.verified(dense, kept, stage)]
        return fresh

    def _drowned(self, query: Query, start: float, expected: Expected, confirmed: Expected) -> list[Found]:
        """What many more lines of a part of the clip, from ``start`` on, give where peaks speak for one: of a work under
        something louder few codes are left, and chance has as many in some places.
        """
        strong = np.flatnonzero(~query.fingerprint.weak)
        if not len(strong):
            return []
        hits = self._hits(query, strong, DROWNED, patient=True)
        faint = self._from(hits, query, DROWNED, DROWNED)[:DROWNED]

        def spoken_for(found: Found) -> bool:
            one = shifted(found, start)
            return confirmed(one) <= min(FAINT, SAME * expected(one))

        return [shifted(f, start) for f in self.verified(query, faint, 0, spoken_for)]

    def _under(self, clip: Clip, disguise: Disguise, sure: list[Found], stage: int) -> list[Found]:
        """What one disguised query of the whole clip finds outside the ``sure`` stretches."""
        disguised = self.disguised([self.extractor.query(clip, disguise)], sure)
        return [f for query, kept in disguised for f in self.verified(query, kept, stage)]

    def _refined(
        self, clip: Clip, found: list[Found], expected: Expected, views: Sequence[View]
    ) -> list[Found]:
        """The same, and the likeliest of them under the disguises that fit them best: until there is a match; none of them
        where one is certain as it is.
        """
        refined: list[Found] = []
        for f in self._likeliest(found, expected):
            climbed, stage = self._climbed(clip, f, views)
            # What was climbed to from a view had the chances of that view's stage too: the more cautious one counts.
            refined += [max(one, replace(one, stage=stage), key=expected) for one in climbed]
            if any(expected(one) <= MATCH for one in (*found, *refined)):
                break
        return [*found, *refined]

    def _likeliest(self, found: list[Found], expected: Expected) -> list[Found]:
        """Those that are worth refining, each place once, best first."""
        places: list[Found] = []
        for f in sorted(found, key=expected):
            if len(places) == REFINED[self.extractor.kind] or expected(f) <= CERTAIN:
                break
            if places and expected(f) > FAINT:
                break
            if not any(on(line_of(f.stretch), other.stretch) for other in places):
                places.append(f)
        return [f for f in places if f.stretch.similarity >= REFINABLE]

    def fit(self, found: Found, start: float = 0.0) -> Callable[[Query], float]:
        """How well a query of the part of the clip from ``start`` on agrees with what a stretch was found in."""
        reference, aligned = self.reference(found.stretch.ref_id), shifted(found, -start).stretch
        return lambda query: agreement(Side(query, self.decoys.background), reference, aligned)

    def _climbed(self, clip: Clip, found: Found, views: Sequence[View]) -> tuple[list[Found], int]:
        """A stretch under the disguise that fits it best, near its own or that of the view that fits it best, and the stage
        of that view.
        """
        near, stage = [found.disguise], found.stage
        alike = [view for view in views if view[1].disguise.mirror == near[0].mirror]
        if near[0].is_view and alike:
            _, best, stage = max(alike, key=lambda view: self.fit(found, view[0])(view[1]))
            near.append(best.disguise)
        query = self.extractor.refined(clip, list(dict.fromkeys(near)), self.fit(found))
        return self.verified(query, [line_of(found.stretch)], found.stage), stage

    def _elsewhere(self, clip: Clip, found: list[Found], expected: Expected) -> list[Found]:
        """The likeliest match, where it is short, at the other places of its work that are likest to it: a loop, and
        pictures that hardly move, are about as like in many, of which few were looked up.
        """
        best = min(found, key=expected, default=None)
        if best is None or expected(best) > MATCH:
            return []
        if best.stretch.query_end - best.stretch.query_start > EXCERPT:
            return []
        query = self.extractor.densest(clip, best.disguise)
        lines = places(Side(query, self.decoys.background), self.reference(best.stretch.ref_id), best.stretch)
        return self.verified(query, [line_of(best.stretch), *lines], best.stage)

    def _bent(self, found: Found) -> bool:
        """Whether the time scale is so far from the assumed one that another disguise may explain it better."""
        bend = abs(found.stretch.time_scale / found.disguise.time_scale - 1)
        return bend > BENT * self.extractor.tolerance

    def looked_up(self, query: Query, step: int = 1) -> list[Line]:
        """Lines on which every ``step``-th code of a query that is not weak lies, best first."""
        # Of many disguises all but one are wrong: to look further for each would take minutes.
        hits = self._hits(query, np.flatnonzero(~query.fingerprint.weak)[::step], NEAREST, patient=step == 1)
        return lines(hits, 8 * query.fingerprint.width, self.extractor.tolerance, LINES)

    def disguised(
        self, queries: Iterable[Query], sure: list[Found], most: int = DISGUISED_LINES
    ) -> list[tuple[Query, list[Line]]]:
        """The best lines of all disguised queries outside the ``sure`` stretches, by query."""
        best: list[tuple[float, int, Line, Query]] = []
        earlier = itertools.count(0, -1)
        for query in queries:
            if not len(query.fingerprint):  # played faster, a short clip is too short for a code
                continue
            for line in self.looked_up(query, sparse(query.fingerprint, self.extractor.sparse)):
                if not covered(line, sure):
                    heapq.heappush(best, (line.votes, next(earlier), line, query))
                if len(best) > most:
                    heapq.heappop(best)
        by_query: dict[int, tuple[Query, list[Line]]] = {}
        for _, _, line, query in sorted(best, key=lambda entry: (-entry[0], -entry[1])):
            by_query.setdefault(id(query), (query, []))[1].append(line)
        return list(by_query.values())

    def verified(
        self, query: Query, candidates: list[Line], stage: int, hopeful: Hopeful | None = None
    ) -> list[Found]:
        """The scored stretches along these lines.

        ``hopeful`` is asked about each as if chance gave nothing of it: what is hopeless even so need not be rated.
        """
        side, found = Side(query, self.decoys.background), list[Found]()
        for line in candidates:
            if any(on(line, other.stretch) for other in found):
                continue
            aligned = stretch(side, self.reference(line.ref_id), line, self.extractor.tolerance)
            if aligned is None:
                continue
            most = Found(aligned, query.disguise, stage, score(aligned, (0.0, 0.0), self.exactness))
            if hopeful is None or hopeful(most):
                rated = score(aligned, self._chance(side, aligned), self.exactness)
                found += [replace(most, stretch=part, score=rated) for part in parts(aligned)]
        return found

    def _chance(self, side: Side, aligned: Stretch) -> tuple[float, float]:
        """Likeness and motion that decoys share with the same seconds of the same query."""
        times = side.times
        inside = np.flatnonzero((times >= aligned.query_start - 1e-6) & (times <= aligned.query_end + 1e-6))
        part = side.part(inside)
        step = sparse(part.query.fingerprint, self.extractor.sparse)
        strong = np.flatnonzero(~part.query.fingerprint.weak)[::step]
        hits = self.decoys.index.search(part_of(part.query.fingerprint, strong), RIVAL_HITS)
        hits = replace(hits, disguise=side.query.disguise)
        best: dict[int, tuple[float, float]] = {}
        for line in lines(hits, 8 * part.query.fingerprint.width, self.extractor.tolerance, RIVAL_LINES):
            if len(best) == RIVALS.stop or line.ref_id in best:
                continue
            rival = stretch(
                part, self.decoys.fingerprint(line.ref_id), line, self.extractor.tolerance, brief=True
            )
            best[line.ref_id] = (rival.likeness, rival.motion) if rival is not None else (0.0, 0.0)
        if len(best) <= RIVALS.start:
            return 0.0, 0.0
        likeness, motion = (
            sorted(values, reverse=True)[RIVALS] for values in zip(*best.values(), strict=True)
        )
        return float(np.mean(likeness)), float(np.mean(motion))


def _excerpts(clip: Clip) -> Iterator[tuple[float, Clip]]:
    """(start, part): the clip itself when it is short, else EXCERPT of each EVERY seconds or less."""
    count = int(np.ceil(clip.duration / EVERY))
    if count <= 1:
        yield 0.0, clip
        return
    for i in range(count):
        start = (i + 0.5) * clip.duration / count - EXCERPT / 2
        yield start, clip.part(start, EXCERPT)


def _kept(queries: Iterator[Query], start: float, stage: int, views: list[View]) -> Iterator[Query]:
    """The queries of a part, as they are made; those that are another view of it and no more are added to the ``views``."""
    for query in queries:
        if query.disguise.is_view:
            views.append((start, query, stage))
        yield query
