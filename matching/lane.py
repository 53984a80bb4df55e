"""One kind of an endless capture, sound or pictures: what is on is followed, what is not known is sought.

Everything is done again for the last seconds as they come. What chance would give is counted for a day of stream: a
stream that is watched for long is a long query, however short the piece that is looked at.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from fingerprint.extractor import Extractor
from fingerprint.fingerprint import PLAIN, Disguise, Query
from index.catalog import CatalogError, Reference, Work
from matching.align import Line
from matching.confirm import Witness
from matching.eclipse import without_eclipsed
from matching.found import Found
from matching.join import Placed, place
from matching.judge import Judge
from matching.rolling import KEPT, Rolling, View
from matching.score import MATCH, TRIAL, Calibration
from matching.search import Search
from matching.verify import Side, Stretch, agreement, parts, stretch

DAY = 86400.0  # seconds of stream in which chance gives ``expected_false_matches``
# Seconds of a day that count for titles of registered series: such a title is like its series throughout, so all of it is
# one trial of TRIAL seconds and not many; every half hour there is another.
SIBLINGS = 48 * TRIAL
WINDOW = 12.0  # seconds that are looked at together
FRESH = 8.0  # seconds of them in which disguises are tried
LEAST = 2.0  # seconds that nothing explains, from which on something is sought in them
LINES = 3  # of them that are verified, of each view
PAUSE = 4.0  # seconds without the work after which it has ended
QUIET = 9.0  # the same, while the stream is silent or black
AT_END = 1.5  # the same, where the reference ends
ENDING = 0.75  # seconds before its end, in which its last code may lie
STARVED = 30.0  # seconds by which sound or pictures lag behind, from which on they are missing
OFTEN = 0.5  # seconds at least between two looks
BENDING = 0.02  # by which the time scale of what is followed may still be corrected
ALIKE = 0.7  # of a copy's similarity, that what comes before it must have to be of it too
SURE = 5.0  # seconds of a stretch whose line is better than the one known
KNOWN = 2  # disguises of a stream that are remembered
MIRRORED = 0.5  # seconds between the pictures that are looked at mirrored
AGAIN = {
    "audio": (2.0, 8.0),
    "video": (6.0, 12.0),
}  # seconds between hunts, and between thorough ones, at least


class Lengths:
    """Seconds of each reference, asked once; those on the air grow until they are on the air no longer."""

    def __init__(self, reference: Callable[[int], tuple[Reference, Work]]) -> None:
        self._reference = reference
        self._known: dict[int, float] = {}

    def __call__(self, ref_id: int) -> float:
        """Seconds of a reference. Raises KeyError."""
        if ref_id < 0:
            with suppress(KeyError):
                self._known[ref_id] = self._reference(ref_id)[0].duration
        elif ref_id not in self._known:
            self._known[ref_id] = self._reference(ref_id)[0].duration
        return self._known[ref_id]


@dataclass(slots=True)
class Tracked:
    """A work that is on, or was: its line ``ref = time_scale * stream + offset`` and its first and last second of stream.

    disguise  under which it was found
    since     when it was found, on the stream's axis
    ended     whether it is over
    """

    ref_id: int
    kind: str
    disguise: Disguise
    time_scale: float
    offset: float
    start: float
    end: float
    expected: float
    score: float
    since: float
    ended: bool = False

    def at(self, seconds: float) -> float:
        """The reference's second at a second of the stream."""
        return self.time_scale * seconds + self.offset


@dataclass(slots=True)
class Effort:
    """How much may be spent.

    share     of each second of stream, in CPU seconds, for hunts for disguises
    hunting   whether there is time for them at all
    """

    share: float = 0.3
    hunting: bool = True


