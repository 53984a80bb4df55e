"""The shipped networks in ONNX Runtime: one thread, and no word but errors."""

from importlib.resources.abc import Traversable
from typing import Any


def session(model: Traversable) -> Any:
    """An inference session of a model file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: a pip-installed program has no business with its warnings
    return onnxruntime.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
