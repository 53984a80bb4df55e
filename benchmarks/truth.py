"""What is true of each query of the benchmark, and the table that keeps it beside the queries' files."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

STRANGER, COUSIN, DECOY = "stranger", "cousin", "decoy"


@dataclass(frozen=True, slots=True)
class Truth:
    """One stretch of a query that is a stretch of a reference; a stranger has an empty reference and zeros.

    query      file name in the cache folder; a compilation has a row for each part
    reference  path of the original inside the media folder
    group      what the query is for: an attack, "compilation", STRANGER, COUSIN, DECOY, or the sort of rendered stranger
    length     seconds that were asked for; a short title gives less
    series     of what is no copy: its source, where titles of that are registered
    turns      other seconds of the reference at which the very same begins: turns of a loop
    Times are in seconds; ``ref = time_scale * query + offset``.
    """

    query: str
    kind: str
    group: str
    length: float
    reference: str = ""
    query_start: float = 0.0
    query_end: float = 0.0
    ref_start: float = 0.0
    ref_end: float = 0.0
    time_scale: float = 1.0
    series: str = ""
    turns: tuple[float, ...] = ()


def write_table(table: Path, truths: Iterable[Truth]) -> None:
    """Written whole or not at all, for it says that all queries are there."""
    unfinished = table.with_suffix(".part")
    with unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Truth)])
        writer.writeheader()
        writer.writerows(asdict(truth) | {"turns": ";".join(map(str, truth.turns))} for truth in truths)
    unfinished.replace(table)


def read_table(table: Path) -> list[Truth]:
    """The truths as they were written."""
    with table.open(newline="") as file:
        return [_truth(row) for row in csv.DictReader(file)]


def _truth(row: dict[str, str]) -> Truth:
    numbers = {field.name: float(row[field.name]) for field in fields(Truth) if field.type is float}
    turns = tuple(float(turn) for turn in row["turns"].split(";") if turn)
    texts = {name: text for name, text in row.items() if name not in numbers and name != "turns"}
    return Truth(**texts, **numbers, turns=turns)  # type: ignore[arg-type]  # each value has the type of its field
