"""Turns of loops, in noise: samples of it are never the same by chance."""

import numpy as np
import pytest

from benchmarks.audio_attacks import RATE, Sound
from benchmarks.turns import turns


def noise(seconds: float, seed: int) -> Sound:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def test_a_bar_that_is_played_again_is_found_where_it_is() -> None:
    bar = noise(2, 1)
    song = np.concatenate([bar, noise(1, 2), bar, noise(1, 3), -0.5 * bar])
    assert turns(song, 0, 2 * RATE) == pytest.approx((3.0, 6.0))
    assert turns(song, 3 * RATE, RATE) == pytest.approx((0.0, 6.0))


def test_what_is_played_once_has_no_turns() -> None:
    assert turns(noise(5, 1), RATE, 2 * RATE) == ()


def test_what_is_played_again_under_something_as_loud_is_another_sound() -> None:
    bar = noise(2, 1)
    assert turns(np.concatenate([bar, bar + noise(2, 2)]), 0, 2 * RATE) == ()


def test_silence_is_the_turn_of_nothing() -> None:
    assert turns(np.zeros(4 * RATE, np.float32), 0, RATE) == ()
