"""The trained video network as an ONNX graph, and back: convolutions with norms folded in, cube means, a linear layer."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

from training.graph import Graph, balanced, folded


def export(network: Any, path: Path) -> None:
    """Writes a ``training.video.Network``: "pictures" (n, 1, 64, 64) -> "projections" (n, bits)."""
    graph = Graph()
    pooled = _pooled(graph, _features(graph, network))
    weights, bias = balanced(network.head, network.balance)
    head = [pooled, graph.weights("head", weights), graph.constant("offset", bias)]
    given = graph.node("Gemm", head, "projections")
    graph.write(path, {"pictures": (TensorProto.FLOAT, ["n", 1, 64, 64])}, {given: ["n", weights.shape[1]]})


def _features(graph: Graph, network: Any) -> str:
    """The convolutions, each with its norm folded in."""
    layers = list(network.features)
    current = "pictures"
    for i in range(0, len(layers), 3):
        weights, bias = folded(layers[i], layers[i + 1])
        inputs = [current, graph.weights(f"w{i}", weights), graph.constant(f"b{i}", bias)]
        strides = list(layers[i].stride)
        sums = graph.node("Conv", inputs, f"c{i}", pads=[1, 1, 1, 1], strides=strides, kernel_shape=[3, 3])
        current = graph.node("Relu", [sums], f"r{i}")
    return current


def _pooled(graph: Graph, features: str) -> str:
    """Cube means over the whole map and over its four quarters."""
    raised = graph.node("Max", [features, graph.constant("floor", np.array(1e-3, np.float32))], "raised")
    cubes = graph.node("Mul", [graph.node("Mul", [raised, raised], "squares"), raised], "cubes")
    whole = graph.node("Flatten", [graph.node("GlobalAveragePool", [cubes], "mean")], "whole")
    means = graph.node("AveragePool", [cubes], "means", kernel_shape=[4, 4], strides=[4, 4])
    quarters = graph.node("Flatten", [means], "quarters")
    joined = graph.node("Concat", [whole, quarters], "joined", axis=1)
    return graph.node("Pow", [joined, graph.constant("third", np.array(1 / 3, np.float32))], "roots")


def restore(network: Any, path: Path, pictures: torch.Tensor) -> None:
    """Gives a ``training.video.Network`` the weights of an exported file.

    The norms that were folded away are unfolded on ``pictures`` (n, 1, 64, 64): each layer's norm takes off what they
    give it and puts it back, so that the network computes what the file does and can be trained on.
    """
    stored = {c.name: torch.tensor(numpy_helper.to_array(c)) for c in onnx.load(path).graph.initializer}
    layers = network.features
    with torch.no_grad():
        for i in range(0, len(layers), 3):
            layers[i].weight.copy_(stored[f"w{i}"])
            sums = layers[i](pictures)
            mean, deviation = sums.mean((0, 2, 3)), sums.std((0, 2, 3)) + 1e-5
            norm = layers[i + 1]
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(deviation**2)
            norm.weight.copy_(deviation)
            norm.bias.copy_(stored[f"b{i}"] + mean)
            pictures = torch.relu(sums + stored[f"b{i}"][:, None, None])
        network.head.weight.copy_(stored["head"].T)
        network.balance.running_mean.copy_(-stored["offset"])
        network.balance.running_var.fill_(1.0)
