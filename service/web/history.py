"""A stream's events as its page draws them: which work was on when, on the clock on the wall."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from evidence.answer import Json
from evidence.timeline import Axis
from evidence.words import disguise

LEAST = 60.0  # seconds that a drawing spans at least
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class History:
    """What is drawn. ``lanes`` are works with their airings, ``marks`` what happened to the stream; times in UTC.

    axis   of seconds since 1970
    """

    axis: Axis
    lanes: list[Json]
    marks: list[Json]

    def label(self, seconds: float) -> str:
        """What a tick says."""
        form = "%-d %b, %H:%M" if self.axis.span > DAY else "%H:%M" if self.axis.span > 600 else "%H:%M:%S"
        return f"{datetime.fromtimestamp(seconds, UTC):{form}}"


def history(stream: Json, events: list[Json]) -> History | None:
    """Of a stream and its events, in any order; None where there is nothing to draw."""
    airings = _airings(stream, [event for event in events if "airing" in event])
    marks = [
        {"event": event["event"], "at": _moment(event), "words": _remark(event)}
        for event in events
        if event["event"] in ("note", "error")
    ]
    times = [at for airing in airings for at in (airing["start"], airing["end"])]
    times += [mark["at"] for mark in marks]
    if not times:
        return None
    first, last = min(times).timestamp(), max(times).timestamp()
    return History(Axis(first, max(last - first, LEAST)), _lanes(airings), marks)


def _airings(stream: Json, events: list[Json]) -> list[Json]:
    """Each time that a work was on, as the last of its events has it; what is on goes on until the stream was last seen."""
    on = {work["airing"]: work for work in stream["on"]}
    seen = datetime.fromisoformat(stream["seen"]) if stream["seen"] else None
    airings: dict[int, Json] = {}
    for event in sorted(events, key=lambda one: one["sequence"]):
        before = airings.get(event["airing"])
        airings[event["airing"]] = _airing(event, before, seen if event["airing"] in on else None)
    for number, work in on.items():
        if number not in airings:  # it started before the events that are shown
            start, end = datetime.fromisoformat(work["since"]), datetime.fromisoformat(work["at"])
            airings[number] = _shown(work, start, max(end, seen or end), going=True)
    return sorted(airings.values(), key=lambda one: (one["start"], one["airing"]))


def _airing(event: Json, before: Json | None, seen: datetime | None) -> Json:
    """An event's segments are seconds of the stream: what was examined last, ``stream_time``, is its ``at``."""
    zero = _moment(event) - timedelta(seconds=event["stream_time"])
    start = zero + timedelta(seconds=min(one["query_start"] for one in event["segments"]))
    end = zero + timedelta(seconds=max(one["query_end"] for one in event["segments"]))
    start = min(start, before["start"]) if before else start
    going = event["event"] != "ended" and seen is not None
    return _shown(event, start, max(end, seen) if going and seen else max(start, end), going)


def _shown(told: Json, start: datetime, end: datetime, going: bool) -> Json:
    found = dict.fromkeys(disguise(segment) for segment in told["segments"])
    found.pop("none found", None)
    return {
        "airing": told["airing"],
        "row": f"event-{told['sequence']}" if "sequence" in told else "events",
        "reference": told["reference"],
        "verdict": "licensed" if told.get("licensed") else told["verdict"],
        "expected": told["expected_false_matches"],
        "delay": told.get("delay"),
        "disguises": list(found),
        "start": start,
        "end": end,
        "seconds": (end - start).total_seconds(),
        "going": going,
    }


def _lanes(airings: list[Json]) -> list[Json]:
    """A lane for each work, in the order in which they were on first."""
    lanes: dict[str, Json] = {}
    for airing in airings:
        reference = airing["reference"]
        lane = lanes.setdefault(reference["id"], {"reference": reference, "airings": []})
        lane["airings"].append(airing)
    return list(lanes.values())


def _moment(event: Json) -> datetime:
    return datetime.fromisoformat(event["at"])


def _remark(event: Json) -> str:
    return str((event.get("note") or event.get("error") or {}).get("message", ""))
