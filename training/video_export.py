"""The trained network as an ONNX graph: convolutions with norms folded in, cube means, a linear layer."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and bias of one convolution that does what both layers do."""
    assert norm.running_var is not None and norm.running_mean is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weights = convolution.weight * gain[:, None, None, None]
    bias = norm.bias - norm.running_mean * gain
    return weights.detach().contiguous().numpy(), bias.detach().numpy()


class _Graph:
    """Nodes and constants as they are added; each is known by the name of what it gives."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output


def export(network: nn.Module, path: Path) -> None:
    """Writes a ``training.video.Network``: "pictures" (n, 1, 64, 64) -> "projections" (n, bits)."""
    graph = _Graph()
    pooled = _pooled(graph, _features(graph, network))
    weights, bias = _head(network)
    head = [pooled, graph.constant("head", weights), graph.constant("offset", bias)]
    given = graph.node("Gemm", head, "projections")
    taken = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 1, 64, 64])
    made = helper.make_tensor_value_info(given, TensorProto.FLOAT, ["n", weights.shape[1]])
    whole = helper.make_graph(graph.nodes, path.stem, [taken], [made], graph.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _features(graph: _Graph, network: nn.Module) -> str:
    """The convolutions, each with its norm folded in."""
    layers = list(network.features)  # type: ignore[arg-type]  # a Sequential
    current = "pictures"
    for i in range(0, len(layers), 3):
        weights, bias = _folded(layers[i], layers[i + 1])
        inputs = [current, graph.constant(f"w{i}", weights), graph.constant(f"b{i}", bias)]
        strides = list(layers[i].stride)
        sums = graph.node("Conv", inputs, f"c{i}", pads=[1, 1, 1, 1], strides=strides, kernel_shape=[3, 3])
        current = graph.node("Relu", [sums], f"r{i}")
    return current


def _pooled(graph: _Graph, features: str) -> str:
    """Cube means over the whole map and over its four quarters."""
    raised = graph.node("Max", [features, graph.constant("floor", np.array(1e-3, np.float32))], "raised")
    cubes = graph.node("Mul", [graph.node("Mul", [raised, raised], "squares"), raised], "cubes")
    whole = graph.node("Flatten", [graph.node("GlobalAveragePool", [cubes], "mean")], "whole")
    means = graph.node("AveragePool", [cubes], "means", kernel_shape=[4, 4], strides=[4, 4])
    quarters = graph.node("Flatten", [means], "quarters")
    joined = graph.node("Concat", [whole, quarters], "joined", axis=1)
    return graph.node("Pow", [joined, graph.constant("third", np.array(1 / 3, np.float32))], "roots")


def _head(network: nn.Module) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The linear layer with the balancing norm folded in: (inputs, bits) and (bits,)."""
    balance: nn.BatchNorm1d = network.balance  # type: ignore[assignment]  # an attribute of training.video.Network
    linear: nn.Linear = network.head  # type: ignore[assignment]  # likewise
    assert balance.running_var is not None and balance.running_mean is not None
    gain = 1 / torch.sqrt(balance.running_var + balance.eps)
    weights = (linear.weight * gain[:, None]).T
    return weights.detach().contiguous().numpy(), (-balance.running_mean * gain).detach().numpy()
