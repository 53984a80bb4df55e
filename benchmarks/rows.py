"""The figures of the run as rows of JSON: of each attack, of attacks pooled, of what is no copy, of compilations."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.attacks import ATTACKS, AudioAttack
from benchmarks.compilations import GROUP
from benchmarks.copies import LENGTHS
from benchmarks.metrics import (
    NO_SEGMENTS,
    Count,
    Prediction,
    Quantiles,
    SegmentScore,
    counted,
    micro_average_precision,
    poisson_bounds,
    quantiles,
    recall_at,
    reckoned,
    segment_score,
)
from benchmarks.outcomes import Claim, Outcome, cousins, decoys, found_parts, span, strangers
from benchmarks.truth import STRANGER

ENDS = 1.0  # seconds within which the ends of a clean excerpt must lie
RATE = 0.01  # the other false positive rate at which recall is given, beside none at all
LIMITS = (
    1e-4,
    1e-3,
    0.01,
    0.03,
    0.1,
    0.3,
    1.0,
    3.0,
    10.0,
)  # expected false matches up to which claims are reckoned
ENOUGH = 10.0  # expected false matches from which on the ratio of observed to claimed says something


def copies(found: Iterable[Outcome]) -> list[Outcome]:
    """Excerpts of registered works under an attack."""
    return [o for o in found if len(o.truths) == 1 and o.truth.group in ATTACKS]


def of(found: Iterable[Outcome], group: str, length: float) -> list[Outcome]:
    """Those under one attack, of one length."""
    return [o for o in copies(found) if (o.truth.group, o.truth.length) == (group, length)]


def is_hard(attack: str) -> bool:
    """Whether an attack is of the hard half."""
    found = ATTACKS[attack]
    return isinstance(found, AudioAttack) and found.hard


def pools(kind: str) -> dict[str, list[str]]:
    """The attacks that are pooled, by the name of the pool; what was not attacked is in none."""
    attacks = [name for name, a in ATTACKS.items() if a.kind == kind and not name.endswith("-none")]
    hard = [name for name in attacks if is_hard(name)]
    return {f"{kind}, all attacks": attacks, **({f"{kind}, hard half": hard} if hard else {})}


def recall(found: list[Outcome]) -> Count:
    """Copies found: the right work, in its place, with the verdict "match"."""
    return counted(outcome.copy is not None for outcome in found)


def offsets(found: list[Outcome]) -> Quantiles:
    """Errors of place of the copies that were found, in seconds of the reference."""
    return quantiles([o.copy.error(o.truth) for o in found if o.copy is not None])


def end_quantiles(found: list[Outcome]) -> Quantiles:
    """Errors of starts and ends of the copies that were found, in seconds of the query."""
    return quantiles([error for o in found if o.copy is not None for error in o.ends])


def ends(found: list[Outcome]) -> Count:
    """Copies found whose start and end both lie where they are, within a second."""
    return counted(max(outcome.ends) <= ENDS for outcome in found if outcome.copy is not None)


def chance_scores(found: Iterable[Outcome], kind: str) -> list[float]:
    """The best score of each stranger, whatever it resembles."""
    return [outcome.score for outcome in strangers(found, kind)]


def unrelated_scores(found: Iterable[Outcome], kind: str) -> list[float]:
    """The best score of each recorded stranger in works of other series: the rule by which peers are judged."""
    recorded = [o for o in strangers(found, kind) if o.truth.group == STRANGER]
    return [max((claim.score for claim in o.chance_claims), default=-math.inf) for o in recorded]


def counts(count: Count) -> dict[str, Any]:
    """A count with its rate and its interval."""
    low, high = count.bounds
    return {"hits": count.hits, "total": count.total, "rate": round(count.rate, 4),
            "low": round(low, 4), "high": round(high, 4)}  # fmt: skip


def at_limits(predictions: Sequence[Prediction], scores: Sequence[float]) -> dict[str, Any]:
    """Recall above every stranger's score, and where one stranger in a hundred passes."""
    return {
        "at_no_false": counts(recall_at(predictions, scores)),
        "at_1_percent": counts(recall_at(predictions, scores, int(RATE * len(scores)))),
    }


def shares(found: list[Outcome], scores: Sequence[float], unrelated: Sequence[float]) -> dict[str, Any]:
    """Recall at the operating point, at limits that the strangers' scores set, and as peers are judged."""
    predictions = [o.prediction for o in found]
    return {
        "found": counts(recall(found)),
        **at_limits(predictions, scores),
        "as_peers": counts(recall_at(predictions, unrelated)),
    }