class Lane:
    """One kind of stream of one capture."""

    def __init__(self, kind: str, extractor: Extractor) -> None:
        self.held = Rolling(kind)
        self.tracked: list[Tracked] = []
        self._extractor = extractor
        self._plain = View(extractor, PLAIN)
        self._views: dict[Disguise, View] = {}
        self._mirror = View(extractor, Disguise(mirror=True), MIRRORED) if kind == "video" else None
        self._hunted = self._hunted_all = 0.0
        self._looked = -OFTEN
        self._witness: Witness | None = None  # of what is sought in

    def step(
        self, search: Search, model: Calibration, lengths: Lengths, effort: Effort, seconds: float
    ) -> None:
        """Looks at what has come up to ``seconds`` of the stream.

        ``tracked`` tells what is on afterwards, and what has ended lately.
        """
        for one in self.tracked if seconds - self.held.end > STARVED else ():
            one.ended = (
                one.ended or seconds - one.end > QUIET
            )  # sound without pictures, or pictures without sound
        now = self.held.end
        if self.held.empty or now - self._looked < OFTEN:
            return
        self._looked = now
        self.held.trim()
        self.tracked = [t for t in self.tracked if not t.ended or t.end > now - KEPT]
        for view in self._current():
            view.update(self.held)
        if not len(search.index):  # what was on was removed meanwhile
            for one in self.tracked:
                one.ended = True
            return
        for one in [t for t in self.tracked if not t.ended]:
            try:
                self._follow(one, search, model, lengths(one.ref_id), now)
            except (KeyError, CatalogError):
                one.ended = True  # its reference was removed meanwhile
        if self._unknown(now) >= LEAST:
            self._seek(search, model, lengths, now)
        if effort.hunting and self._unknown(now) >= LEAST:
            self._hunt(search, model, lengths, now, effort)

    def behind(self, end: float, seconds: float) -> bool:
        """Whether it has yet to look up to ``end``, when the stream is at ``seconds``; not where hardly any of it comes."""
        lagging = not self.held.empty and seconds - self.held.end <= WINDOW
        return lagging and self._looked < end - OFTEN

    def _current(self) -> list[View]:
        known = [view for view in self._views.values() if view.used >= self.held.end - 60.0]
        return [self._plain, *([self._mirror] if self._mirror else []), *known]

    def _view(self, disguise: Disguise) -> View:
        """The codes under a disguise, from now on kept up to date; of the oldest no more where there are many."""
        if disguise == PLAIN:
            return self._plain
        if disguise not in self._views:
            if len(self._views) >= KNOWN:
                oldest = min(self._views, key=lambda d: self._views[d].used)
                del self._views[oldest]
            self._views[disguise] = View(self._extractor, disguise)
        view = self._views[disguise]
        view.used = self.held.end
        view.update(self.held)
        return view

    def _expected(self, search: Search, model: Calibration, found: Found) -> float:
        return Judge(model, DAY, len(search.index), self._witness, SIBLINGS).confirmed(found)

    def _follow(self, one: Tracked, search: Search, model: Calibration, length: float, now: float) -> None:
        """Sees how far a work goes on, and whether it is over."""
        begin = max(self.held.begin, now - WINDOW, one.start - 1.0)
        if now - begin < LEAST and one.end >= begin - PAUSE:
            return  # too little has come since it was followed before
        begin = min(begin, now)
        query = self._view(one.disguise).query(begin, now)
        found = self._along(one, search, query, begin)
        for part in found:
            if begin + part.stretch.query_end > one.end:
                self._extend(one, search, model, part, begin, length)
        silent = _silent(query, one.end - begin)
        over = one.ref_id > 0 and one.at(one.end) >= length - ENDING
        patience = QUIET if silent else AT_END if over else PAUSE
        one.ended = now - one.end > patience

    def _along(self, one: Tracked, search: Search, query: Query, begin: float) -> list[Found]:
        """The stretches on a tracked line, or very near it."""
        middle = query.fingerprint.duration / 2
        line = Line(one.ref_id, one.time_scale, one.at(begin), middle, 0.0)
        side = Side(query, search.decoys.background)
        aligned = stretch(side, search.reference(one.ref_id), line, BENDING)
        if aligned is None or _off(aligned, line) > 0.5:
            return []
        found = Found(aligned, one.disguise, 0, 0.0)
        return [replace(found, stretch=part) for part in parts(aligned)]

    def _extend(
        self, one: Tracked, search: Search, model: Calibration, part: Found, begin: float, length: float
    ) -> None:
        placed = place(part, self._extractor, begin, self.held.end - begin, 0.0, length).segment
        one.end = max(one.end, placed.query_end)
        aligned = part.stretch
        if aligned.query_end - aligned.query_start >= SURE:
            one.time_scale = aligned.time_scale
            one.offset = aligned.offset - aligned.time_scale * begin

    def _spans(self) -> list[tuple[float, float]]:
        return [(t.start, t.end) for t in self.tracked]

    def _outside(self, query: Query, begin: float) -> Query:
        """The codes that no tracked work explains; one explains a second around it too."""
        times, keep = query.fingerprint.times + begin, ~query.fingerprint.weak
        for first, last in self._spans():
            keep &= (times < first - 1) | (times > last + 1)
        made = query.fingerprint
        return Query(
            replace(made, times=made.times[keep], codes=made.codes[keep], weak=made.weak[keep]),
            query.reliability[keep],
            query.disguise,
        )

    def _unknown(self, now: float) -> float:
        """Seconds at the end that hold something which nothing explains."""
        begin = max(self.held.begin, now - WINDOW)
        query = self._plain.query(begin, now)
        whole = len(query.fingerprint)
        return len(self._outside(query, begin).fingerprint) / whole * (now - begin) if whole else 0.0

    def _seek(self, search: Search, model: Calibration, lengths: Lengths, now: float) -> None:
        """Looks for works in what is unknown: as it is, mirrored, and as the stream was disguised before."""
        begin = max(self.held.begin, now - WINDOW)
        self._witness = Witness(self.held.clip(begin, now), self._extractor, search.confirming)
        found = self._sought(search, model, self._plain, begin, now, 0)
        for view in self._views.values():
            found += self._sought(search, model, view, begin, now, 0)
        if self._mirror and not self._good(found, search, model):
            lines = self._lines(search, self._mirror.query(begin, now), begin)
            rough = search.verified(self._mirror.query(begin, now), lines[:LINES], 1)
            if any(self._expected(search, model, f) < DAY for f in rough):
                found += self._sought(search, model, self._view(self._mirror.disguise), begin, now, 1)
        self._take(found, search, model, lengths, begin, now)

    def _good(self, found: Sequence[Found], search: Search, model: Calibration) -> bool:
        return any(self._expected(search, model, f) <= MATCH for f in found)

    def _lines(self, search: Search, query: Query, begin: float) -> list[Line]:
        """Where the codes that nothing explains point to, best first."""
        unknown = self._outside(query, begin)
        count = len(unknown.fingerprint)
        if not count:
            return []
        spacing = (unknown.fingerprint.times[-1] - unknown.fingerprint.times[0] + 1e-6) / count
        return search.looked_up(unknown, max(1, round(search.extractor.sparse / max(spacing, 0.01))))

    def _sought(
        self, search: Search, model: Calibration, view: View, begin: float, now: float, stage: int
    ) -> list[Found]:
        query = view.query(begin, now)
        lines = self._lines(search, query, begin)[:LINES]

        def hopeful(found: Found) -> bool:
            return self._expected(search, model, found) <= MATCH

        return search.verified(self._outside(query, begin), lines, stage, hopeful)

    def _hunt(self, search: Search, model: Calibration, lengths: Lengths, now: float, effort: Effort) -> None:
        """Tries the disguises, as often as their cost allows: the likely ones, now and then all of them."""
        begin = max([self.held.begin, now - FRESH, *(t.end for t in self.tracked)])
        if now < self._hunted or now <= begin:  # after a restart what was followed before lies ahead
            return
        thorough = now >= self._hunted_all
        begun = time.thread_time()
        clip = self.held.clip(begin, now)
        self._witness = Witness(clip, self._extractor, search.confirming)
        found, _ = search.candidates(
            clip, lambda f: self._expected(search, model, f), (), None if thorough else 1
        )
        self._take(found, search, model, lengths, begin, now)
        rest = (time.thread_time() - begun) / max(effort.share, 1e-3)
        often, seldom = AGAIN[self.held.kind]
        self._hunted = now + max(often, rest)
        if thorough:
            self._hunted_all = now + max(seldom, 2 * rest)

    def _take(
        self,
        found: list[Found],
        search: Search,
        model: Calibration,
        lengths: Lengths,
        begin: float,
        now: float,
    ) -> None:
        """Begins to track what was surely found."""

        def expected(one: Found) -> float:
            return self._expected(search, model, one)

        for one in without_eclipsed(found, expected):
            if expected(one) > MATCH:
                continue
            try:
                length = lengths(one.stretch.ref_id)
            except KeyError:  # removed meanwhile
                continue
            placed = place(one, self._extractor, begin, now - begin, expected(one), length)
            if not self._tracked_already(placed):
                self.tracked.append(self._begun(placed, one, search, lengths, begin, now))

    def _tracked_already(self, placed: Placed) -> bool:
        segment = placed.segment
        middle = (segment.query_start + segment.query_end) / 2
        foretold = segment.ref_start + segment.time_scale * (middle - segment.query_start)
        return any(
            t.ref_id == placed.ref_id
            and (middle <= t.end + 0.5 if t.ended else segment.query_start <= t.end + PAUSE)
            and abs(t.at(middle) - foretold) < 1.0
            for t in self.tracked
        )

    def _begun(
        self, placed: Placed, one: Found, search: Search, lengths: Lengths, begin: float, now: float
    ) -> Tracked:
        """Its beginning is sought before the window too, where it fills the window from its start."""
        segment = placed.segment
        offset = segment.ref_start - segment.time_scale * segment.query_start
        tracked = Tracked(
            placed.ref_id, self.held.kind, one.disguise, segment.time_scale, offset,
            segment.query_start, segment.query_end, placed.expected, one.score, now,
        )  # fmt: skip
        if one.stretch.at_query_edges[0] and begin > self.held.begin + 0.5:
            free = max((t.end for t in self.tracked if t.end <= tracked.start + 1), default=0.0)
            earlier = max(self.held.begin, now - KEPT, free)
            query = self._view(one.disguise).query(earlier, now)
            for part in self._along(tracked, search, query, earlier):
                before = replace(part.stretch, query_end=tracked.start - earlier)
                alike = agreement(
                    Side(query, search.decoys.background), search.reference(placed.ref_id), before
                )
                if before.query_end > before.query_start and alike >= ALIKE * part.stretch.similarity:
                    found = place(part, self._extractor, earlier, now - earlier, 0.0, lengths(placed.ref_id))
                    tracked.start = min(tracked.start, found.segment.query_start)
        return tracked


def _off(aligned: Stretch, line: Line) -> float:
    """Seconds of reference by which a stretch is off the line it was looked for on, at its middle."""
    middle = (aligned.query_start + aligned.query_end) / 2
    return abs((aligned.time_scale - line.time_scale) * middle + aligned.offset - line.offset)


def _silent(query: Query, after: float) -> bool:
    """Whether there is hardly anything in the query after a time."""
    later = query.fingerprint.times > after + 0.7
    return bool(later.any()) and float(query.fingerprint.weak[later].mean()) > 0.6
