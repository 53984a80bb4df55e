"""The null model that is fitted on drawn scores tells how often they occur."""

import numpy as np
import pytest

from benchmarks.calibrate import SECONDS, SHORT_SIBLINGS, SIBLINGS, fit
from benchmarks.confirm import LENGTHS
from benchmarks.confirm import fit as fit_confirmation
from matching.score import NullModel

WINDOWS = 20_000
CODES = 10**6
SELDOM = 1e-3


def fitted(seconds: float, unrelated: np.ndarray, siblings: np.ndarray, kind: str = "video") -> NullModel:
    return NullModel(**fit(kind, seconds, unrelated, siblings, np.full(len(unrelated), seconds * CODES)))


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


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize(("seconds", "share"), [(2.0, SHORT_SIBLINGS), (SECONDS, SIBLINGS)])
def test_titles_of_a_series_count_for_the_share_of_captures_that_may_be_of_it(
    kind: str, seconds: float, share: float
) -> None:
    scores = drawn(2.5)
    model, score = fitted(seconds, drawn(0.1), scores, kind), float(np.quantile(scores, 1 - SELDOM))
    assert model.expected_false_matches(score, seconds, CODES) == pytest.approx(share * SELDOM, rel=0.25)


def test_a_closing_word_that_all_of_a_series_share_does_not_lead_what_chance_gives_sound() -> None:
    scores = drawn(1.0)
    scores[: WINDOWS // 200] += 30
    sound, pictures = (fitted(SECONDS, drawn(0.1), scores, kind) for kind in ("audio", "video"))
    assert sound.sibling_scale == pytest.approx(1.0, rel=0.1)
    assert pictures.sibling_scale > 1.5


def test_what_confirms_is_the_ratio_of_densities() -> None:
    """Of two normal distributions 3 apart and of deviation 1 its logarithm is known: 3 * (3.5 - x)."""
    rng = np.random.default_rng(5)
    copies, chance = (
        np.c_[rng.normal(mean, 1.0, n), rng.uniform(1.8, 9.9, n)] for mean, n in ((5.0, 6000), (2.0, 9000))
    )
    slope, intercept = fit_confirmation(copies, chance, LENGTHS["audio"])
    assert slope == pytest.approx(3, abs=0.25)
    assert intercept == pytest.approx(10.5, abs=1)
