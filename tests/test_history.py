"""What a stream's page tells and draws: which work was on when, on the clock on the wall."""

from datetime import UTC, datetime, timedelta

from evidence.answer import Json
from service.web.history import LEAST, History, history, timed

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
DISGUISE = {"mirror": False, "crop": None, "pitch": 0.0}


def at(seconds: float) -> str:
    """So many seconds after noon."""
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def segment(kind: str, **how: object) -> Json:
    span = {"query_start": 0.0, "query_end": 5.0, "time_scale": 1.0}
    return {"kind": kind, **span, "disguise": {**DISGUISE, **how}}


def airing(number: int, work: str, start: float, end: float, **more: object) -> Json:
    """As the API tells it, and as pages have it."""
    reference = {"id": work, "name": work, "title": work, "owner": ""}
    about = {"id": str(number), "airing": number, "began": at(start), "until": at(end), "going": False}
    told = {"reference": reference, "verdict": "match", "segments": [segment("audio")], **more}
    return timed({**about, **told})


def note(seconds: float, event: str = "note") -> Json:
    return {"event": event, "at": at(seconds), event: {"code": "lost", "message": "words"}}


def drawn(*airings: Json) -> History:
    found = history(list(airings), [])
    assert found is not None
    return found


def test_each_work_has_a_lane_in_the_order_of_its_first_time() -> None:
    found = drawn(airing(3, "8", 30, 40), airing(2, "7", 10, 20), airing(1, "8", 0, 5))
    spans = [
        (lane["reference"]["id"], [(one["start"] - NOON).total_seconds() for one in lane["airings"]])
        for lane in found.lanes
    ]
    assert spans == [("8", [0, 30]), ("7", [10])]


def test_licences_and_delays_are_told() -> None:
    found = airing(1, "7", 10, 60, licensed={"licence": "1"}, delay=3.5)
    assert (found["verdict"], found["delay"], found["seconds"]) == ("licensed", 3.5, 50.0)
    assert airing(1, "7", 10, 60)["delay"] is None


def test_the_disguises_of_all_segments_are_told_and_what_is_on() -> None:
    found = airing(1, "7", 0, 5, segments=[segment("audio"), segment("video", mirror=True)])
    assert (found["disguises"], found["kinds"]) == (["mirrored"], "sound and picture")
    assert airing(1, "7", 0, 5)["kinds"] == "sound"


def test_remarks_are_marks_and_nothing_is_nothing() -> None:
    found = history([], [note(5), note(6, "error")])
    assert found is not None
    assert [(mark["event"], mark["words"]) for mark in found.marks] == [("note", "words"), ("error", "words")]
    assert found.axis.span == LEAST
    assert history([], []) is None


def test_ticks_say_what_is_needed() -> None:
    spans = (90, 9000, 200_000)
    moment = NOON.timestamp()
    labels = [drawn(airing(1, "7", 0, span)).label(moment) for span in spans]
    assert labels == ["12:00:00", "12:00", "2 Jan, 12:00"]
