"""The figures asked for of the index at ten thousand hours, beside what was measured."""

from typing import Any

LARGEST, BEFORE = 10_000, 1_000  # hours
RECALL, GROWTH, RESIDENT, START, INSERTED = 0.99, 4.0, 8e9, 10.0, 2000
FAST = {"p50": 0.15, "p99": 0.5}  # seconds
LENGTHS = {"audio": 10, "video": 5}  # seconds of the queries

Row = dict[str, Any]


def figures(report: dict[str, Any]) -> list[Row]:
    """Those of both kinds, where the largest catalog was measured."""
    rows: list[Row] = []
    for kind in LENGTHS:
        sizes = {row["hours"]: row for row in report.get(kind, {}).get("sizes", [])}
        if {LARGEST, BEFORE} <= sizes.keys():
            rows += _figures(kind, sizes[LARGEST], sizes[BEFORE])
    return rows


def _figures(kind: str, large: Row, before: Row) -> list[Row]:
    hits, total = large["recall"]["hits"], large["recall"]["total"]
    growth, rate = large["cpu_p50"] / before["cpu_p50"], large["hours_per_cpu_minute"]
    rows = [
        ("recall of candidates", f"{hits / total:.1%} ({hits} of {total})", ">= 99%", hits >= RECALL * total)
    ]
    for q, most in FAST.items():
        seconds = large[f"cpu_{q}"]
        name = f"a query of {LENGTHS[kind]} s, {q}, one core"
        rows.append((name, f"{1e3 * seconds:.0f} ms", f"<= {1e3 * most:.0f} ms", seconds <= most))
    rows += [
        ("time of a query beside 1,000 h", f"{growth:.1f}x", "<= 4x", growth <= GROWTH),
        ("memory", f"{large['resident'] / 1e9:.1f} GB", "<= 8 GB", large["resident"] <= RESIDENT),
        ("start to first answer", f"{large['start_cpu']:.1f} s", "<= 10 s", large["start_cpu"] <= START),
        ("inserted in a minute", f"{rate:.0f} h", ">= 2000 h", rate >= INSERTED),
    ]
    names = ("name", "measured", "required", "reached")
    return [dict(zip(names, (f"{kind}, 10,000 h: {row[0]}", *row[1:]), strict=True)) for row in rows]
