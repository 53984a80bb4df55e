"""The null model that is fitted on drawn scores tells how often they occur."""

import numpy as np
import pytest

from benchmarks.calibrate import SECONDS, SHORT_SIBLINGS, SIBLINGS, fit
from matching.score import NullModel

WINDOWS = 20_000
CODES = 10**6
SELDOM = 1e-3


def fitted(seconds: float, unrelated: np.ndarray, siblings: np.ndarray) -> NullModel:
    return NullModel(**fit(seconds, unrelated, siblings, np.full(len(unrelated), seconds * CODES)))


def drawn(mean: float) -> np.ndarray:
    return np.random.default_rng(3).exponential(mean, WINDOWS)


@pytest.mark.parametrize("seconds", [2.0, SECONDS])
def test_what_a_window_in_a_thousand_scores_is_expected_as_often_and_more_often_in_more_codes(
    seconds: float,
) -> None:
    scores = drawn(1.5)
    scores[::4] = np.nan  # windows in which this stage was not searched
    model, score = fitted(seconds, scores, drawn(1.0)), float(np.nanquantile(scores, 1 - SELDOM))
    for more in (1, 50):
        expected = model.expected_false_matches(score, seconds, more * CODES, sibling_seconds=0.0)
        assert expected == pytest.approx(more * SELDOM, rel=0.25)


@pytest.mark.parametrize(("seconds", "share"), [(2.0, SHORT_SIBLINGS), (SECONDS, SIBLINGS)])
def test_titles_of_a_series_count_for_the_share_of_captures_that_may_be_of_it(
    seconds: float, share: float
) -> None:
    scores = drawn(2.5)
    model, score = fitted(seconds, drawn(0.1), scores), float(np.quantile(scores, 1 - SELDOM))
    assert model.expected_false_matches(score, seconds, CODES) == pytest.approx(share * SELDOM, rel=0.25)
