"""Needs PyTorch and onnx: the [train] extra."""

from pathlib import Path

import numpy as np
import pytest

from fingerprint.spectrum import BANDS, SAMPLE_RATE, Array

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'whorl[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'whorl[train]'")

import training.audio as training  # noqa: E402  # these import PyTorch
from training.audio_disguises import disguise, waver  # noqa: E402
from training.audio_export import export  # noqa: E402


def sound(seed: int, seconds: float = 7.0) -> Array:
    """Tones that change eight times a second."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    notes = 300 * 2 ** (rng.integers(0, 36, int(seconds * 8) + 1) / 12)
    return np.asarray(
        0.2 * np.sin(2 * np.pi * np.cumsum(notes[(time * 8).astype(int)]) / SAMPLE_RATE), np.float32
    )


SOUNDS = [sound(seed) for seed in range(4)]


def test_disguises_depend_on_their_seed_alone_and_keep_the_length() -> None:
    first, again, other = (
        [disguise(sound(i), SOUNDS[:3], np.random.default_rng(seed)) for i in range(8)] for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert all(len(one) == len(sound(0)) and np.isfinite(one).all() for one in first)


def test_a_wavering_speed_leaves_the_middle_where_it_is() -> None:
    ramp = np.arange(8000, dtype=np.float32)
    wavered = waver(ramp, np.random.default_rng(0))
    assert wavered[4000] == pytest.approx(4000, abs=2) and np.abs(wavered - ramp).max() > 5


def test_a_batch_depends_on_its_step_alone_and_its_patches_lie_inside() -> None:
    first, again, other = (training.batch(SOUNDS, step) for step in (3, 3, 4))
    assert np.array_equal(first.captured, again.captured) and not np.array_equal(
        first.captured, other.captured
    )
    assert first.clean.shape == first.captured.shape == (training.SLICES, training.PAIRS, BANDS)
    assert len(first.clean_places) == len(first.captured_places) > training.SLICES * training.PLACES / 2
    for places in (first.clean_places, first.captured_places):
        assert places[:, 1].min() >= 0 and places[:, 1].max() <= training.PAIRS - training.PATCH_PAIRS
        assert np.array_equal(places[:, 0], first.clean_places[:, 0])


def test_agreeing_copies_cost_less_than_strangers() -> None:
    rng = np.random.default_rng(0)
    originals, strangers = (torch.from_numpy(rng.normal(size=(8, 256)).astype(np.float32)) for _ in range(2))
    nothing = torch.zeros(0, 256)
    agreeing, codes = training.loss(originals, originals, nothing)
    assert float(agreeing) < float(training.loss(originals, strangers, nothing)[0])
    assert codes.shape == (8, 256)


# Newer Pythons warn of forking where threads run; the child only makes batches.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_two_steps_of_training_give_a_network_that_runs_the_same_in_onnx(tmp_path: Path) -> None:
    import onnxruntime

    network = training.train(SOUNDS, steps=2)
    export(network, tmp_path / "audio.onnx")
    bands = np.random.default_rng(0).standard_normal((80, BANDS)).astype(np.float32)
    starts = np.array([0, 7, 40])
    session = onnxruntime.InferenceSession(str(tmp_path / "audio.onnx"), providers=["CPUExecutionProvider"])
    (exported,) = session.run(["projections"], {"bands": bands[None, None], "starts": starts})
    places = torch.from_numpy(np.stack([np.zeros_like(starts), starts], 1))
    with torch.no_grad():
        expected = network(torch.from_numpy(bands[None]), places).numpy()
    # Weights are shipped in 16 bits.
    np.testing.assert_allclose(exported, expected, atol=2e-2)
