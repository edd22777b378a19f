"""Fitted networks for tables as nodes of an ONNX graph, layer by layer, in float32 as they are run."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from torch import Tensor, nn

from mlspec.onnxkit import forms
from mlspec.onnxkit.forms import Prepared
from mlspec.onnxkit.graph import Graph, NoOnnxForm
from mlspec.torchkit import backbones
from mlspec.torchkit.network import Curves, Network, Scale


def answer(network: Network, graph: Graph, features: Prepared, classes: int, centre: float, spread: float) -> str:
    """The probabilities or values of a network. Raises NoOnnxForm for a layer that has no form."""
    parts = [] if network.numbers is None else [_layer(network.numbers, graph, features.numeric)]
    for index, table in enumerate(network.categories):
        code = graph.cast(graph.column(features.codes, index), "int64")
        parts.append(graph.add("Gather", _weights(graph, cast(Tensor, table.weight)), code, axis=0))
    raw = graph.cast(_layer(network.layers, graph, graph.beside(parts)), "float64")
    last = graph.constant([-1], "int64")
    if classes > 2:
        found = graph.add("Softmax", raw, axis=-1)
    elif classes:
        found = graph.add("Sigmoid", raw)
    else:
        found = graph.chain(raw, ("Mul", spread), ("Add", centre))
    if isinstance(network.layers, backbones.Members):  # the mean of what its members answer
        found = graph.chain(graph.total(found), ("Div", network.layers.members))
    found = found if classes > 2 else graph.add("Squeeze", found, last)
    made = forms.both(graph, found) if classes == 2 else found
    if not features.numeric:
        return made
    return forms.refusing(graph, made, graph.cast(features.numeric, "float64"), missing=False, vector=not classes)


def _weights(graph: Graph, weight: Tensor) -> str:
    return graph.constant(np.asarray(weight.detach().cpu().numpy()), "float32")


def _layer(layer: nn.Module, graph: Graph, rows: str) -> str:
    """What a layer makes of rows."""
    if isinstance(layer, nn.Sequential):
        for one in layer:
            rows = _layer(one, graph, rows)
        return rows
    if isinstance(layer, nn.Dropout):
        return rows
    form = FORMS.get(type(layer))
    if form is None:
        raise NoOnnxForm(f"its layer {type(layer).__name__} has no form")
    return form(layer, graph, rows)


def _linear(layer: Any, graph: Graph, rows: str) -> str:
    found = graph.add("MatMul", rows, _weights(graph, layer.weight.t()))
    return found if layer.bias is None else graph.add("Add", found, _weights(graph, layer.bias))


def _scaled(layer: Any, graph: Graph, rows: str) -> str:
    away = graph.add("Sub", rows, _weights(graph, layer.mean))
    return graph.add("Div", away, _weights(graph, layer.deviation))


def _curved(layer: Any, graph: Graph, rows: str) -> str:
    """Each number through its pieces: columns first, then rows, then pieces."""
    flat = graph.add("Unsqueeze", graph.add("Transpose", rows, perm=[1, 0]), graph.constant([2], "int64"))
    pieces = graph.add("Mul", graph.add("Sub", flat, _weights(graph, layer.left)), _weights(graph, layer.scale))
    pieces = graph.add("Min", graph.add("Max", pieces, _weights(graph, layer.lowest)), _weights(graph, layer.highest))
    curves = graph.add("Add", graph.add("MatMul", pieces, _weights(graph, layer.weight)), _weights(graph, layer.bias))
    curves = graph.add("Transpose", graph.add("Relu", curves), perm=[1, 0, 2])
    return graph.add("Reshape", curves, graph.constant([0, layer.weight.shape[0] * layer.weight.shape[2]], "int64"))


def _normed(layer: Any, graph: Graph, rows: str) -> str:
    scale = layer.weight / (layer.running_var + layer.eps).sqrt()
    found = graph.add("Mul", rows, _weights(graph, scale))
    return graph.add("Add", found, _weights(graph, layer.bias - layer.running_mean * scale))


def _residual(layer: Any, graph: Graph, rows: str) -> str:
    return graph.add("Add", rows, _layer(layer.layers, graph, rows))


def _shared(layer: Any, graph: Graph, rows: str) -> str:
    found = _linear(layer.layer, graph, graph.add("Mul", rows, _weights(graph, layer.before)))
    return graph.add("Add", graph.add("Mul", found, _weights(graph, layer.after)), _weights(graph, layer.bias))


def _members(layer: Any, graph: Graph, rows: str) -> str:
    """(rows, width) to (rows, members, outputs)."""
    hidden = _layer(layer.layers, graph, graph.add("Unsqueeze", rows, graph.constant([1], "int64")))
    by_member = graph.add("Transpose", hidden, perm=[1, 0, 2])
    found = graph.add("Transpose", graph.add("MatMul", by_member, _weights(graph, layer.weight)), perm=[1, 0, 2])
    return graph.add("Add", found, _weights(graph, layer.bias))


def _silu(_module: Any, graph: Graph, rows: str) -> str:
    return graph.add("Mul", rows, graph.add("Sigmoid", rows))


FORMS: Mapping[type[nn.Module], Callable[[Any, Graph, str], str]] = {
    nn.Linear: _linear,
    Scale: _scaled,
    Curves: _curved,
    nn.BatchNorm1d: _normed,
    nn.ReLU: lambda _module, graph, rows: graph.add("Relu", rows),
    nn.GELU: lambda _module, graph, rows: graph.add("Gelu", rows),
    nn.SiLU: _silu,
    backbones.Residual: _residual,
    backbones.Shared: _shared,
    backbones.Members: _members,
}
