"""Times that works were on in streams, as pages tell and draw them: on the clock on the wall."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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


def history(airings: list[Json], remarks: list[Json]) -> History | None:
    """Of airings, as ``timed`` gives them, and of notes and errors, in any order; None where there is nothing to draw."""
    marks = [{"event": one["event"], "at": _moment(one["at"]), "words": remark(one)} for one in remarks]
    times = [at for airing in airings for at in (airing["start"], airing["end"])]
    times += [mark["at"] for mark in marks]
    if not times:
        return None
    first, last = min(times).timestamp(), max(times).timestamp()
    return History(Axis(first, max(last - first, LEAST)), _lanes(airings), marks)


def timed(airing: Json) -> Json:
    """An airing of the API with its times, its verdict as it is told, and what is to be said of its segments."""
    start, end = _moment(airing["began"]), _moment(airing["until"])
    return airing | {
        "verdict": "licensed" if airing.get("licensed") else airing["verdict"],
        "delay": airing.get("delay"),
        "disguises": disguises(airing["segments"]),
        "kinds": kinds(airing["segments"]),
        "start": start,
        "end": end,
        "seconds": (end - start).total_seconds(),
    }


def disguises(segments: list[Json]) -> list[str]:
    """The disguises of all segments in words, each once."""
    found = dict.fromkeys(map(disguise, segments))
    found.pop("none found", None)
    return list(found)


def kinds(segments: list[Json]) -> str:
    """What of the work is on: "sound", "picture", "sound and picture"."""
    found = {segment["kind"] for segment in segments}
    return " and ".join(word for kind, word in (("audio", "sound"), ("video", "picture")) if kind in found)


def remark(event: Json) -> str:
    """What a note or an error says."""
    told: dict[str, Any] = event.get("note") or event.get("error") or {}
    return str(told.get("message", ""))


def _lanes(airings: list[Json]) -> list[Json]:
    """A lane for each work, in the order in which they were on first."""
    lanes: dict[str, Json] = {}
    for airing in sorted(airings, key=lambda one: (one["start"], one["airing"])):
        reference = airing["reference"]
        lane = lanes.setdefault(reference["id"], {"reference": reference, "airings": []})
        lane["airings"].append(airing)
    return list(lanes.values())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
