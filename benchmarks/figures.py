"""Writes the figures of ``benchmarks/results`` into README.md: ``python -m benchmarks.figures``."""

import json
from pathlib import Path

from benchmarks.accuracy import RESULTS

README = Path(__file__).parents[1] / "README.md"
FILES = (
    "accuracy.json",
    "disguises.json",
    "speed.json",
    "scale.json",
    "scan.json",
    "service.json",
    "streams.json",
    "on_air.json",
)
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def rows(path: Path) -> list[str]:
    """The required figures of one file of results as rows of a table; none where it was not made yet."""
    if not path.exists():
        return []
    required = json.loads(path.read_text())["required"]
    return [
        f"| {r['name']} | {r['measured']} | {r['required']}{'' if r['reached'] else ' (missed)'} |"
        for r in required
    ]


def section(results: Path = RESULTS) -> str:
    """What stands between the markers."""
    lines = [row for name in FILES for row in rows(results / name)]
    table = ["| what | measured | asked for |", "|---|---|---|", *lines] if lines else ["Not measured yet."]
    return "\n".join([BEGIN, *table, END])


def filled(text: str, results: Path = RESULTS) -> str:
    """A text with the section between its markers replaced. Raises ValueError when it lacks the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the text has no {BEGIN} ... {END} to fill")
    return before + section(results) + after


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
