"""What is on in an endless capture: sound and pictures together -> a work starts, continues, ends."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.clip import Frame
from fingerprint.fingerprint import Disguise
from matching.engine import Engine
from matching.lane import Effort, Lane, Lengths, Tracked
from matching.score import verdict
from matching.segment import Segment

EVERY = 10.0  # seconds of stream between two tellings that a work continues
APART = 5.0  # seconds by which a work must go back to count as begun anew
KINDS = ("audio", "video")
OVER = 0  # the number of what is on no longer


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened on the air, at ``seconds`` of the stream.

    what      "started", "continues" or "ended"
    number    counts the airings of this stream: the same for all that is told of one
    segments  which seconds of the stream are which of the reference, by kind; the surest first
    expected  matches at least this good that chance would give in a day of stream
    airtime   of a reference that is on the air, or was: unix time at which its second 0 could be had, as last known
    """

    what: str
    number: int
    ref_id: int
    seconds: float
    segments: tuple[Segment, ...]
    expected: float
    airtime: float | None = None

    @property
    def verdict(self) -> str:
        """ "match" or "review"."""
        return verdict(self.expected) or "review"


@dataclass(slots=True)
class _Airing:
    """One time that a work is on."""

    number: int
    ref_id: int
    parts: list[Tracked] = field(default_factory=list)
    told: float = 0.0
    airtime: float | None = None

    @property
    def ended(self) -> bool:
        return all(part.ended for part in self.parts)

    @property
    def end(self) -> float:
        """The last second of the stream at which it was found."""
        return max(part.end for part in self.parts)


