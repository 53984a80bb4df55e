"""Needs PyTorch and onnx: the [train] extra."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fingerprint.picture import SIZE, normalised

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

import training.video as training  # noqa: E402  # these import PyTorch
from training.picture_disguises import disguise  # noqa: E402
from training.shelf import Shelf  # noqa: E402
from training.video_export import export  # noqa: E402

Picture = NDArray[np.uint8]


def picture(seed: int) -> Picture:
    rng = np.random.default_rng(seed)
    return np.asarray(cv2.resize(rng.integers(0, 256, (9, 12), dtype=np.uint8), (160, 120)), np.uint8)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "BATCH", 48)


def small_shelf() -> Shelf:
    """Three sources of one to three clips of four pictures, and fifty photographs."""
    clips = iter(range(100, 1000, 10))
    sources = [[[picture(next(clips) + i) for i in range(4)] for _ in range(n)] for n in (1, 2, 3)]
    return Shelf(sources, [picture(i) for i in range(50)])


def test_disguises_depend_on_their_seed_alone() -> None:
    first, again, other = (
        [disguise(picture(i), picture(i + 1), np.random.default_rng(seed)) for i in range(20)]
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_every_disguise_gives_a_picture() -> None:
    rng = np.random.default_rng(0)
    for i in range(200):
        copy = disguise(picture(i), picture(i + 1), rng)
        assert copy.dtype == np.uint8 and copy.ndim == 2 and min(copy.shape) > 20


def test_a_batch_depends_on_its_step_alone() -> None:
    first, again, other = (training.batch(small_shelf(), step) for step in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    shown, disguised, alike = first
    assert shown.shape == disguised.shape == (training.BATCH, 1, SIZE, SIZE)
    assert alike.shape == (training.BATCH, training.BATCH) and alike.diagonal().all()


def test_agreeing_copies_cost_less_than_strangers() -> None:
    rng = np.random.default_rng(0)
    originals, strangers = (torch.from_numpy(rng.normal(size=(8, 256)).astype(np.float32)) for _ in range(2))
    alike = torch.eye(8, dtype=torch.bool)
    agreeing = training.loss(torch.cat([originals, originals]), alike)
    assert float(agreeing) < float(training.loss(torch.cat([originals, strangers]), alike))


# Newer Pythons warn of forking where threads run; the child only makes batches.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_two_steps_of_training_give_a_network_that_runs_the_same_in_onnx(tmp_path: Path) -> None:
    import onnxruntime

    network = training.train(small_shelf(), 2, "cpu", 1)
    export(network, tmp_path / "video.onnx")
    pictures = normalised(np.stack([picture(i) for i in range(5)]))
    session = onnxruntime.InferenceSession(str(tmp_path / "video.onnx"), providers=["CPUExecutionProvider"])
    (exported,) = session.run(["projections"], {"pictures": pictures})
    with torch.no_grad():
        np.testing.assert_allclose(exported, network(torch.from_numpy(pictures)).numpy(), atol=1e-3)
