"""Needs onnx: the [train] extra."""

from pathlib import Path
from shutil import copy

import numpy as np
import pytest

from fingerprint.cells import ACROSS, BITS
from fingerprint.picture import normalised

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")
pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

import onnxruntime  # noqa: E402

from tests.test_training_video import picture  # noqa: E402
from training.cells import MODEL, add_cells, discriminant, pairs, with_map  # noqa: E402


def test_the_discriminant_keeps_what_stays_and_drops_what_changes() -> None:
    """Of two directions one is the same in the copies, the other is not."""
    rng = np.random.default_rng(4)
    lasting, fleeting, anew = rng.standard_normal((3, 5000))
    clean, copies = (
        np.c_[lasting, other, 0.1 * lasting + other].astype(np.float32) for other in (fleeting, anew)
    )
    weights, offset = discriminant(clean, copies, 1, rng)
    one, other = (side @ weights + offset for side in (clean, copies))
    assert (np.sign(one) == np.sign(other)).mean() > 0.95
    assert one.mean() == pytest.approx(0, abs=1e-3) and one.std() == pytest.approx(1, abs=1e-3)


def test_cells_are_added_once_and_leave_the_codes_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "video.onnx"
    copy(MODEL, path)
    shown = normalised(np.stack([picture(i) for i in range(5)]))
    before = onnxruntime.InferenceSession(str(path)).run(["projections"], {"pictures": shown})[0]
    model, rng = onnx.load(path), np.random.default_rng(1)
    session = onnxruntime.InferenceSession(with_map(model).SerializeToString())
    for _ in range(2):
        clean, copies = pairs([picture(i) for i in range(40)], session, rng)
        add_cells(model, *discriminant(clean, copies, BITS, rng))
    onnx.save(model, path)
    after, cells = onnxruntime.InferenceSession(str(path)).run(["projections", "cells"], {"pictures": shown})
    assert np.array_equal(before, after)
    assert cells.shape == (5, ACROSS, ACROSS, BITS)
    assert [output.name for output in model.graph.output] == ["projections", "cells"]
