"""A package as one ONNX file: a tensor of each column of raw rows in, probabilities or values out."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from msgspec import Struct

from mlspec import registry
from mlspec.machine import json_values, safe_files
from mlspec.onnxkit.forms import Prepared, both
from mlspec.onnxkit.graph import MISSING, Graph, NoOnnxForm
from mlspec.plugins.base import Column
from mlspec.plugins.model import Model
from mlspec.plugins.transform import Transform
from mlspec.steps.data import by_cell
from mlspec.steps.data.preparation_state import checked
from mlspec.steps.serving import package_format
from mlspec.steps.serving.package_format import ABOUT, MODEL, STATE, About

LARGEST_STATE = 1 << 30  # bytes
TEXTS = frozenset({"category", "boolean"})
PROBABILITIES, VALUES, PREDICTION = "probabilities", "values", "prediction"


class Threshold(Struct, frozen=True):
    """A value at which trees divide the rows: of the feature that is number ``output`` of a column with its preparation
    (``entry``). ``exact``: the feature is the same in both forms, to the last bit."""

    entry: dict[str, Any]
    output: int
    value: float
    exact: bool


class Made(Struct, frozen=True):
    """An ONNX file, and the thresholds of its trees that follow from a single column."""

    content: bytes
    thresholds: tuple[Threshold, ...]


def never_maps(name: str) -> bool:
    """Whether no model of this kind has a form in ONNX."""
    return cast(type[Model], registry.plugin("models", name)).to_onnx is Model.to_onnx


def made(folder: Path, about: About) -> Made:
    """The file of a package. Raises NoOnnxForm that names what has no form in it."""
    if about.treatments:
        raise NoOnnxForm(f"'{about.treatments[0][0]}' is treated by '{about.treatments[0][2][0]}'")
    if about.derived is not None:
        raise NoOnnxForm(f"'{about.derived['expressions'][0][0]}' is derived")
    if about.personal is not None or about.groups is not None:
        raise NoOnnxForm("groups have models or thresholds of their own")
    columns = about.raw_columns()
    if unfit := next((name for name, kind in columns if kind == "image"), None):
        raise NoOnnxForm(f"'{unfit}' is an image")
    names = [name for name, _kind in columns]
    graph = Graph([*names, PROBABILITIES, VALUES, PREDICTION])
    cells = {name: graph.input(name, text=kind == "category") for name, kind in columns}
    answer, thresholds = "", list[Threshold]()
    for number, member in enumerate(about.consists_of()):
        place = folder if about.members is None else package_format.place(folder, number)
        found = _part(place, member.model, about, graph, cells, thresholds)
        if about.members is not None:
            found = graph.chain(found, ("Mul", member.weight))
        answer = found if not answer else graph.add("Add", answer, found)
    return Made(_finished(graph, answer, about, names, folder), tuple(thresholds))


def _finished(graph: Graph, answer: str, about: About, names: Sequence[str], folder: Path) -> bytes:
    outputs: dict[str, tuple[str, str, Sequence[Any]]] = {}
    if about.classes is None:
        outputs[_free(VALUES, names)] = (answer, "float64", ["rows"])
    else:
        answer = _calibrated(graph, answer, about.calibration)
        outputs[_free(PROBABILITIES, names)] = (answer, "float64", ["rows", len(about.classes)])
        code = graph.add("ArgMax", answer, axis=1, keepdims=0)
        if about.threshold is not None:
            above = graph.add("GreaterOrEqual", graph.column(answer, 1), graph.constant(about.threshold))
            code = graph.cast(above, "int64")
        label = graph.add("Gather", graph.texts([str(one) for one in about.classes]), code)
        outputs[_free(PREDICTION, names)] = (label, "text", ["rows"])
    digest = hashlib.sha256((folder / ABOUT).read_bytes()).hexdigest()
    said = {"mlspec.model": digest, "mlspec.missing": MISSING}
    return graph.written(outputs, said)


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _part(
    folder: Path,
    used: tuple[str, dict[str, Any]],
    about: About,
    graph: Graph,
    cells: Mapping[str, str],
    thresholds: list[Threshold],
) -> str:
    """A model's answer in the target's own unit."""
    classes = 0 if about.classes is None else len(about.classes)
    state = checked(json_values.decode(safe_files.read(folder / STATE, LARGEST_STATE)), classes)
    name, settings = used
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    if never_maps(name):
        raise NoOnnxForm(f"the model '{name}' has no form in ONNX")
    made_of: list[tuple[dict[str, Any], int]] = []  # the column and the output of each feature
    tensors: list[str] = []  # of one column, or of several
    widths: list[int] = []
    for entry in state["columns"]:
        own = list(tensors_of(entry, graph, cells))
        tensors += [tensor for tensor, _width in own]
        widths += [width for _tensor, width in own]
        made_of += [(entry, place) for place in range(sum(width for _tensor, width in own))]
    kinds = [one["type"] for one in state["outputs"]]
    if any(kind == "array" for kind in kinds):
        raise NoOnnxForm(f"'{next(one['name'] for one in state['outputs'] if one['type'] == 'array')}' is an array")
    features, order = _features(graph, state, tensors, widths, kinds)
    answer = model.to_onnx(folder / MODEL, graph, features, classes)
    firsts = [tensor for tensor, width in zip(tensors, widths, strict=True) for _ in range(width)]
    for column, values in features.splits.items():
        entry, output = made_of[order[column]]
        if "of" not in entry:
            exact = firsts[order[column]] not in graph.near
            thresholds += [Threshold(entry, output, value, exact) for value in sorted(values)]
    return graph.add("Exp", answer) if state["target"].get("transform") == "log" else answer


def _features(
    graph: Graph, state: Mapping[str, Any], tensors: Sequence[str], widths: Sequence[int], kinds: Sequence[str]
) -> tuple[Prepared, list[int]]:
    """The features, and which output each of their columns is: numbers, then codes."""
    places = {True: list[int](), False: list[int]()}
    parts: dict[bool, list[tuple[str, bool]]] = {True: [], False: []}
    at = 0
    for tensor, width in zip(tensors, widths, strict=True):
        is_code = kinds[at] == "code"
        places[is_code] += range(at, at + width)
        parts[is_code].append((tensor, tensor.startswith("\0")))
        at += width
    matrices = {}
    for is_code, own in parts.items():
        blocks: list[str] = []
        run: list[str] = []
        for tensor, is_wide in own:
            if is_wide:
                blocks += [*([graph.wide(run)] if run else []), tensor[1:]]
                run = []
            else:
                run.append(tensor)
        blocks += [graph.wide(run)] if run else []
        matrices[is_code] = graph.beside(blocks) if blocks else ""
    numeric = graph.cast(matrices[False], "float32") if matrices[False] else ""
    levels = tuple(one["levels"] for one in state["outputs"] if one["type"] == "code")
    order = [*places[False], *places[True]]
    return Prepared(numeric, matrices[True], levels, len(order), {}), order


def tensors_of(entry: Mapping[str, Any], graph: Graph, cells: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The tensors that a column's features are in, each with how many these are; a matrix's name begins with NUL."""
    if entry["type"] in TEXTS and "of" not in entry:
        yield from _by_level(entry, graph, cells[entry["name"]])
        return
    columns, tensors = [Column(entry["name"], entry["type"])], [_first(entry, graph, cells)]
    for name, settings, states in entry["stages"]:
        step = cast(Transform, msgspec.convert(settings, registry.plugin("transforms", name)))
        after: list[Column] = []
        made_: list[str] = []
        for column, tensor, state in zip(columns, tensors, states, strict=True):
            found = ((column,), (tensor,)) if state is None else step.to_onnx(column, state, tensor, graph)
            if found is None:
                raise _unmapped(entry, name)
            after += found[0]
            made_ += found[1]
        columns, tensors = after, made_
    yield from ((tensor, 1) for tensor in tensors)


