"""The figures asked for of the service, beside what was measured."""

from typing import Any

RATE, ANSWERED, SLOWEST, KILLS = 50.0, 1.5, 0.5, 100

Row = dict[str, Any]


def required(report: dict[str, Any]) -> list[Row]:
    """A row for each figure whose measurement is in the report."""
    rows: list[tuple[str, str, str, bool]] = []
    if clips := report.get("clips"):
        seconds = clips["p50"]
        name = f"service, a clip of 10 s from its job to the answer, p50 of {clips['clips']}"
        rows.append((name, f"{seconds:.2f} s", f"<= {ANSWERED} s", seconds <= ANSWERED))
    if prints := report.get("fingerprints"):
        name, rate = f"service, {prints['clients']} clients with fingerprints", prints["answers_a_second"]
        rows += [
            (name, f"{rate:.0f} answers/s", f">= {RATE:.0f}", rate >= RATE),
            (f"{name}, p99", f"{1e3 * prints['p99']:.0f} ms", "<= 500 ms", prints["p99"] <= SLOWEST),
            (f"{name}, errors", str(prints["errors"]), "0", prints["errors"] == 0),
        ]
    if kills := report.get("kills"):
        done = kills["kills_of_the_api"] + kills["kills_of_a_worker"]
        lost = sum(
            kills[k] for k in ("never_ended", "ended_twice", "without_an_answer", "lost_bytes", "wrong_bytes")
        )
        name = f"service, jobs or bytes lost by {done} kills of {kills['accepted']} jobs"
        rows.append((name, str(lost), f"0 by {KILLS} kills", lost == 0 and done >= KILLS))
    names = ("name", "measured", "required", "reached")
    return [dict(zip(names, row, strict=True)) for row in rows]
