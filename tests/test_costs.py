"""What the benchmarks of speed and scale say of what they measured."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import extraction, scale_rows, speed, stages, stream_rows


def size(hours: int, p50: float, hits: int) -> dict[str, Any]:
    return {"hours": hours, "recall": {"hits": hits, "total": 200}, "cpu_p50": p50, "cpu_p99": 3 * p50, "resident": 6e9,
            "start_cpu": 4.0, "hours_per_cpu_minute": 5000.0}  # fmt: skip


def test_the_index_is_judged_at_ten_thousand_hours() -> None:
    report = {"audio": {"sizes": [size(1000, 0.1, 200), size(10_000, 0.14, 197)]}}
    rows = {row["name"]: row for row in scale_rows.figures(report)}
    recall = rows["audio, 10,000 h: recall of candidates"]
    assert (recall["measured"], recall["reached"]) == ("98.5% (197 of 200)", False)
    assert [row["name"] for row in rows.values() if not row["reached"]] == [recall["name"]]
    assert rows["audio, 10,000 h: time of a query beside 1,000 h"]["measured"] == "1.4x"


def test_without_the_largest_catalog_nothing_is_judged() -> None:
    assert scale_rows.figures({"video": {"sizes": [size(1000, 0.1, 200)]}}) == []
    assert scale_rows.figures({}) == []


def test_registering_is_judged_by_a_bare_decode_and_extraction_by_the_peers_that_are_there() -> None:
    row = {
        "register": {"cpu": 10.0},
        "bare_decode": {"cpu": 8.4},
        "extract": {"cpu": 4.0},
        "peers": {"vpdq": {"cpu": 8.0}, "mpeg7": {"missing": "ffmpeg not found"}},
    }
    assert [found[1:] for found in extraction.figures({"video": row})] == [
        ("84%", ">= 85%", False),
        ("2.0x", ">= 1.5x", True),
    ]


def test_stages_and_what_is_left_are_the_wall_time() -> None:
    start, index = ("/here/cli.py", 1, "match"), ("/here/index/segments.py", 45, "load_index")
    load, log = ("<frozen importlib._bootstrap>", 1, "_find_and_load"), ("~", 0, "log")

    def row(own: float, total: float, **callers: float) -> tuple[int, int, float, float, dict[Any, Any]]:
        known = {"start": start, "index": index, "load": load}
        return 1, 1, own, total, {known[name]: (1, 1, seconds, seconds) for name, seconds in callers.items()}

    rows = {
        start: row(0.5, 2.0),
        index: row(0.25, 1.0, start=1.0),
        load: row(0.5, 0.75, index=0.5, start=0.25),  # of which the index loads two thirds
        log: row(0.75, 0.75, index=0.25, start=0.25, load=0.25),
    }
    seconds = stages.told(SimpleNamespace(stats=rows), wall=2.5)
    assert {stage: seconds[stage] for stage in ("loading the index", "loading code", stages.REST, stages.START)} == {
        "loading the index": 0.5, "loading code": 0.75, stages.REST: 0.75, stages.START: 0.5}  # fmt: skip
    assert sum(seconds.values()) == 2.5


def test_what_calls_itself_is_the_rest() -> None:
    one, other = ("/here/a.py", 1, "one"), ("/here/a.py", 2, "other")
    rows = {
        one: (1, 1, 0.5, 1.0, {other: (1, 1, 0.5, 1.0)}),
        other: (1, 1, 0.5, 1.0, {one: (1, 1, 0.5, 1.0)}),
    }
    assert stages.told(SimpleNamespace(stats=rows), wall=1.0)[stages.REST] == 1.0


def test_a_profile_is_not_taken_on_codes_that_are_made_no_longer(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="run whorl bench speed first"):
        speed.profile(tmp_path, print)


def test_streams_are_judged_by_what_was_measured_of_them() -> None:
    soon = {"p50": 3.0, "p95": 9.0}
    report = {
        "events": {"audio, clean": {"asked": 2, "found": 2, "started": soon, "ended": soon, "ends within 1 s": 2}},
        "day": {"hours": 24.0, "hours registered": 1000.0, "works": 200, "found": 199, "wrong": 1,
                "MiB after a tenth": 300, "MiB at the end": 310},
        "radios": {"streams that two cores carry": 102},
        "live against live, pictures alone": [
            {"delay": 5.0, "found after seconds of stream": 4.4, "error of the last": 0.3},
            {"delay": 30.0, "found after seconds of stream": None, "error of the last": None}],
    }  # fmt: skip
    assert [(row["measured"], row["reached"]) for row in stream_rows.required(report)] == [
        ("2 of 2", True), ("3.0 / 9.0", False), ("3.0 / 9.0", True), ("2 of 2", True),
        ("199 of 200", True), ("1", False), ("300 to 310 MiB", True), ("102", True),
        ("4.4 s", True), ("0.30 s", False), ("no", False)]  # fmt: skip