def _by_level(entry: Mapping[str, Any], graph: Graph, cells: str) -> Iterator[tuple[str, int]]:
    """The features of a category, or a boolean: looked up, as the preparation has them for each level that it knows."""
    kind, is_text = entry["type"], entry["type"] == "category"
    column, known = Column(entry["name"], kind), set[str]()
    columns = [column]
    for name, settings, states in entry["stages"]:
        step = cast(Transform, msgspec.convert(settings, registry.plugin("transforms", name)))
        after: list[Column] = []
        for one, state in zip(columns, states, strict=True):
            found = ((one,), None) if state is None else step.by_cell(one, state)
            if found is None or (state is not None and one.type in TEXTS and not step.by_level):
                raise _unmapped(entry, name)
            after += found[0]
        known |= set(_texts([settings, states])) if any(one.type in TEXTS for one in columns) else set()
        columns = after
    if MISSING in known:
        raise NoOnnxForm(f"'{entry['name']}' has the category '{MISSING}', which stands for a missing value")
    of = by_cell.cells_of(entry)
    levels: list[Any] = sorted(known) if is_text else [False, True]
    other = "other"
    while other in known:
        other += "_"
    missing, *rows = (of({entry["name"]: level}) for level in (None, *levels))
    unseen = of({entry["name"]: other}) if is_text else missing
    table = np.array([[np.nan if cell is None else float(cell) for cell in row] for row in [*rows, missing, unseen]])
    if not is_text:  # 0, 1, or NaN
        place = graph.where(graph.add("IsNaN", cells), graph.constant(2.0), cells)
        yield f"\0{graph.add('Gather', graph.constant(table[:3]), graph.cast(place, 'int64'), axis=0)}", table.shape[1]
        return
    keys = [*levels, MISSING]
    if table.shape[1] == 1:
        yield graph.looked_up(cells, keys, table[:-1, 0].tolist(), float(table[-1, 0])), 1
        return
    at = graph.cast(graph.looked_up(cells, keys, list(range(len(keys))), len(keys)), "int64")
    yield f"\0{graph.add('Gather', graph.constant(table), at, axis=0)}", table.shape[1]