class Airings:
    """Follows one endless capture. Feed it, then ask what has changed."""

    def __init__(self, engine: Engine, first: int = 1) -> None:
        """``first`` numbers the first airing."""
        self._engine, self._next = engine, first
        self._lengths = Lengths(engine.reference)
        self._lanes: dict[str, Lane] = {}
        self._open: list[_Airing] = []
        self._known: set[int] = set()  # what is in an airing already, by identity
        self.effort = Effort()

    def hear(self, start: float, samples: NDArray[np.float32]) -> None:
        """Sound from ``start`` (s) of the stream on."""
        self._lane("audio").held.hear(start, samples)

    def see(self, frames: Iterable[Frame]) -> None:
        """Pictures, their times in seconds of the stream."""
        self._lane("video").held.see(frames)

    def _lane(self, kind: str) -> Lane:
        if kind not in self._lanes:
            self._lanes[kind] = Lane(kind, self._engine.extractors()[kind])
        return self._lanes[kind]

    @property
    def on(self) -> bool:
        """Whether a work is on."""
        return bool(self._open)

    @property
    def next(self) -> int:
        """The number of the next airing."""
        return self._next

    def state(self) -> list[dict[str, Any]]:
        """The airings that are on, as plain data, and what has ended lately: it explains what is looked at again."""
        on = {id(part) for airing in self._open for part in airing.parts}
        past = [p for lane in self._lanes.values() for p in lane.tracked if p.ended and id(p) not in on]
        return [
            asdict(airing) for airing in (*self._open, *(_Airing(OVER, part.ref_id, [part]) for part in past))
        ]

    def restore(self, state: Iterable[dict[str, Any]]) -> None:
        """Goes on with airings that were on when they were followed before."""
        for made in state:
            parts = [_restored(part) for part in made["parts"]]
            if made["number"] != OVER:
                self._open.append(_Airing(**{**made, "parts": parts}))
            for part in parts:
                self._lane(part.kind).tracked.append(part)
                self._known.add(id(part))

    def changes(self, seconds: float) -> list[Change]:
        """What has happened up to ``seconds`` of the stream. Raises CatalogError."""
        searches = self._engine.searches(live=True)
        self._carry_over()  # after the searches: what is on the air to them no longer is registered by now
        for kind, lane in self._lanes.items():
            lane.step(*searches[kind], self._lengths, self.effort, seconds)
        return list(self._told(seconds))

    def finish(self, seconds: float) -> list[Change]:
        """The end of the stream ends all that is on."""
        for lane in self._lanes.values():
            for part in lane.tracked:
                part.ended = True
        return list(self._told(seconds, last=True))

    def _told(self, seconds: float, last: bool = False) -> Iterator[Change]:
        self._carry_over()
        tracked = [t for lane in self._lanes.values() for t in lane.tracked]
        fresh = [t for t in tracked if id(t) not in self._known]
        self._known = {id(t) for t in tracked}
        news: dict[int, str] = {}  # of each airing, by its number
        for part in sorted(fresh, key=lambda t: t.expected):
            yield from self._joined(part, seconds, news)
        self._look_on_air()
        for airing in list(self._open):
            over = airing.ended and (last or not self._awaited(airing, seconds))
            yield from self._news(airing, news, seconds, over)

    def _awaited(self, airing: _Airing, seconds: float) -> bool:
        """Whether sound or pictures have yet to be looked at up to where it ended: they may tell the same."""
        return any(lane.behind(airing.end, seconds) for lane in self._lanes.values())

    def _carry_over(self) -> None:
        """What is on of a reference that was on the air, and was registered meanwhile, goes on as what it is now."""
        live, some = self._engine.live, [part for lane in self._lanes.values() for part in lane.tracked]
        some += [part for airing in self._open for part in airing.parts]
        held: list[Tracked | _Airing] = [*some, *self._open]
        if live is not None and any(one.ref_id < 0 for one in held):
            registered = live.registered()
            for one in held:
                one.ref_id = registered.get(one.ref_id, one.ref_id)

    def _look_on_air(self) -> None:
        """Keeps when what is on was aired: of a reference that is on the air no longer nobody else will know."""
        live = self._engine.live
        if live is None or all(airing.ref_id > 0 for airing in self._open):
            return
        on_air = live.references()
        for airing in self._open:
            if airing.ref_id in on_air:
                airing.airtime = on_air[airing.ref_id].airtime

    def _joined(self, part: Tracked, seconds: float, news: dict[int, str]) -> Iterator[Change]:
        """Adds to what is on, or begins anew."""
        airing = next((a for a in self._open if a.ref_id == part.ref_id), None)
        if airing is not None and self._anew(airing, part):
            for old in airing.parts:
                old.ended = True
            yield from self._news(airing, news, seconds, over=True)
            airing = None
        if airing is not None:
            airing.parts.append(part)
            news.setdefault(airing.number, "continues")
            return
        self._open.append(_Airing(self._next, part.ref_id, [part]))
        news[self._next] = "started"
        self._next += 1

    def _news(self, airing: _Airing, news: dict[int, str], seconds: float, over: bool) -> Iterator[Change]:
        """What is told of one at a time: no more than who was told before does not know."""
        what = news.get(airing.number)
        if what == "started":
            yield self._change(what, airing, seconds)
        if over:
            self._open.remove(airing)
            yield self._change("ended", airing, seconds)
        elif what == "continues" or seconds - airing.told >= EVERY:
            yield self._change("continues", airing, seconds)

    def _anew(self, airing: _Airing, part: Tracked) -> bool:
        """Whether the work has gone back: it is shown again."""
        same = [old for old in airing.parts if old.kind == part.kind]
        last = max(same or airing.parts, key=lambda old: old.end)
        gone_back = part.at(part.start) < last.at(min(part.start, last.end)) - APART
        return gone_back and part.start >= last.end - 1.5

    def _change(self, what: str, airing: _Airing, seconds: float) -> Change:
        airing.told = seconds
        expected = min(part.expected for part in airing.parts)
        parts = sorted(airing.parts, key=lambda p: (p.expected, p.start))
        found = tuple(_segment(part) for part in parts)
        return Change(what, airing.number, airing.ref_id, seconds, found, expected, airing.airtime)


def _segment(part: Tracked) -> Segment:
    return Segment(
        part.kind,
        part.start,
        part.end,
        part.at(part.start),
        part.at(part.end),
        replace(part.disguise, time_scale=part.time_scale),
        part.score,
    )


def _restored(part: dict[str, Any]) -> Tracked:
    given = part["disguise"]
    disguise = Disguise(**{**given, "crop": given["crop"] and tuple(given["crop"])})
    return Tracked(**{**part, "disguise": disguise})
