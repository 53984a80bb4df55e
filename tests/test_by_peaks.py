"""Peaks tell this very recording from what is as good as the same: another performance, another place, chance."""

import numpy as np
import pytest

from fingerprint.audio import AudioExtractor
from fingerprint.fingerprint import Disguise, Fingerprint
from fingerprint.spectrum import SAMPLE_RATE
from matching.confirm import Witness
from matching.found import Found
from matching.verify import Stretch
from tests.test_audio import clip

SECONDS = 30.0


def performance(seed: int, unevenness: float = 0.0, melody: int = 7) -> np.ndarray:
    """Notes struck at any time and pitch; ``unevenness`` (s) is how far they lie off, otherwise each time it is played."""
    tune, hand = np.random.default_rng(melody), np.random.default_rng(seed)
    sound = np.zeros(int(SECONDS * SAMPLE_RATE))
    time = np.arange(int(0.4 * SAMPLE_RATE)) / SAMPLE_RATE
    for struck, height in tune.uniform((0, 0), (SECONDS - 1, 1), (int(12 * SECONDS), 2)):
        begin = int(max(0.0, struck + hand.normal(0, 1) * unevenness) * SAMPLE_RATE)
        note = np.sin(2 * np.pi * 300 * 10**height * time) * np.exp(-8 * time)
        sound[begin : begin + len(note)] += note
    return 0.1 * sound


def peaks_of(sound: np.ndarray) -> Fingerprint:
    return AudioExtractor().references(clip(sound))[1]


def line(offset: float, seconds: float, time_scale: float = 1.0) -> Stretch:
    ends = (False, False)
    return Stretch(1, time_scale, offset, 0.0, seconds, 30.0, 30.0, 0.5, ends, ends, 9.0)


def excerpt(sound: np.ndarray, start: float, seconds: float) -> np.ndarray:
    return sound[int(start * SAMPLE_RATE) : int((start + seconds) * SAMPLE_RATE)]


def said(copy: np.ndarray, stored: Fingerprint | None, stretch: Stretch, pitch: float = 0.0) -> float | None:
    witness = Witness(clip(copy), AudioExtractor(), lambda _: stored)
    factors = witness.factors(Found(stretch, Disguise(pitch=pitch), 0, 30.0))
    return factors and factors[0]


def factor(copy: np.ndarray, stored: Fingerprint, stretch: Stretch, pitch: float = 0.0) -> float:
    found = said(copy, stored, stretch, pitch)
    assert found is not None
    return found


ORIGINAL = performance(1, 0.3)
STORED = peaks_of(ORIGINAL)


@pytest.mark.parametrize("seconds", [2.0, 5.0, 10.0])
def test_a_copy_in_noise_as_loud_is_this_recording(seconds: float) -> None:
    copy = excerpt(ORIGINAL, 8.0, seconds)
    noise = np.random.default_rng(3).standard_normal(len(copy)) * copy.std()
    assert factor(copy + noise, STORED, line(8.0, seconds)) < 0.01


def test_the_same_notes_played_again_are_not() -> None:
    again = excerpt(performance(2, 0.3), 8.0, 5.0)
    assert (
        factor(again, STORED, line(8.0, 5.0))
        > 1
        > 0.01
        > factor(excerpt(ORIGINAL, 8.0, 5.0), STORED, line(8.0, 5.0))
    )


@pytest.mark.parametrize("stretch", [line(9.3, 5.0), line(2.0, 5.0)])
def test_another_place_is_not(stretch: Stretch) -> None:
    assert factor(excerpt(ORIGINAL, 8.0, 5.0), STORED, stretch) > 1


def test_other_notes_are_not() -> None:
    assert factor(excerpt(performance(1, melody=8), 8.0, 5.0), STORED, line(8.0, 5.0)) > 1


def test_a_copy_played_faster_is_looked_at_on_its_line_and_in_its_key() -> None:
    faster = np.interp(
        np.arange(0, 5 * SAMPLE_RATE) * 1.06 + 8 * SAMPLE_RATE, np.arange(len(ORIGINAL)), ORIGINAL
    )
    stretch, pitch = line(8.0, 5.0, 1.06), float(12 * np.log2(1.06))
    assert factor(faster, STORED, stretch, pitch) < 0.01 < 1 < factor(faster, STORED, stretch, pitch + 2)


def test_without_peaks_nothing_is_said() -> None:
    copy = excerpt(ORIGINAL, 8.0, 5.0)
    assert said(copy, None, line(8.0, 5.0)) is None
    assert said(copy, peaks_of(np.zeros(int(SECONDS) * SAMPLE_RATE)), line(8.0, 5.0)) is None
    assert said(np.zeros(0), STORED, line(0.0, 1.0)) is None
