"""The trained audio network as an ONNX graph: convolutions over the whole sound, then a linear layer at each start."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from training.graph import Graph, balanced, folded


def export(network: Any, path: Path) -> None:
    """Writes a ``training.audio.Network``: "bands" (1, 1, pairs, bands) and "starts" (n,) -> "projections" (n, bits)."""
    graph = Graph(half=True)
    layers = list(network.features)
    current = "bands"
    for i in range(0, len(layers), 3):
        weights, bias = folded(layers[i], layers[i + 1])
        inputs = [current, graph.weights(f"w{i}", weights), graph.constant(f"b{i}", bias)]
        sums = graph.node("Conv", inputs, f"c{i}", pads=[0, 1, 0, 1], strides=[1, 2], kernel_shape=[3, 3])
        current = graph.node("Relu", [sums], f"r{i}")
    turned = graph.node("Transpose", [current], "turned", perm=[0, 1, 3, 2])
    weights, bias = folded(network.squeeze[0], network.squeeze[1])
    shape = graph.constant("shape", np.array([1, weights.shape[1], -1], np.int64))
    stacked = graph.node("Reshape", [turned, shape], "stacked")
    inputs = [stacked, graph.weights("ws", weights), graph.constant("bs", bias)]
    squeezed = graph.node("Relu", [graph.node("Conv", inputs, "cs", kernel_shape=[weights.shape[2]])], "rs")
    given = _head(graph, network, squeezed)
    taken = {
        "bands": (TensorProto.FLOAT, [1, 1, "pairs", network.BANDS]),
        "starts": (TensorProto.INT64, ["n"]),
    }
    graph.write(path, taken, {given: ["n", network.head.out_features]})


def _head(graph: Graph, network: Any, squeezed: str) -> str:
    """What stands at each start and after it, (n, REACH, TOP), through the linear layer."""
    first = graph.constant("first", np.array([0], np.int64))
    rows = graph.node(
        "Transpose", [graph.node("Squeeze", [squeezed, first], "channels")], "rows", perm=[1, 0]
    )
    last = graph.constant("last", np.array([1], np.int64))
    column = graph.node("Unsqueeze", ["starts", last], "column")
    places = graph.node("Add", [column, graph.constant("reach", np.arange(network.REACH))], "places")
    windows = graph.node("Flatten", [graph.node("Gather", [rows, places], "windows", axis=0)], "flat")
    weights, bias = balanced(network.head, network.balance)
    ordered = weights.reshape(network.TOP, network.REACH, -1).transpose(1, 0, 2).reshape(weights.shape)
    head = [windows, graph.weights("head", ordered), graph.constant("offset", bias)]
    return graph.node("Gemm", head, "projections")
