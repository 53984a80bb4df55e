"""ONNX graphs, as the trained networks are shipped: nodes and constants as they are added."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17

Weights = NDArray[np.float32]


def folded(convolution: nn.Module, norm: nn.Module) -> tuple[Weights, Weights]:
    """Weights and bias of one convolution that does what it and the norm after it do."""
    weights, gain, bias = convolution.weight, norm.weight, norm.bias
    assert (
        isinstance(weights, torch.Tensor)
        and isinstance(gain, torch.Tensor)
        and isinstance(bias, torch.Tensor)
    )
    gain = gain / torch.sqrt(norm.running_var + norm.eps)  # type: ignore[operator]  # both are tensors
    bias = bias - norm.running_mean * gain  # type: ignore[operator]  # likewise
    shape = (-1,) + (1,) * (weights.dim() - 1)
    return (weights * gain.reshape(shape)).detach().contiguous().numpy(), bias.detach().numpy()


def balanced(head: nn.Linear, balance: nn.BatchNorm1d) -> tuple[Weights, Weights]:
    """The last layer with the balancing norm folded in: (inputs, bits) and (bits,)."""
    assert balance.running_var is not None and balance.running_mean is not None
    gain = 1 / torch.sqrt(balance.running_var + balance.eps)
    weights = (head.weight * gain[:, None]).T
    return weights.detach().contiguous().numpy(), (-balance.running_mean * gain).detach().numpy()


class Graph:
    """A graph under construction; each value is known by the name of what gives it."""

    def __init__(self, half: bool = False) -> None:
        """``half``: weights are stored in 16 bits and widened when the graph is loaded."""
        self._half = half
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """A constant."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weights(self, name: str, values: Weights) -> str:
        """A constant that may be stored in 16 bits."""
        if not self._half:
            return self.constant(name, values)
        stored = self.constant(f"{name}-half", values.astype(np.float16))
        return self.node("Cast", [stored], name, to=TensorProto.FLOAT)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node, by the name of its output."""
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def write(
        self, path: Path, taken: Mapping[str, tuple[int, list[Any]]], given: dict[str, list[Any]]
    ) -> None:
        """Checks the graph and writes it; ``taken``: element types and shapes of inputs, ``given``: shapes of outputs."""
        inputs = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in taken.items()]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in given.items()
        ]
        whole = helper.make_graph(self._nodes, path.stem, inputs, outputs, self._constants)
        model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())
