"""An ONNX graph that is being built, node by node; the same calls give the same bytes.

Cells of columns are tensors of one dimension. Numbers are doubles, a missing one is NaN; a date is the days since
1970-01-01, a date with a time the seconds. A missing text is ``MISSING``.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

OPSET, ML_OPSET, IR = 21, 5, 10
ML = "ai.onnx.ml"
MISSING = "(missing)"
# What libraries compute with other last digits: a value behind these is near, but not equal.
NEAR = frozenset({"Exp", "Log", "Pow", "Sin", "Cos", "Sigmoid", "Softmax", "MatMul", "Gemm"})


class NoOnnxForm(Exception):  # noqa: N818 (a reason, no failure)
    """Why a model, or a step before it, has no form in ONNX."""


class Graph:
    """Nodes, constants and inputs so far. ``near``: tensors whose last digits may differ from those of Python."""

    def __init__(self, taken: Sequence[str] = ()) -> None:
        self.near: set[str] = set()
        self._taken = set(taken)
        self._count = 0
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._tensors: list[Any] = []
        self._made: dict[tuple[Any, ...], str] = {}

    def input(self, name: str, *, text: bool) -> str:
        """A column of rows."""
        from onnx import TensorProto, helper

        kind = TensorProto.STRING if text else TensorProto.DOUBLE
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["rows"]))
        return name

    def add(self, op: str, *inputs: str, domain: str = "", outputs: int = 1, **settings: Any) -> str:
        """The output of a node; of an equal one that is there already."""
        from onnx import helper

        key = (op, inputs, tuple(sorted((name, repr(value)) for name, value in settings.items())))
        if not domain and key in self._made:
            return self._made[key]
        name = self._fresh()
        self._nodes.append(helper.make_node(op, list(inputs), [name], domain=domain, **settings))
        if op in NEAR or not self.near.isdisjoint(inputs):
            self.near.add(name)
        if not domain:
            self._made[key] = name
        return name

    def constant(self, value: "Array | float | Sequence[float]", kind: str = "float64") -> str:
        """A constant tensor."""
        import numpy as np
        from onnx import numpy_helper

        array = np.ascontiguousarray(np.asarray(value, dtype=kind))
        key = (kind, np.asarray(value).shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._fresh()
            self._tensors.append(numpy_helper.from_array(array.reshape(key[1]), self._constants[key]))
        return self._constants[key]

    def texts(self, values: Sequence[str]) -> str:
        """A constant tensor of texts."""
        name = self._fresh()
        self._tensors.append(texts(name, values))
        return name

    def where(self, condition: str, one: str, other: str) -> str:
        """``one`` where the condition holds, else ``other``."""
        return self.add("Where", condition, one, other)

    def chain(self, start: str, *steps: tuple[str, float]) -> str:
        """A number through operations with constants: ``("Sub", 3.0), ("Mul", 0.5)``."""
        for op, value in steps:
            start = self.add(op, start, self.constant(value))
        return start

    def wide(self, cells: Sequence[str]) -> str:
        """Cells side by side: (rows, columns)."""
        if len(cells) == 1:
            return self.add("Unsqueeze", cells[0], self.constant([1], "int64"))
        row = self.add("Concat", *cells, axis=0)
        return self.add("Transpose", self.add("Reshape", row, self.constant([len(cells), -1], "int64")), perm=[1, 0])

    def beside(self, parts: Sequence[str]) -> str:
        """Matrices side by side."""
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=1)

    def column(self, matrix: str, place: int) -> str:
        """A column of a matrix, of one dimension."""
        return self.add("Gather", matrix, self.constant(place, "int64"), axis=1)

    def total(self, matrix: str, *, keep: bool = False) -> str:
        """The sum of each row."""
        return self.add("ReduceSum", matrix, self.constant([1], "int64"), keepdims=int(keep))

    def looked_up(self, cells: str, keys: Sequence[str], values: Sequence[float], other: float) -> str:
        """The number that belongs to a text, ``other`` for all that are no key."""
        import numpy as np
        from onnx import numpy_helper

        return self.add(
            "LabelEncoder",
            cells,
            domain=ML,
            keys_tensor=texts("keys", keys),
            values_tensor=numpy_helper.from_array(np.asarray(values, np.float64), "values"),
            default_tensor=numpy_helper.from_array(np.asarray([other], np.float64), "other"),
        )

    def place(self, cells: str, edges: "Sequence[float] | Array") -> str:
        """How many of the rising edges are not above a number, at least 1 and less than all: int64."""
        import numpy as np

        known = np.asarray(edges, np.float64)
        above = self.add("GreaterOrEqual", self.wide([cells]), self.constant(known[None, :]))
        count = self.total(self.add("Cast", above, to=_type("int64")))
        return self.add(
            "Min", self.add("Max", count, self.constant(1, "int64")), self.constant(len(known) - 1, "int64")
        )

    def between(self, cells: str, edges: Sequence[float], values: Sequence[float], *, sloped: bool = False) -> str:
        """Linear between the edges; ``sloped``: as NumPy adds it up. Numbers have to be within the edges."""
        right = self.place(cells, edges)
        left = self.add("Sub", right, self.constant(1, "int64"))
        low, high = (self.add("Gather", self.constant(edges), at) for at in (left, right))
        from_, to = (self.add("Gather", self.constant(values), at) for at in (left, right))
        rise, run = self.add("Sub", to, from_), self.add("Sub", high, low)
        way = self.add("Sub", cells, low)
        if sloped:
            return self.add("Add", self.add("Mul", self.add("Div", rise, run), way), from_)
        return self.add("Add", from_, self.add("Mul", rise, self.add("Div", way, run)))

    def cast(self, tensor: str, kind: str) -> str:
        """The tensor as another type, by NumPy's name."""
        return self.add("Cast", tensor, to=_type(kind))

    def written(self, outputs: Mapping[str, tuple[str, str, Sequence[Any]]], about: Mapping[str, str]) -> bytes:
        """The file. ``outputs``: by name the tensor, its type and its shape; ``about``: texts that go with it."""
        from onnx import TensorProto, checker, helper

        made = []
        for name, (tensor, kind, shape) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [tensor], [name]))
            type_ = TensorProto.STRING if kind == "text" else _type(kind)
            made.append(helper.make_tensor_value_info(name, type_, list(shape)))
        graph = helper.make_graph(self._nodes, "mlspec", self._inputs, made, initializer=self._tensors)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="mlspec")
        helper.set_model_props(model, dict(about))
        checker.check_model(model)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _fresh(self) -> str:
        self._count += 1
        while str(self._count) in self._taken:
            self._count += 1
        return str(self._count)


def texts(name: str, values: Sequence[str]) -> Any:
    """A tensor of texts."""
    from onnx import TensorProto, helper

    return helper.make_tensor(name, TensorProto.STRING, [len(values)], [value.encode() for value in values])  # type: ignore[misc]


def _type(kind: str) -> int:
    import numpy as np
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(kind)))
