"""Spectral peaks are where a recording is loudest, are kept through storage, and are the same however it is read."""

import numpy as np
import pytest

from fingerprint.audio import AudioExtractor
from fingerprint.clip import Clip
from fingerprint.fingerprint import Fingerprint
from fingerprint.peaks import ALGORITHM, MOST, SLOT, points
from fingerprint.spectrum import BINS, FRAME, HOP, SAMPLE_RATE
from fingerprint.storage import from_bytes, to_bytes
from tests.test_audio import InChunks, clip, music


def notes(frequencies: list[float], each: float = 0.5) -> np.ndarray:
    """One tone after the other."""
    time = np.arange(int(each * SAMPLE_RATE)) / SAMPLE_RATE
    return np.concatenate([np.sin(2 * np.pi * f * time) * np.exp(-3 * time) for f in frequencies])


def test_peaks_lie_where_the_notes_are() -> None:
    played = [440.0, 1320.0, 700.0, 2500.0, 1000.0, 600.0]
    _, stored = AudioExtractor().references(clip(notes(played)))
    for number, frequency in enumerate(played[1:-1], 1):
        _, bins = points(stored, 0.5 * number, 0.5 * number + 0.2)  # where it is struck
        assert np.abs(bins - frequency * FRAME / SAMPLE_RATE).min() <= 1, f"{frequency} Hz has no peak"


def test_a_slot_holds_its_highest_peaks_and_no_more() -> None:
    codes, stored = AudioExtractor().references(clip(music(20, 1)))
    assert (stored.algorithm, stored.width) == (ALGORITHM, 2 * MOST)
    assert len(stored) >= len(codes)
    times, _ = points(stored, 0.0, 20.0)
    seconds = SLOT * HOP / SAMPLE_RATE
    assert np.histogram(times, np.arange(FRAME / 2 / SAMPLE_RATE - 0.01, 20, seconds))[0].max() <= MOST
    assert 10 < len(times) / 20 <= MOST / seconds


def test_they_are_ascending_and_within_what_was_asked() -> None:
    _, stored = AudioExtractor().references(clip(music(20, 2)))
    times, bins = points(stored, 5.1, 7.3)
    assert len(times) == len(bins) > 10
    assert (np.diff(times) >= 0).all() and times[0] >= 5.1 and times[-1] <= 7.3
    whole = points(stored, 0.0, 20.0)[0]
    assert len(times) == ((whole >= 5.1) & (whole <= 7.3)).sum()


def test_a_long_sound_read_in_blocks_has_the_peaks_of_the_whole() -> None:
    sound = music(150, 3).astype(np.float32)
    one = AudioExtractor().references(clip(sound))[1]
    chunks = InChunks("test", len(sound) / SAMPLE_RATE, samples=sound)
    other = AudioExtractor().references(chunks)[1]
    assert np.array_equal(one.codes, other.codes) and np.array_equal(one.times, other.times)
    excerpt = AudioExtractor().references(clip(sound[64 * SAMPLE_RATE : 94 * SAMPLE_RATE]))[1]  # whole slots
    apart = points(one, 69, 89)[0] - 64
    assert np.array_equal(np.round(apart, 3), np.round(points(excerpt, 5, 25)[0], 3))


@pytest.mark.parametrize("samples", range(80_000, 81_920, 317))
def test_storage_gives_them_back(samples: int) -> None:
    """However long the sound is: the last of them may be told of a time beyond its end."""
    _, stored = AudioExtractor().references(clip(music(11, 4)[:samples]))
    again = from_bytes(to_bytes(stored))
    for one, other in zip(points(stored, 0, 10), points(again, 0, 10), strict=True):
        assert np.array_equal(one, other)


def test_silence_has_none() -> None:
    _, stored = AudioExtractor().references(clip(np.zeros(5 * SAMPLE_RATE)))
    assert stored.weak.all() and not len(points(stored, 0, 5)[0])


@pytest.mark.parametrize("samples", [0, 100, SAMPLE_RATE])
def test_what_is_too_short_for_a_code_has_no_peaks_either(samples: int) -> None:
    short = Clip("short", samples / SAMPLE_RATE, samples=music(1, 5)[:samples])
    (codes,) = AudioExtractor().references(short)
    assert not len(codes)


@pytest.mark.parametrize("largest, least", [(2 * BINS, 1), (2**16, 0)], ids=["small steps", "any"])
def test_of_rows_that_were_made_up_no_more_is_told_than_sound_can_have(largest: int, least: int) -> None:
    made_up = np.random.default_rng(6).integers(0, largest, (2000, MOST), dtype=np.uint16)
    rows = made_up.astype("<u2").view(np.uint8)
    crowded = Fingerprint(ALGORITHM, 60.0, np.linspace(5, 6, 2000).round(3), rows, np.zeros(2000, np.bool_))
    times, _ = points(crowded, 0.0, 60.0)
    assert least <= len(times) <= 3 * MOST  # slots that begin within the second
    half = SLOT * HOP / SAMPLE_RATE / 2
    assert np.all((times >= 5 - 2 * half) & (times <= 6 + 2 * half))
