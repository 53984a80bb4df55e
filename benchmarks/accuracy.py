"""How much is found, how surely and how exactly, on sources no model has seen; what strangers give.

    python -m benchmarks.accuracy [--cache FOLDER]

Registers the catalog, renders the queries, examines them, prints a table beside the required figures, and
writes ``accuracy.json`` and ``accuracy.png`` into ``benchmarks/results``.
"""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks import plots
from benchmarks.attacks import ATTACKS
from benchmarks.corpus import media_folder
from benchmarks.metrics import (
    Count,
    Quantiles,
    counted,
    micro_average_precision,
    quantiles,
    recall_at,
    segment_score,
)
from benchmarks.outcomes import Outcome, catalog, found_parts, outcomes, span
from benchmarks.queries import default_cache, queries

RESULTS = Path(__file__).parent / "results"
CLEAN, RECODED = ("audio-none", "video-none"), ("audio-32-kbit", "video-240p-crf-38")
ENDS = 1.0  # seconds within which the ends of a clean excerpt must lie
ALLOWED = (0.0, 0.01)  # false positive rates at which recall is given


@dataclass(frozen=True, slots=True)
class Figure:
    """One required figure: what was measured, what is asked for, whether it is reached."""

    name: str
    measured: str
    required: str
    reached: bool


def _copies(found: list[Outcome]) -> list[Outcome]:
    return [o for o in found if len(o.truths) == 1 and o.truth.group in ATTACKS]


def _strangers(found: list[Outcome], kind: str) -> list[Outcome]:
    return [o for o in found if not o.truths[0].reference and o.truths[0].kind == kind]


def _of(found: list[Outcome], group: str, length: float) -> list[Outcome]:
    return [o for o in _copies(found) if (o.truth.group, o.truth.length) == (group, length)]


def recall(found: list[Outcome]) -> Count:
    """Copies found: the right work, in its place, with the verdict "match"."""
    return counted(outcome.copy is not None for outcome in found)


def offsets(found: list[Outcome]) -> Quantiles:
    """Errors of place of the copies that were found, in seconds of the reference."""
    return quantiles([o.copy.error(o.truth) for o in found if o.copy is not None])


def ends(found: list[Outcome]) -> Count:
    """Copies found whose start and end both lie where they are, within a second."""
    return counted(max(outcome.ends) <= ENDS for outcome in found if outcome.copy is not None)


def _at_least(name: str, count: Count, rate: float) -> Figure:
    measured = f"{count.rate:.1%} ({count.hits} of {count.total})"
    return Figure(name, measured, f">= {rate:.0%}", count.rate >= rate)


def required_figures(found: list[Outcome]) -> list[Figure]:
    """Every figure that is asked for."""
    figures: list[Figure] = []
    for name in CLEAN:
        figures += _clean_figures(name, _of(found, name, 10.0))
    for (group, length), rate in _required_rates().items():
        figures.append(_at_least(f"{group}, {length:g} s", recall(_of(found, group, length)), rate))
    figures += [_stranger_figure(kind, _strangers(found, kind)) for kind in ("audio", "video")]
    wrong = sum(len(outcome.false_matches) for outcome in _copies(found))
    figures.append(Figure("copies matched to a wrong work", str(wrong), "0", wrong == 0))
    figures += [_compilation_figure(outcome) for outcome in found if len(outcome.truths) > 1]
    failed = counted(bool(outcome.error) for outcome in found)
    return [*figures, Figure("queries not examined", str(failed.hits), "0", failed.hits == 0)]


def _clean_figures(name: str, clean: list[Outcome]) -> list[Figure]:
    errors, exact = offsets(clean), ends(clean)
    return [
        _at_least(f"{name}, 10 s", recall(clean), 0.99),
        Figure(f"{name}, median offset error", f"{errors.median:.3f} s", "<= 0.1 s", errors.median <= 0.1),
        Figure(
            f"{name}, ends within 1 s", f"{exact.hits} of {exact.total}", "all", exact.hits == exact.total
        ),
    ]


def _required_rates() -> dict[tuple[str, float], float]:
    """What is asked for of each attack at each length."""
    rates: dict[tuple[str, float], float] = {}
    for name, attack in ATTACKS.items():
        if not attack.required or name in CLEAN:
            continue
        if attack.kind == "audio":
            rates[name, 10.0] = 0.98 if name in RECODED else 0.97
            rates[name, 5.0] = 0.90
        else:
            rates[name, 5.0] = 0.98 if name in RECODED else 0.95
    return rates


def _stranger_figure(kind: str, strangers: list[Outcome]) -> Figure:
    false = counted(bool(outcome.false_matches) for outcome in strangers)
    least = {"audio": 200, "video": 60}[kind]
    reached = false.hits == 0 and false.total >= least
    return Figure(f"{kind} strangers matched", f"{false.hits} of {false.total}", f"0 of {least}", reached)


def _compilation_figure(outcome: Outcome) -> Figure:
    parts, wrong = found_parts(outcome), len(outcome.false_matches)
    measured = f"{parts} of {len(outcome.truths)}, {wrong} wrong"
    return Figure("compilation, parts found", measured, ">= 19, 0 wrong", parts >= 19 and wrong == 0)


