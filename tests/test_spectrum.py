"""The spectrogram: where frames lie, that gain and equalisers do not matter, that pitch and tempo can be undone."""

import numpy as np
import pytest

from fingerprint.spectrum import (
    BANDS,
    FRAME,
    HOP,
    PATCH,
    PATCH_SIZE,
    SAMPLE_RATE,
    Array,
    band_powers,
    contrast,
    filter_bank,
    frame_starts,
    frame_time,
    patches,
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
    """Mean cosine of patches at the same frames."""
    count = min(len(one), len(other)) - PATCH
    starts = np.arange(0, count, 8)
    return float((patches(one, starts) * patches(other, starts)).sum(1).mean())


def test_a_shift_of_pitch_is_undone_by_other_bands() -> None:
    original = contrast(band_powers(tune(4))[0])
    raised = tune(4, pitch=3)
    as_heard, undone = (contrast(powers) for powers in band_powers(raised, (0.0, 3.0)))
    assert likeness(original, undone) > 0.7 > 0.4 > likeness(original, as_heard)


def test_a_change_of_tempo_is_undone_by_another_hop() -> None:
    original = contrast(band_powers(tune(4))[0])
    fast = tune(4, speed=1.1)
    undone = contrast(band_powers(fast, (0.0,), 1.1)[0])
    assert likeness(original, undone) > 0.85 > 0.6 > likeness(original, contrast(band_powers(fast)[0]))


def test_patches_have_no_mean_and_length_one() -> None:
    found = patches(contrast(band_powers(tune(3))[0]), np.array([0, 10, 20]))
    assert found.shape == (3, PATCH_SIZE)
    np.testing.assert_allclose(found.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-3)
    assert patches(np.zeros((10, BANDS), np.float32), np.zeros(0, np.int64)).shape == (0, PATCH_SIZE)
