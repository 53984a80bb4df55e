"""What a stream's page draws: which work was on when, on the clock on the wall."""

from datetime import UTC, datetime, timedelta

from evidence.answer import Json
from service.web.history import LEAST, History, history

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
DISGUISE = {"mirror": True, "crop": None, "pitch": 0.0}


def at(seconds: float) -> str:
    """So many seconds after noon; watching began at noon."""
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def stream(*on: Json, seen: float = 1000.0) -> Json:
    return {"on": list(on), "seen": at(seen)}


def told(
    sequence: int, event: str, airing: int, work: str, span: tuple[float, float], **more: object
) -> Json:
    """An event that came two seconds after the last second that it tells of."""
    start, end = span
    segment = {
        "kind": "audio",
        "query_start": start,
        "query_end": end,
        "time_scale": 1.0,
        "disguise": DISGUISE,
    }
    about = {
        "sequence": sequence,
        "event": event,
        "airing": airing,
        "at": at(end + 2),
        "stream_time": end + 2,
    }
    reference = {"id": work, "name": work, "title": work, "owner": ""}
    return {
        **about,
        "reference": reference,
        "verdict": "match",
        "expected_false_matches": 1e-9,
        "segments": [segment],
        **more,
    }


def note(sequence: int, seconds: float, event: str = "note") -> Json:
    return {
        "sequence": sequence,
        "event": event,
        "at": at(seconds),
        event: {"code": "lost", "message": "words"},
    }


def drawn(stream: Json, *events: Json) -> History:
    found = history(stream, list(events))
    assert found is not None
    return found


def spans(found: History) -> list[tuple[str, list[tuple[float, float, bool]]]]:
    """(work, [(start, end, whether it goes on)]) of each lane, in seconds after noon."""
    return [
        (lane["reference"]["id"], [
            ((one["start"] - NOON).total_seconds(), (one["end"] - NOON).total_seconds(), one["going"])
            for one in lane["airings"]
        ]) for lane in found.lanes
    ]  # fmt: skip


def test_a_work_that_was_on_has_the_seconds_of_its_end() -> None:
    events = (told(2, "ended", 1, "7", (10, 60)), told(1, "started", 1, "7", (10, 14)))
    assert spans(drawn(stream(), *events)) == [("7", [(10, 60, False)])]


def test_a_work_that_is_on_goes_on_until_the_stream_was_last_seen() -> None:
    started = told(1, "started", 1, "7", (10, 14))
    assert spans(drawn(stream({"airing": 1}, seen=300), started)) == [("7", [(10, 300, True)])]


def test_one_that_was_stopped_ends_with_what_is_known() -> None:
    assert spans(drawn(stream(), told(1, "started", 1, "7", (10, 14)))) == [("7", [(10, 14, False)])]


def test_what_started_long_ago_and_is_on_is_drawn_from_what_the_stream_says() -> None:
    work = told(9, "continues", 3, "7", (0, 5)) | {"since": at(0), "at": at(90)}
    del work["sequence"]
    found = drawn(stream(work, seen=100), note(50, 95))
    assert spans(found) == [("7", [(0, 100, True)])]
    assert found.lanes[0]["airings"][0]["row"] == "events"


def test_each_work_has_a_lane_in_the_order_of_its_first_time() -> None:
    events = [
        told(1, "ended", 1, "8", (0, 5)), told(2, "ended", 2, "7", (10, 20)), told(3, "ended", 3, "8", (30, 40)),
    ]  # fmt: skip
    assert spans(drawn(stream(), *reversed(events))) == [
        ("8", [(0, 5, False), (30, 40, False)]),
        ("7", [(10, 20, False)]),
    ]


def test_a_watch_that_began_anew_is_drawn_where_it_was_on_the_clock() -> None:
    """After a pause of an hour the stream's seconds are an hour behind the clock."""
    late = told(1, "ended", 1, "7", (10, 60))
    late["at"] = at(3600 + 62)
    assert spans(drawn(stream(), late)) == [("7", [(3610, 3660, False)])]


def test_licences_disguises_and_delays_are_told() -> None:
    event = told(1, "ended", 1, "7", (10, 60), licensed={"licence": "1"}, delay=3.5)
    (airing,) = drawn(stream(), event).lanes[0]["airings"]
    assert (airing["verdict"], airing["disguises"], airing["delay"]) == ("licensed", ["mirrored"], 3.5)


def test_remarks_are_marks_and_nothing_is_nothing() -> None:
    found = drawn(stream(), note(1, 5), note(2, 6, "error"))
    assert [(mark["event"], mark["words"]) for mark in found.marks] == [("note", "words"), ("error", "words")]
    assert found.axis.span == LEAST
    assert history(stream(), []) is None


def test_ticks_say_what_is_needed() -> None:
    short = drawn(stream(), told(1, "ended", 1, "7", (0, 90)))
    hours = drawn(stream(), told(1, "ended", 1, "7", (0, 9000)))
    days = drawn(stream(), told(1, "ended", 1, "7", (0, 200_000)))
    moment = NOON.timestamp()
    assert [one.label(moment) for one in (short, hours, days)] == ["12:00:00", "12:00", "2 Jan, 12:00"]
