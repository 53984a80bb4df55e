"""The spectrogram: where frames lie, that gain and equalisers do not matter, that pitch and tempo can be undone."""

import numpy as np
import pytest

from fingerprint.spectrum import (
    BANDS,
    FRAME,
    HOP,
    SAMPLE_RATE,
    Array,
    band_powers,
    contrast,
    filter_bank,
    frame_starts,
    frame_time,
    levelled,
    running_mean,
)


def tune(seconds: float, pitch: float = 0.0, speed: float = 1.0) -> Array:
    """Notes of a quarter second, raised by ``pitch`` semitones, played ``speed`` times as fast."""
    rng = np.random.default_rng(7)
    notes = rng.integers(0, 24, int(seconds * speed * 4) + 1)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    note = notes[(time * speed * 4).astype(int)]
    frequency = 400 * 2 ** ((note + pitch) / 12)
    sound = np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE) * np.exp(-(time * speed * 4 % 1))
    return (0.3 * sound).astype(np.float32)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (FRAME - 1, 0), (FRAME, 1), (FRAME + HOP, 2)])
def test_only_whole_frames_count(samples: int, frames: int) -> None:
    assert len(frame_starts(samples)) == frames


def test_a_faster_copy_is_read_with_a_smaller_hop() -> None:
    assert frame_starts(SAMPLE_RATE, 1.25)[:4].tolist() == [0, 128, 256, 384]


def test_the_time_of_a_frame_is_its_middle() -> None:
    assert frame_time(0) == pytest.approx(0.064)
    assert frame_time(50) == pytest.approx(1.064)
    assert frame_time(50, time_scale=1.25) == pytest.approx(0.864)


def test_each_band_weighs_one() -> None:
    assert filter_bank().shape == (FRAME // 2 + 1, BANDS)
    np.testing.assert_allclose(filter_bank().sum(0), 1, rtol=1e-5)


def test_a_running_mean_at_the_ends_is_over_what_there_is() -> None:
    values = np.array([[0], [3], [6]], np.float32)
    np.testing.assert_allclose(running_mean(values, 3), np.array([[1.5], [3], [4.5]], np.float32))


def test_gain_does_not_matter() -> None:
    loud, soft = contrast(band_powers(tune(3))[0]), contrast(band_powers(np.float32(0.1) * tune(3))[0])
    assert np.abs(loud - soft).mean() < 0.05 * np.abs(loud).mean()


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine of what the network is shown of both, as far as both go."""
    first, second = levelled(one), levelled(other)
    count = min(len(first), len(second))
    first, second = first[:count], second[:count]
    return float((first * second).sum() / (np.linalg.norm(first) * np.linalg.norm(second)))


def test_a_shift_of_pitch_is_undone_by_other_bands() -> None:
    original = contrast(band_powers(tune(4))[0])
    raised = tune(4, pitch=2)
    as_heard, undone = (contrast(powers) for powers in band_powers(raised, (0.0, 2.0)))
    assert likeness(original, undone) > 0.7 > 0.4 > likeness(original, as_heard)


def test_a_change_of_tempo_is_undone_by_another_hop() -> None:
    original = contrast(band_powers(tune(4))[0])
    fast = tune(4, speed=1.1)
    undone = contrast(band_powers(fast, (0.0,), 1.1)[0])
    assert likeness(original, undone) > 0.85 > 0.6 > likeness(original, contrast(band_powers(fast)[0]))


def test_faint_contrast_is_shown_as_vivid_as_strong_and_a_steady_sound_is_not_blown_up() -> None:
    bands = contrast(band_powers(tune(3))[0])
    vivid, faint = levelled(bands), levelled(np.float32(0.5) * bands)
    assert vivid.shape == (len(bands) // 2, BANDS)
    assert float(np.sqrt((faint**2).mean() / (vivid**2).mean())) > 0.95
    assert np.abs(levelled(np.float32(1e-3) * bands)).mean() < 0.05


def test_no_frames_give_no_pairs() -> None:
    assert levelled(contrast(np.zeros((0, BANDS), np.float32))).shape == (0, BANDS)
