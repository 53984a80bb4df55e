"""What the benchmarks of speed and scale say of what they measured."""

from types import SimpleNamespace
from typing import Any

from benchmarks import extraction, scale_rows, stages


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
    rows: dict[tuple[str, int, str], tuple[int, int, float, float, dict[str, Any]]] = {
        ("/here/index/segments.py", 45, "load_index"): (1, 1, 0.1, 0.5, {}),
        ("/here/matching/align.py", 29, "lines"): (9, 9, 0.2, 0.25, {}),
        ("/here/other.py", 1, "lines"): (1, 1, 1.0, 1.0, {}),
    }
    seconds = stages.told(SimpleNamespace(stats=rows, total_tt=2.0), wall=2.5)
    assert (seconds["loading the index"], seconds["hits to lines"]) == (0.5, 0.25)
    assert (seconds[stages.REST], seconds[stages.START]) == (1.25, 0.5)
    assert sum(seconds.values()) == 2.5
