"""The figures asked for of streams, beside what was measured: of ``streams.json`` and of ``on_air.json``."""

from collections.abc import Iterator
from typing import Any

SOON, LATEST = 4.0, 8.0  # seconds from a work's first second to "started", p50 and p95
OVER = 10.0  # seconds from its last to "ended"
FOUND = 0.99  # of the works of a day
GROWN = 1.05  # times the memory that a watch may come to in a day
CARRIED = {"radios": 100, "televisions": 8}
AIRED, ASTRAY = (
    10.0,
    0.2,
)  # seconds until a stream is found behind a live one, and by which its delay may be wrong

Row = dict[str, Any]
_Line = tuple[str, str, str, bool]


def required(report: dict[str, Any]) -> list[Row]:
    """A row for each figure whose measurement is in the report."""
    lines = [*_events(report.get("events", {})), *_day(report.get("day", {})), *_on_air(report)]
    return [dict(zip(("name", "measured", "required", "reached"), line, strict=True)) for line in lines]


def _events(events: dict[str, Any]) -> Iterator[_Line]:
    for name, told in events.items():
        asked, found = told["asked"], told["found"]
        yield f"streams, {name}: works found", f"{found} of {asked}", "all", found == asked
        for what, limits in (("started", (SOON, LATEST)), ("ended", (OVER, OVER))):
            got = (told[what]["p50"], told[what]["p95"])
            reached = got[0] <= limits[0] and got[1] <= limits[1]
            asked_for = " / ".join(f"{limit:g}" for limit in dict.fromkeys(limits))
            yield (
                f"streams, {name}: seconds until {what}, p50 / p95",
                f"{got[0]:.1f} / {got[1]:.1f}",
                f"<= {asked_for}",
                reached,
            )
        exact = told["ends within 1 s"]
        yield f"streams, {name}: start and end within 1 s", f"{exact} of {found}", "all", exact == found


def _day(day: dict[str, Any]) -> Iterator[_Line]:
    if not day:
        return
    name = f"streams, {day['hours']:g} h against {day['hours registered']:g} h"
    found, works = day["found"], day["works"]
    yield f"{name}: works found", f"{found} of {works}", f">= {FOUND:.0%}", found >= FOUND * works
    yield f"{name}: told wrongly", str(day["wrong"]), "0", day["wrong"] == 0
    first, last = day["MiB after a tenth"], day["MiB at the end"]
    yield f"{name}: memory", f"{first} to {last} MiB", "flat", last <= GROWN * first


def _on_air(report: dict[str, Any]) -> Iterator[_Line]:
    for kind, least in CARRIED.items():
        if kind in report:
            carried = report[kind]["streams that two cores carry"]
            yield f"{kind} that two cores carry in real time", str(carried), f">= {least}", carried >= least
    for name, rows in report.items():
        for row in rows if name.startswith("live against live") else ():
            behind = f"{name}, {row['delay']:g} s behind"
            found, error = row["found after seconds of stream"], row["error of the last"]
            if found is None or error is None:
                yield f"{behind}: found", "no", f"within {AIRED:g} s", False
                continue
            yield f"{behind}: found after", f"{found:.1f} s", f"<= {AIRED:g} s", found <= AIRED
            yield f"{behind}: delay wrong by", f"{error:.2f} s", f"<= {ASTRAY} s", error <= ASTRAY
