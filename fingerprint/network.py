"""The shipped networks in ONNX Runtime: one thread, no word but errors, and nothing told to anybody."""

import os
from importlib.resources.abc import Traversable
from typing import Any


def session(model: Traversable) -> Any:
    """An inference session of a model file."""
    # Released builds of ONNX Runtime tell their maker of each session, unless this is set before they are loaded.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: a pip-installed program has no business with its warnings
    return onnxruntime.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