def _counts(count: Count) -> dict[str, Any]:
    low, high = count.bounds
    return {"hits": count.hits, "total": count.total, "rate": round(count.rate, 4),
            "low": round(low, 4), "high": round(high, 4)}  # fmt: skip


def _seconds(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else round(value, 4)


def attack_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """For each attack and length: what was found, how well placed."""
    rows = []
    for group, length in sorted({(o.truth.group, o.truth.length) for o in _copies(found)}):
        copies = _of(found, group, length)
        place = offsets(copies)
        rows.append({
            "attack": group, "kind": ATTACKS[group].kind, "length": length,
            "required": ATTACKS[group].required,
            "found": _counts(recall(copies)), "ends_within_1_s": _counts(ends(copies)),
            "offset_error": {"median": _seconds(place.median), "p90": _seconds(place.p90)},
            "missed": [o.truth.query for o in copies if o.copy is None],
        })  # fmt: skip
    return rows


def ranking(found: list[Outcome], kind: str) -> dict[str, Any]:
    """Figures that do not depend on where the verdicts' limits were set."""
    copies = [o for o in _copies(found) if o.truth.kind == kind]
    scores = [outcome.score for outcome in _strangers(found, kind)]
    claims = [o.prediction for o in found if len(o.truths) == 1 and o.truth.kind == kind and o.claims]
    at = {
        f"{rate:g}": _counts(recall_at([o.prediction for o in copies], scores, int(rate * len(scores))))
        for rate in ALLOWED
    }
    precision = round(micro_average_precision(claims, len(copies)), 4)
    best = max((score for score in scores if score > float("-inf")), default=None)
    return {"recall_at_fpr": at, "fpr_denominator": len(scores), "micro_average_precision": precision,
            "best_stranger_score": best}  # fmt: skip


def stranger_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """For each sort of stranger: how many were matched, how many are to be reviewed, and which."""
    rows = []
    everyone = [*_strangers(found, "audio"), *_strangers(found, "video")]
    for kind, group in sorted({(o.truth.kind, o.truth.group) for o in everyone}):
        sort = [o for o in everyone if (o.truth.kind, o.truth.group) == (kind, group)]
        rows.append({
            "kind": kind, "group": group, "matched": _counts(counted(bool(o.false_matches) for o in sort)),
            "review": sum(bool(o.claims) and not o.false_matches for o in sort),
            "false": [[o.truth.query, sorted(c.files), c.score] for o in sort for c in o.false_matches],
        })  # fmt: skip
    return rows


def compilation_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """For each compilation: its parts, and seconds of them found."""
    rows = []
    for outcome in (o for o in found if len(o.truths) > 1):
        claimed = [(_named(c.names, outcome), c.span) for c in outcome.claims if c.verdict == "match"]
        seconds = segment_score(claimed, [(truth.reference, span(truth)) for truth in outcome.truths])
        rows.append({
            "query": outcome.truths[0].query, "found": found_parts(outcome), "parts": len(outcome.truths),
            "wrong": len(outcome.false_matches), "precision": seconds.precision, "recall": seconds.recall,
            "elapsed": outcome.elapsed,
        })  # fmt: skip
    return rows


def _named(names: Callable[[str], bool], outcome: Outcome) -> str:
    """The part that a claim names; empty where it names none."""
    return next((truth.reference for truth in outcome.truths if names(truth.reference)), "")


def report(found: list[Outcome]) -> dict[str, Any]:
    """Everything that is written to accuracy.json."""
    wrong = [
        [o.truth.query, sorted(claim.files), claim.score] for o in _copies(found) for claim in o.false_matches
    ]
    return {
        "required": [
            {"name": f.name, "measured": f.measured, "required": f.required, "reached": f.reached}
            for f in required_figures(found)
        ],
        "attacks": attack_rows(found),
        "ranking": {kind: ranking(found, kind) for kind in ("audio", "video")},
        "strangers": stranger_rows(found),
        "compilations": compilation_rows(found),
        "wrong_work": wrong,
        "not_examined": [[o.truths[0].query, o.error] for o in found if o.error],
        "median_seconds_a_query": quantiles([o.elapsed for o in found]).median,
    }


def print_figures(figures: list[dict[str, Any]]) -> None:
    """The required figures beside what was measured."""
    table = Table("figure", "measured", "required", "")
    for figure in figures:
        mark = "[green]reached[/]" if figure["reached"] else "[red]missed[/]"
        table.add_row(figure["name"], figure["measured"], figure["required"], mark)
    Console().print(table)


def measure(cache: Path, note: Callable[[str], None]) -> dict[str, Any]:
    """Registers, renders and examines; what is in the cache folder is used again."""
    media = media_folder()
    folder, truths = queries(media, cache, note)
    data, by_id = catalog(media, cache, note)
    return report(list(outcomes(data, by_id, folder, truths, note)))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="whorl bench accuracy", description=str(__doc__).split("\n")[0])
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for queries and catalog")
    arguments = parser.parse_args()
    with Status("starting", console=Console(stderr=True)) as status:
        figures = measure(arguments.cache, status.update)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy.json").write_text(json.dumps(figures, indent=1) + "\n")
    plots.accuracy(figures, RESULTS / "accuracy.png")
    print_figures(figures["required"])


if __name__ == "__main__":
    main()
