"""A short stretch is sought at every place of its work."""

import numpy as np
import pytest

from fingerprint.fingerprint import Fingerprint
from matching.align import Line
from matching.place import PLACES, _usual, places
from matching.verify import Side, Stretch, stretch
from tests.test_matching import BACKGROUND, TOLERANCE, captured, stored, walk


def on_line(query: Side, reference: Fingerprint, offset: float) -> Stretch:
    found = stretch(query, reference, Line(0, 1.0, offset, 2.0, 0.0), TOLERANCE)
    assert found is not None
    return found


def test_the_true_place_is_told_of_a_stretch_that_was_found_at_another() -> None:
    """Nothing but little changes of one picture: each second of it is like any other."""
    values = walk(60, 4) + 3 * walk(0.01, 5)[:1]
    reference, query = stored(values), Side(captured(values, 41, 45), BACKGROUND)
    misplaced = on_line(query, reference, 12.0)
    told = places(query, reference, misplaced)
    assert abs(told[0].offset - 41) < 0.3
    assert len(told) == PLACES
    true = on_line(query, reference, told[0].offset)
    assert true.motion > misplaced.motion + 3


@pytest.mark.parametrize("step", [0.0167, 0.0206, 0.04, 0.64])
def test_what_codes_lie_apart_is_told_more_finely_than_their_times_are(step: float) -> None:
    """Some are far apart, as where what is between them is left out."""
    times = np.round(step * np.r_[0:200, 260:400], 3)
    codes, weak = np.zeros((len(times), 1), np.uint8), np.zeros(len(times), bool)
    assert _usual(Fingerprint("drawn/1", 300.0, times, codes, weak)) == pytest.approx(step, rel=0.004)


def test_of_as_many_long_steps_as_short_ones_the_short_ones_are_usual() -> None:
    """Eight pictures a second of 25."""
    times = np.cumsum([0.0, *[0.12, 0.16] * 8])
    codes, weak = np.zeros((len(times), 1), np.uint8), np.zeros(len(times), bool)
    assert _usual(Fingerprint("drawn/1", 9.0, times, codes, weak)) == pytest.approx(0.12)


def test_between_codes_that_are_far_apart_the_true_place_is_told_in_whatever_phase() -> None:
    """A loop, each turn of which meets the stored codes otherwise, as a turn of 5.3 s does those of every 0.64 s."""
    turn = walk(5.29, 6)
    values = np.concatenate([turn] * 8)
    reference, query = stored(values, step=0.64), Side(captured(values, 16.4, 19.4), BACKGROUND)
    told = places(query, reference, on_line(query, reference, 16.4))
    turns = 16.4 + 5.3 * np.arange(-3, 5)
    assert all(np.abs(turns - line.offset).min() < 0.05 for line in told)
    assert len(told) == PLACES


def test_places_are_apart_from_each_other_and_from_what_was_found() -> None:
    values = walk(60, 4)
    reference, query = stored(values), Side(captured(values, 41, 45), BACKGROUND)
    found = on_line(query, reference, 41.0)
    offsets = np.sort([found.offset, *(line.offset for line in places(query, reference, found))])
    assert np.diff(offsets).min() > 1


def test_a_reference_shorter_than_the_stretch_has_few_places() -> None:
    values = walk(60, 4)
    reference, query = stored(values[4100:4401]), Side(captured(values, 41, 45), BACKGROUND)
    found = on_line(query, reference, 0.0)
    assert len(places(query, reference, found)) < PLACES
