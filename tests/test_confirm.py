"""What is stored beside codes changes what chance gives, by a ratio of densities, and of what it can tell."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fingerprint.extractor import CONFIRMED_BY
from fingerprint.fingerprint import PLAIN, Fingerprint
from fingerprint.video import VideoExtractor
from matching.confirm import Confirmation, Witness, confirmation
from matching.found import Found
from matching.judge import Judge
from matching.score import Calibration, NullModel
from tests.test_by_cells import film_clip, line, stored_of

# Of each second of query one in a thousand unrelated codes, and one in a thousand titles of the series.
MODEL = Calibration(1.0, -1.0, ((NullModel(10.0, 0.0, 1e-8, 1.0, 0.0, 1e-4, 1.0),),), (1.0,))
FOUND = Found(line(2.0, 6.0), PLAIN, 0, 0.0)


def test_the_factor_falls_with_deviations_within_its_limits() -> None:
    model = Confirmation(slope=1.0, intercept=8.0, smallest=1e-6, largest=100.0, siblings=True)
    factors = [model.factor(d) for d in np.arange(0.0, 40.0)]
    assert factors[0] == pytest.approx(100) and factors[-1] == pytest.approx(1e-6)
    assert all(one >= other for one, other in pairwise(factors))


@pytest.mark.parametrize("algorithm", CONFIRMED_BY.values())
def test_a_fit_is_shipped_for_all_that_confirms(algorithm: str) -> None:
    shipped = confirmation(algorithm)
    assert shipped.slope > 0 and shipped.smallest < 1 < shipped.largest
    assert shipped.siblings == (algorithm == "audio-peaks/1")


def judge(stored: Fingerprint | None) -> Judge:
    clip = film_clip(1).part(2.0, 6.0)
    return Judge(MODEL, 10.0, 10_000_000, Witness(clip, VideoExtractor(), lambda _: stored))


def test_cells_speak_of_what_is_unrelated_and_not_of_titles_of_the_series() -> None:
    by_codes, confirmed = (
        ask(FOUND) for asked in [judge(stored_of(1))] for ask in (asked.by_codes, asked.confirmed)
    )
    assert by_codes == pytest.approx(1 + 1e-3)
    assert 1e-3 < confirmed < 0.05


def test_cells_of_another_film_deny() -> None:
    asked = judge(stored_of(2))
    assert asked.confirmed(FOUND) > 10 * asked.by_codes(FOUND)


def test_of_what_was_stored_without_cells_codes_alone_speak() -> None:
    asked = judge(None)
    assert asked.confirmed(FOUND) == asked.by_codes(FOUND)


def test_what_is_stored_is_looked_up_once_for_each_stretch() -> None:
    asked: list[int] = []
    witness = Witness(film_clip(1), VideoExtractor(), asked.append)
    assert [witness.factor(FOUND) for _ in range(3)] == [None] * 3
    assert asked == [FOUND.stretch.ref_id]


def test_what_is_hopeless_is_not_asked() -> None:
    asked = judge(stored_of(1))
    hopeless = replace(FOUND, score=-10.0)
    assert asked.confirmed(hopeless) == asked.by_codes(hopeless) > 1e3
