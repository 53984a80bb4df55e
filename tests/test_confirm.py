"""What is stored beside codes changes what chance gives, by a ratio of densities, and of what it can tell."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fingerprint.clip import Clip
from fingerprint.extractor import CONFIRMED_BY
from fingerprint.fingerprint import PLAIN, Fingerprint
from fingerprint.video import VideoExtractor
from matching.confirm import Confirmation, Witness, confirmations
from matching.found import Found
from matching.judge import Judge
from matching.score import Calibration, NullModel
from matching.search import CERTAIN
from tests.clips import clip_of, film_clip, line, scene, stored_of

# Of each second of query one in a thousand unrelated codes, and one in a thousand titles of the series.
MODEL = Calibration(1.0, -1.0, ((NullModel(10.0, 0.0, 1e-8, 1.0, 0.0, 1e-4, 1.0),),), (1.0,))
FOUND = Found(line(2.0, 6.0), PLAIN, 0, 0.0)


def test_the_factor_falls_with_readings_within_its_limits() -> None:
    model = Confirmation((1.0, 0.0), (3.0, 0.0), 8.0, smallest=1e-6, largest=100.0)
    factors = [model.factor((d, None)) for d in np.arange(0.0, 40.0)]
    assert factors[0] == pytest.approx(100) and factors[-1] == pytest.approx(1e-6)
    assert all(one >= other for one, other in pairwise(factors))
    assert model.factor((None, 9.0)) == model.factor((3.0, None)) == pytest.approx(100)
    unheard = replace(model, missing=(None, 0.0))
    assert unheard.factor((None, 9.0)) == 1 and unheard.factor((9.0, None)) < 1


@pytest.mark.parametrize("algorithm", CONFIRMED_BY.values())
def test_fits_are_shipped_for_all_that_confirms(algorithm: str) -> None:
    unrelated, siblings = confirmations(algorithm)
    assert all(slope > 0 for slope in unrelated.slopes)
    assert all(fit.smallest < 1 < fit.largest for fit in (unrelated, siblings))
    assert (siblings == unrelated) == (algorithm == "audio-peaks/3")


def judge(stored: Fingerprint | None, shown: Clip | None = None) -> Judge:
    clip = (shown or film_clip(1)).part(2.0, 6.0)
    return Judge(MODEL, 10.0, 10_000_000, Witness(clip, VideoExtractor(), lambda _: stored))


def test_details_say_how_little_of_it_is_left_to_chance() -> None:
    played = clip_of(scene(7))
    asked = judge(VideoExtractor().references(played)[1], played)
    assert asked.by_codes(FOUND) == pytest.approx(1 + 1e-3)
    assert asked.confirmed(FOUND) < 2e-4


def test_another_scene_on_the_same_set_is_left_to_titles_of_the_series() -> None:
    asked = judge(VideoExtractor().references(clip_of(scene(8)))[1], clip_of(scene(7)))
    assert 1e-3 < asked.confirmed(FOUND) < 1e-1


def test_details_of_another_film_deny() -> None:
    asked = judge(stored_of(2))
    assert asked.confirmed(FOUND) > 10 * asked.by_codes(FOUND)


def test_what_codes_are_certain_of_is_sought_further_where_it_is_denied_and_never_less() -> None:
    sure = replace(FOUND, score=15.0)
    denied, borne_out = judge(stored_of(2)), judge(stored_of(1))
    assert denied.by_codes(sure) <= CERTAIN < denied.unless_denied(sure) == denied.confirmed(sure)
    assert borne_out.confirmed(sure) < borne_out.unless_denied(sure) == borne_out.by_codes(sure)
    assert denied.unless_denied(FOUND) == denied.by_codes(FOUND)


def test_of_what_was_stored_without_details_codes_alone_speak() -> None:
    asked = judge(None)
    assert asked.confirmed(FOUND) == asked.by_codes(FOUND)


def test_what_is_stored_is_looked_up_once_for_each_stretch() -> None:
    asked: list[int] = []
    witness = Witness(film_clip(1), VideoExtractor(), asked.append)
    assert [witness.factors(FOUND) for _ in range(3)] == [None] * 3
    assert asked == [FOUND.stretch.ref_id]


def test_what_is_hopeless_is_not_asked() -> None:
    asked = judge(stored_of(1))
    hopeless = replace(FOUND, score=-10.0)
    assert asked.confirmed(hopeless) == asked.by_codes(hopeless) > 1e3