def _texts(value: Any) -> Iterator[str]:
    """All texts in plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(key)
            yield from _texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)


def _first(entry: Mapping[str, Any], graph: Graph, cells: Mapping[str, str]) -> str:
    """A raw column, or one that is made of several."""
    if "of" not in entry:
        return cells[entry["name"]]
    kind, names = entry["of"]
    if kind == "cross":
        raise NoOnnxForm(f"'{entry['name']}' is a combination of columns")
    first, *others = (cells[one] for one in names)
    if kind == "product":
        for one in others:
            first = graph.add("Mul", first, one)
        return first
    zero = graph.add("Equal", others[0], graph.constant(0.0))
    return graph.where(zero, graph.constant(float("nan")), graph.add("Div", first, others[0]))


def _calibrated(graph: Graph, answer: str, calibration: Mapping[str, Any] | None) -> str:
    """Probabilities through the curves of a recalibration."""
    if calibration is None:
        return answer
    curves = calibration["curves"]
    if len(curves) == 1:
        return both(graph, _curve(graph, graph.column(answer, 1), curves[0]))
    raised = graph.wide([_curve(graph, graph.column(answer, code), curve) for code, curve in enumerate(curves)])
    return graph.add("Div", raised, graph.total(raised, keep=True))


def _curve(graph: Graph, score: str, curve: Mapping[str, Any]) -> str:
    def within(cells: str, low: float, high: float) -> str:
        for op, end in (("Less", low), ("Greater", high)):
            cells = graph.where(graph.add(op, cells, graph.constant(end)), graph.constant(end), cells)
        return cells

    if curve.get("x") is not None:
        edges, heights = curve["x"], curve["y"]
        if len(edges) == 1:
            nothing = graph.chain(score, ("Mul", 0.0))
            raised = graph.chain(nothing, ("Add", heights[0]))
        else:
            raised = graph.between(within(score, edges[0], edges[-1]), edges, heights, sloped=True)
    else:
        inside = within(score, 1e-7, 1 - 1e-7)
        odds = graph.add("Log", graph.add("Div", inside, graph.add("Sub", graph.constant(1.0), inside)))
        raised = graph.add("Sigmoid", graph.chain(odds, ("Mul", curve["slope"]), ("Add", curve["offset"])))
    return within(raised, curve["least"], 1 - curve["least"])


def _unmapped(entry: Mapping[str, Any], step: str) -> NoOnnxForm:
    return NoOnnxForm(f"'{entry['name']}' is prepared by '{step}'")
