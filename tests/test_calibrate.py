"""The null model that is fitted on drawn scores tells how often they occur."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.calibrate import move_as_one
from benchmarks.confirm import LENGTHS, fit_one
from benchmarks.confirm import fit as fit_confirmation
from benchmarks.tails import (
    MIRRORED,
    SECONDS,
    SHORT_SIBLINGS,
    SIBLINGS,
    STEPPING,
    fit,
    mirrored_alike,
)
from matching.score import NullModel, calibration

WINDOWS = 20_000
CODES = 10**6
SELDOM = 1e-3
EVERY = LENGTHS["audio"]
SERIES = 0.0, 1.0  # factors that leave what titles of a series give

Readings = NDArray[np.float64]


def fitted(seconds: float, unrelated: np.ndarray, siblings: np.ndarray, kind: str = "video") -> NullModel:
    steps = np.zeros(len(siblings))
    searched = np.full(len(unrelated), seconds * CODES)
    return NullModel(**fit(kind, seconds, unrelated, siblings, steps, searched))


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


def test_titles_that_move_in_step_have_a_tail_of_their_own() -> None:
    """Windows for which there is such a title: half of them score more than the threshold."""
    steps = drawn(2.0)
    steps[::2] = 0
    numbers = fit("video", SECONDS, drawn(0.1), drawn(0.1), steps, np.full(WINDOWS, SECONDS * CODES))
    model, score = NullModel(**numbers), float(np.quantile(steps[1::2], 1 - SELDOM))
    assert model.expected_false_matches(score, SECONDS, CODES) == pytest.approx(
        SIBLINGS / STEPPING * SELDOM, rel=0.25
    )


def test_too_few_that_move_in_step_are_titles_of_the_series_as_others() -> None:
    steps = np.zeros(WINDOWS)
    steps[:5] = 9.0
    numbers = fit("video", SECONDS, drawn(0.1), drawn(0.1), steps, np.full(WINDOWS, SECONDS * CODES))
    without = fit("video", SECONDS, drawn(0.1), drawn(0.1), 0 * steps, np.full(WINDOWS, SECONDS * CODES))
    assert "in_step_rate" not in numbers
    assert numbers["sibling_scale"] > without["sibling_scale"]


@pytest.mark.parametrize(
    ("readings", "found"), [((9.0, 0.9), True), ((9.0, 0.5), False), ((9.0, None), False), ((9.0,), False)]
)
def test_in_step_is_what_moves_nearly_as_one(readings: tuple[float | None, ...], found: bool) -> None:
    assert move_as_one(readings) == found


def normal(mean: float, count: int, rng: np.random.Generator) -> Readings:
    """A reading of copies or of chance, and the seconds of the excerpts."""
    return np.column_stack([rng.normal(mean, 1.0, count), rng.uniform(1.8, 9.9, count)])


def test_what_confirms_is_the_ratio_of_densities() -> None:
    """Of two normal distributions 3 apart and of deviation 1 its logarithm is known: 3 * (3.5 - x)."""
    rng = np.random.default_rng(5)
    model = fit_confirmation(normal(5.0, 6000, rng), normal(2.0, 9000, rng), EVERY)
    assert model.slopes[0] == pytest.approx(3, abs=0.25)
    assert model.intercept == pytest.approx(10.5, abs=1)


def test_copies_of_which_nothing_is_shown_say_nothing_of_the_others() -> None:
    rng = np.random.default_rng(5)
    copies, chance = normal(5.0, 6000, rng), normal(2.0, 9000, rng)
    copies[::50] = normal(2.0, 120, rng)
    blind, told = (fit_confirmation(copies, chance, EVERY, mute) for mute in (0.0, 0.02))
    assert blind.slopes[0] < 2.6 < 2.8 < told.slopes[0]
    assert told.factor((0.0,)) == pytest.approx(1 / 0.02)


def test_a_reading_that_is_missing_as_often_of_copies_as_of_chance_says_nothing() -> None:
    rng = np.random.default_rng(5)
    copies, chance = normal(5.0, 6000, rng), normal(2.0, 9000, rng)
    copies[::3, 0] = chance[::3, 0] = np.nan
    model = fit_confirmation(copies, chance, EVERY)
    assert model.factor((None,)) == pytest.approx(1, abs=0.1)
    assert model.slopes[0] == pytest.approx(3, abs=0.3)


def test_of_titles_of_a_series_one_reading_tells_and_nothing_where_it_is_missing() -> None:
    rng = np.random.default_rng(5)
    copies, chance = (np.column_stack([normal(m, 3000, rng)[:, 0], normal(m, 3000, rng)]) for m in (5.0, 2.0))
    copies[::9, 1] = chance[::2, 1] = np.nan
    model = fit_one(copies, chance, EVERY, 1)
    assert model.factor((9.0, 4.0)) == model.factor((None, 4.0)) > model.factor((9.0, 4.5))
    assert model.factor((9.0, None)) == 1


@pytest.mark.parametrize(("mirrored", "plain"), MIRRORED.items())
@pytest.mark.parametrize("score", [1.0, 3.0, 8.0])
def test_other_titles_of_a_series_may_be_mirrored_like_any_capture(
    mirrored: int, plain: int, score: float
) -> None:
    model = calibration("video/3")
    both = [
        model.expected_false_matches(score, stage, SECONDS, 1, factors=SERIES) for stage in (mirrored, plain)
    ]
    assert both[0] == pytest.approx(both[1])


def test_stages_that_are_mirrored_take_only_what_series_give_from_those_that_are_not() -> None:
    stages = [
        {"threshold": float(i), "sibling_rate": 0.1 * i + 0.1, "sibling_scale": i + 1.0} for i in range(4)
    ]
    alike = mirrored_alike(stages, (0.5, 0.1, 0.2, 0.2))
    assert [alike[i] for i in (0, 2)] == [stages[i] for i in (0, 2)]
    assert alike[1] == pytest.approx({"threshold": 1.0, "sibling_rate": 0.02, "sibling_scale": 1.0})
    assert alike[3] == pytest.approx({"threshold": 3.0, "sibling_rate": 0.3, "sibling_scale": 3.0})