def _seconds(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else round(value, 4)


def _quantiles(found: Quantiles) -> dict[str, Any]:
    return {"median": _seconds(found.median), "p90": _seconds(found.p90)}


def attack_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """For each attack and length: what was found, how well placed."""
    scores = {kind: (chance_scores(found, kind), unrelated_scores(found, kind)) for kind in LENGTHS}
    rows = []
    for name, attack in ATTACKS.items():
        for length in LENGTHS[attack.kind]:
            if chosen := of(found, name, length):
                rows.append({
                    "attack": name, "kind": attack.kind, "length": length, "required": attack.required,
                    "hard": is_hard(name), **shares(chosen, *scores[attack.kind]),
                    "ends_within_1_s": counts(ends(chosen)), "end_error": _quantiles(end_quantiles(chosen)),
                    "offset_error": _quantiles(offsets(chosen)),
                    "missed": [o.truth.query for o in chosen if o.copy is None],
                })  # fmt: skip
    return rows


def pool_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """For each pool and length: what was found, and the seconds of it."""
    rows = []
    for kind, lengths in LENGTHS.items():
        scores = chance_scores(found, kind), unrelated_scores(found, kind)
        for name, attacks in pools(kind).items():
            for length in lengths:
                chosen = [o for attack in attacks for o in of(found, attack, length)]
                rows.append({
                    "pool": name, "kind": kind, "length": length, **shares(chosen, *scores),
                    "end_error": _quantiles(end_quantiles(chosen)),
                    "segments": segments_row(sum(map(segments, chosen), NO_SEGMENTS)),
                })  # fmt: skip
    return rows


def segments(outcome: Outcome) -> SegmentScore:
    """Stretches with the verdict "match" against the true ones."""
    claimed = [(_named(claim, outcome), claim.span) for claim in outcome.claims if claim.verdict == "match"]
    return segment_score(claimed, [(truth.reference, span(truth)) for truth in outcome.truths])


def _named(claim: Claim, outcome: Outcome) -> str:
    """The part that a claim names; empty where it names none."""
    return next((truth.reference for truth in outcome.truths if claim.names(truth.reference)), "")


def segments_row(score: SegmentScore) -> dict[str, Any]:
    """Precision and recall of stretches, and on the query's time alone."""
    return {"precision": round(score.precision, 4), "recall": round(score.recall, 4),
            "query_precision": round(score.query.precision, 4), "query_recall": round(score.query.recall, 4)}  # fmt: skip


def ranking(found: list[Outcome], kind: str) -> dict[str, Any]:
    """Figures that do not depend on where the verdicts' limits were set."""
    chosen = [o for o in copies(found) if o.truth.kind == kind]
    scores = chance_scores(found, kind)
    claims = [o.prediction for o in found if len(o.truths) == 1 and o.truth.kind == kind and o.claims]
    precision = round(micro_average_precision(claims, len(chosen)), 4)
    best = max((score for score in scores if score > -math.inf), default=None)
    return {"fpr_denominator": len(scores), "micro_average_precision": precision, "best_stranger_score": best}


def no_copy_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """For each sort of query that is no copy: how many were matched, how many are to be reviewed, and which."""
    none = [o for o in found if not o.truths[0].reference]
    rows = []
    for kind, group in sorted({(o.truth.kind, o.truth.group) for o in none}):
        sort = [o for o in none if (o.truth.kind, o.truth.group) == (kind, group)]
        rows.append({
            "kind": kind, "group": group, "matched": counts(counted(bool(o.false_matches) for o in sort)),
            "matched_by_chance": sum(matched_by_chance(o) for o in sort),
            "review": sum(any(c.verdict == "review" for c in o.claims) and not o.false_matches for o in sort),
            "false": [[o.truth.query, c.files, c.score] for o in sort for c in o.false_matches],
        })  # fmt: skip
    return rows


def matched_by_chance(outcome: Outcome) -> bool:
    """Whether a work that has nothing to do with the query is claimed with the verdict "match"."""
    return any(claim.verdict == "match" for claim in outcome.chance_claims)


def calibration_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """Expected false matches as claimed beside those observed: of strangers, of decoys, and of cousins by themselves."""
    rows = []
    for kind in LENGTHS:
        for name, queries, claims in (
            ("strangers", strangers(found, kind), [o.chance_claims for o in strangers(found, kind)]),
            ("decoys", decoys(found, kind), [o.false_claims for o in decoys(found, kind)]),
            ("cousins", cousins(found, kind), [o.family_claims for o in cousins(found, kind)]),
        ):
            examined = sum(not outcome.error for outcome in queries)
            rows += _reckoned(kind, name, examined, [e for one in claims for e in best_of_each(one)])
    return rows


def best_of_each(claims: Iterable[Claim]) -> list[float]:
    """Expected false matches of each reference's match: its stretches are claimed together."""
    best: dict[tuple[str, ...], float] = {}
    for claim in claims:
        key = tuple(claim.files)
        best[key] = min(claim.expected, best.get(key, math.inf))
    return list(best.values())


def _reckoned(kind: str, name: str, queries: int, expected: list[float]) -> list[dict[str, Any]]:
    rows = []
    for one in reckoned(expected, queries, LIMITS):
        low, high = poisson_bounds(one.observed)
        rows.append({
            "kind": kind, "of": name, "queries": queries, "up_to": one.limit, "claimed": one.claimed,
            "observed": one.observed, "low": round(low, 3), "high": round(high, 3),
            "ratio": round(one.ratio, 4) if one.claimed >= ENOUGH else None,
        })  # fmt: skip
    return rows


def compilation_rows(found: list[Outcome]) -> list[dict[str, Any]]:
    """For each compilation: its parts, and stretches of them found."""
    return [
        {
            "query": outcome.truths[0].query, "found": found_parts(outcome), "parts": len(outcome.truths),
            "wrong": len(outcome.false_matches), **segments_row(segments(outcome)), "elapsed": outcome.elapsed,
        }
        for outcome in found if outcome.truths[0].group == GROUP
    ]  # fmt: skip
