"""An answer of the API, with what a page draws of it: lanes, remarks, the times of pictures."""

from urllib.parse import urlencode

from evidence.answer import Json
from evidence.pictures import along, drawn_seconds, frame_times
from evidence.remarks import remarks
from evidence.timeline import Axis, axes
from evidence.words import disguise


def drawn(answer: Json) -> Json:
    """The answer, each match of it with what its drawing needs; and all matches above one another on the capture's lane."""
    matches = [_match(answer, match, number) for number, match in enumerate(answer["matches"])]
    captured = {"place": None, "territory": None, "at": None} | answer["captured"]
    return answer | {
        "captured": captured,
        "matches": matches,
        "axis": Axis(0.0, max(answer["query"]["duration"], 1.0)),
    }


def _match(answer: Json, match: Json, number: int) -> Json:
    top, bottom = axes(answer["query"]["duration"], match["segments"])
    place = f"/media/answers/{answer['id']}"
    segments = [
        _segment(segment, place, match["reference"]["id"], i) for i, segment in enumerate(segments_of(match))
    ]
    found = dict.fromkeys(disguise(segment) for segment in match["segments"])
    found.pop("none found", None)
    return match | {
        "number": number,
        "query_axis": top,
        "ref_axis": bottom,
        "segments": segments,
        "disguises": list(found),
        "remarks": remarks(match, answer),
        "pictured": any(segment["kind"] == "video" for segment in segments),
        "query_url": f"{place}/capture",
        "ref_url": f"{place}/originals/{match['reference']['id']}",
        "licensed": match.get("licensed"),
        "overlap": match.get("overlap", []),
    }


def segments_of(match: Json) -> list[Json]:
    """The segments, pictures before sound, in the capture's order."""
    return sorted(match["segments"], key=lambda one: (one["kind"] != "video", one["query_start"]))


def _segment(segment: Json, place: str, ref_id: str, number: int) -> Json:
    """The segment with the addresses of its pictures."""
    original = f"{place}/originals/{ref_id}"
    pairs = [
        {"at": at, "ref_at": along(segment, at), "capture": f"{place}/capture/frame?{_at(at)}",
         "original": f"{original}/frame?{_at(along(segment, at))}"}
        for at in frame_times(segment)
    ]  # fmt: skip
    seconds = drawn_seconds(segment)
    sound = {
        "seconds": seconds,
        "capture": f"{place}/capture/sound?{_from(segment['query_start'], seconds)}{_track(segment)}",
        "original": f"{original}/sound?{_from(segment['ref_start'], seconds * segment['time_scale'])}",
    }
    shown = {"pairs": pairs} if segment["kind"] == "video" else {"sound": sound}
    return {"pairs": [], "sound": None} | segment | shown | {"number": number}


def played(match: Json) -> list[Json]:
    """What the player needs of the segments to keep both sides in step."""
    names = ("kind", "query_start", "query_end", "ref_start", "ref_end", "time_scale")
    return [{name: segment[name] for name in names} for segment in match["segments"]]


def _track(segment: Json) -> str:
    return f"&track={segment['track']}" if segment.get("track") else ""


def _at(seconds: float) -> str:
    return urlencode({"at": f"{seconds:.3f}"})


def _from(start: float, seconds: float) -> str:
    return urlencode({"start": f"{start:.3f}", "seconds": f"{seconds:.3f}"})
