"""The trained network as an ONNX graph: convolutions with their batch norms folded in, cube means, one linear layer."""

from pathlib import Path

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


def export(network: nn.Module, path: Path) -> None:
    """Writes ``network`` (a ``training.video.Network``): "pictures" (n, 1, 64, 64) -> "projections" (n, bits)."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, values: NDArray[np.generic]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    layers = list(network.features)  # type: ignore[arg-type]  # a Sequential
    current = "pictures"
    for i in range(0, len(layers), 3):
        weights, bias = _folded(layers[i], layers[i + 1])
        inputs = [current, constant(f"w{i}", weights), constant(f"b{i}", bias)]
        node("Conv", inputs, f"c{i}", pads=[1, 1, 1, 1], strides=list(layers[i].stride), kernel_shape=[3, 3])
        current = node("Relu", [f"c{i}"], f"r{i}")
    floor = constant("floor", np.array(1e-3, np.float32))
    raised = node("Max", [current, floor], "raised")
    cubes = node("Mul", [node("Mul", [raised, raised], "squares"), raised], "cubes")
    whole = node("Flatten", [node("GlobalAveragePool", [cubes], "mean")], "whole")
    quarters = node("Flatten", [node("AveragePool", [cubes], "means", kernel_shape=[4, 4], strides=[4, 4])], "quarters")
    joined = node("Concat", [whole, quarters], "joined", axis=1)
    roots = node("Pow", [joined, constant("third", np.array(1 / 3, np.float32))], "roots")
    head, bias = _head(network)
    node("Gemm", [roots, constant("head", head), constant("offset", bias)], "projections")
    graph = helper.make_graph(
        nodes,
        "video-1",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 1, 64, 64])],
        [helper.make_tensor_value_info("projections", TensorProto.FLOAT, ["n", head.shape[1]])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _head(network: nn.Module) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The linear layer with the balancing norm folded in: (inputs, bits) and (bits,)."""
    balance: nn.BatchNorm1d = network.balance  # type: ignore[assignment]  # an attribute of training.video.Network
    linear: nn.Linear = network.head  # type: ignore[assignment]  # likewise
    assert balance.running_var is not None and balance.running_mean is not None
    gain = 1 / torch.sqrt(balance.running_var + balance.eps)
    weights = (linear.weight * gain[:, None]).T
    return weights.detach().contiguous().numpy(), (-balance.running_mean * gain).detach().numpy()
