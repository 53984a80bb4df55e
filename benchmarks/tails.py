"""What chance scores -> the numbers of null models: thresholds, rates, scales of tails."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SECONDS = 10.0  # of a decoy, and of the longest queries
# Captures that are of a registered series without being registered themselves: an assumption, one in four. Of those shorter
# than SECONDS all are, for nothing else may be heard in them than what a series repeats: a reader's closing words.
SIBLINGS, SHORT_SIBLINGS = 0.25, 1.0
# Of pictures, stages that are mirrored, and those that are the same but for that. Windows of titles are not mirrored: what
# they score mirrored is what other titles of a series score by chance, and not what these score that somebody mirrored.
MIRRORED = {1: 0, 3: 2}
# Titles of a series that move in step are made by one machine along one path. Of captures that are of a registered series
# without being registered themselves one in STEPPING is taken to be such: of the known windows that
# have other titles of their series to be like, one in nine is in step with one.
STEPPING = 10
FEWEST = 20  # windows with such a title, under which no tail is fitted
TAIL = {"unrelated": 0.05, "siblings": 0.2}  # of the scores that the tail is fitted on

Scores = NDArray[np.float64]
Numbers = dict[str, float]  # of a ``matching.score.NullModel``


def fit(
    kind: str, seconds: float, unrelated: Scores, siblings: Scores, steps: Scores, searched: Scores
) -> Numbers:
    """The numbers of a ``matching.score.NullModel``: thresholds at quantiles, scales of exponential tails above them.

    ``seconds`` are those of the windows. The scale is the mean excess (maximum likelihood); in sound, among titles of a
    series, its median over log 2, for some of their highest scores are of what does repeat (a reader's closing words): the
    median hears of them, and is not led by them as a mean is. Pictures that do repeat are known (``benchmarks.corpus``).
    """
    there, related, steps = (scores[~np.isnan(scores)] for scores in (unrelated, siblings, steps))
    if few := (steps > 0).sum() < FEWEST:
        related = np.maximum(related, steps)  # of too few no tail is made
    threshold, sibling_threshold = (
        float(np.quantile(scores, 1 - TAIL[name]))
        for name, scores in (("unrelated", there), ("siblings", related))
    )
    excess = there[there > threshold] - threshold
    share = SIBLINGS if seconds >= SECONDS else SHORT_SIBLINGS
    related = related[related > sibling_threshold] - sibling_threshold
    return {
        "seconds": seconds,
        "threshold": threshold,
        "density": len(excess) / float(searched[~np.isnan(unrelated)].sum()),
        "scale": float(excess.mean()),
        "sibling_threshold": sibling_threshold,
        "sibling_rate": share * TAIL["siblings"] / seconds,
        "sibling_scale": float(np.median(related) / np.log(2) if kind == "audio" else related.mean()),
    } | ({} if few else _of_those_in_step(seconds, steps[steps > 0]))


def _of_those_in_step(seconds: float, scores: Scores) -> Numbers:
    """The tail of what windows score in titles that move in step with them, of those for which there is one."""
    threshold = float(np.median(scores))
    return {
        "in_step_threshold": threshold,
        "in_step_rate": SIBLINGS / STEPPING / 2 / seconds,
        "in_step_scale": float((scores[scores > threshold] - threshold).mean()),
    }


def mirrored_alike(stages: Sequence[Numbers], weights: Sequence[float]) -> list[Numbers]:
    """The numbers of each stage, with titles of a series expected as often in what is mirrored as in what is not."""
    alike = [dict(numbers) for numbers in stages]
    for mirrored, plain in MIRRORED.items():
        related = {
            name: value for name, value in stages[plain].items() if name.startswith(("sibling", "in_step"))
        }
        # Whatever is expected of a stage is divided by its weight.
        rates = {
            name: value * weights[mirrored] / weights[plain]
            for name, value in related.items()
            if "rate" in name
        }
        alike[mirrored] |= related | rates
    return alike
