"""The figures that are asked for, beside what was measured."""

import math
from dataclasses import dataclass

from benchmarks.attacks import ATTACKS, VIDEO
from benchmarks.compilations import GROUP
from benchmarks.copies import LENGTHS
from benchmarks.metrics import Count, counted, recall_at
from benchmarks.outcomes import Outcome, cousins, decoys, found_parts, strangers
from benchmarks.rows import (
    chance_scores,
    copies,
    end_quantiles,
    ends,
    matched_by_chance,
    of,
    offsets,
    pools,
    recall,
)

CLEAN, RECODED = ("audio-none", "video-none"), ("audio-32-kbit", "video-240p-crf-38")
# Of all attacks together, where no stranger passes.
POOLED = {
    "audio, all attacks": {10.0: 0.995, 5.0: 0.985, 3.0: 0.97, 2.0: 0.92},
    "audio, hard half": {10.0: 0.95, 5.0: 0.88},
    "video, all attacks": {10.0: 0.99, 5.0: 0.97, 2.0: 0.90},
}
IN_PART = 0.85  # of each attack that shows a part, at 5 s, where no stranger passes
STRANGERS = {"audio": 200, "video": 60}  # of which none may be matched
COUSINS, FAMILY = 50, 0.02  # so many of each kind, and the part of them that may be matched
END_ERROR = 0.5  # seconds, median


@dataclass(frozen=True, slots=True)
class Figure:
    """One required figure: what was measured, what is asked for, whether it is reached."""

    name: str
    measured: str
    required: str
    reached: bool


def required_figures(found: list[Outcome]) -> list[Figure]:
    """Every figure that is asked for."""
    figures: list[Figure] = []
    for name in CLEAN:
        figures += _clean_figures(name, of(found, name, 10.0))
    for (group, length), rate in _required_rates().items():
        figures.append(at_least(f"{group}, {length:g} s", recall(of(found, group, length)), rate))
    for kind in LENGTHS:
        figures += _figures_at_no_false(found, kind)
        figures += _figures_of_none(found, kind)
    wrong = sum(len(outcome.false_matches) for outcome in copies(found))
    figures.append(Figure("copies matched to a wrong work", str(wrong), "0", wrong == 0))
    figures += [_compilation_figure(outcome) for outcome in found if outcome.truths[0].group == GROUP]
    failed = sum(bool(outcome.error) for outcome in found)
    return [*figures, Figure("queries not examined", str(failed), "0", failed == 0)]


def at_least(name: str, count: Count, rate: float) -> Figure:
    """That so many of these are asked for."""
    measured = f"{count.rate:.1%} ({count.hits} of {count.total})"
    return Figure(name, measured, f">= {100 * rate:g}%", count.rate >= rate)


def _clean_figures(name: str, clean: list[Outcome]) -> list[Figure]:
    errors, exact = offsets(clean), ends(clean)
    return [
        at_least(f"{name}, 10 s", recall(clean), 0.99),
        Figure(f"{name}, median offset error", f"{errors.median:.3f} s", "<= 0.1 s", errors.median <= 0.1),
        Figure(
            f"{name}, ends within 1 s", f"{exact.hits} of {exact.total}", "all", 0 < exact.hits == exact.total
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


def _figures_at_no_false(found: list[Outcome], kind: str) -> list[Figure]:
    """Recall above every stranger's score."""
    scores = chance_scores(found, kind)

    def figure(name: str, chosen: list[Outcome], rate: float) -> Figure:
        return at_least(f"{name}, no stranger above", recall_at([o.prediction for o in chosen], scores), rate)

    figures = []
    for name, attacks in pools(kind).items():
        for length, rate in POOLED[name].items():
            chosen = [outcome for attack in attacks for outcome in of(found, attack, length)]
            figures.append(figure(f"{name}, {length:g} s", chosen, rate))
    for name, attack in VIDEO.items():
        if attack.kind == kind and attack.in_part:
            figures.append(figure(f"{name}, 5 s", of(found, name, 5.0), IN_PART))
    error = end_quantiles([o for o in copies(found) if o.truth.kind == kind]).median
    reached = not math.isnan(error) and error <= END_ERROR
    figures.append(Figure(f"{kind}, median error of ends", f"{error:.3f} s", f"<= {END_ERROR} s", reached))
    return figures


def _figures_of_none(found: list[Outcome], kind: str) -> list[Figure]:
    """What is no copy and was matched all the same."""
    matched = counted(bool(o.false_matches) for o in strangers(found, kind))
    chance = counted(map(matched_by_chance, strangers(found, kind)))
    backwards = counted(bool(o.false_matches) for o in decoys(found, kind))
    foreign = counted(map(matched_by_chance, decoys(found, kind)))
    family = counted(bool(o.false_matches) for o in cousins(found, kind))
    few = family.total >= COUSINS and family.rate <= FAMILY
    return [
        _none_of(f"{kind} strangers matched", matched, STRANGERS[kind]),
        _none_of(f"{kind} strangers matched to another source", chance, STRANGERS[kind]),
        _none_of(f"{kind} decoys matched", backwards, 1),
        _none_of(f"{kind} decoys matched to another source", foreign, 1),
        Figure(
            f"{kind} cousins matched",
            f"{family.hits} of {family.total}",
            f"<= {FAMILY:.0%} of {COUSINS}",
            few,
        ),
    ]


def _none_of(name: str, false: Count, least: int) -> Figure:
    reached = false.hits == 0 and false.total >= least
    return Figure(name, f"{false.hits} of {false.total}", f"0 of {least}", reached)


def _compilation_figure(outcome: Outcome) -> Figure:
    """All parts but one in twenty, and nothing else."""
    parts, wrong, least = (
        found_parts(outcome),
        len(outcome.false_matches),
        math.ceil(0.95 * len(outcome.truths)),
    )
    measured = f"{parts} of {len(outcome.truths)}, {wrong} wrong"
    name = f"{outcome.truths[0].query}, parts found"
    return Figure(name, measured, f">= {least}, 0 wrong", parts >= least and wrong == 0)
