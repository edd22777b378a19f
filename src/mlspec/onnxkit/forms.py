"""What the answers of several models have in common, as nodes."""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mlspec.onnxkit.graph import Graph

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Prepared(Struct, frozen=True):
    """The features of rows: ``numeric`` (rows, n) float32, ``codes`` (rows, c) double; "" where there are none.

    ``splits`` gathers at which values the columns of ``all`` are compared.
    """

    numeric: str
    codes: str
    levels: tuple[int, ...]
    columns: int
    splits: "dict[int, set[float]]"

    def all(self, graph: Graph) -> str:
        """Numbers, then codes: (rows, columns) double, each number as float32 has it."""
        parts = [graph.cast(self.numeric, "float64")] if self.numeric else []
        return graph.beside([*parts, *([self.codes] if self.codes else [])])


def both(graph: Graph, positive: str) -> str:
    """The probabilities of two classes (rows, 2), from that of the second one (rows,)."""
    return graph.wide([graph.add("Sub", graph.constant(1.0), positive), positive])


def of_logits(graph: Graph, logits: str, classes: int) -> str:
    """The probabilities of logits (rows, 1) of two classes, or (rows, classes)."""
    if classes == 2:
        return both(graph, graph.add("Sigmoid", graph.column(logits, 0)))
    return graph.add("Softmax", logits, axis=1)


def with_all_classes(graph: Graph, found: str, known: "Array", classes: int) -> str:
    """A column of zeros for each class that is not ``known`` to a model."""
    import numpy as np

    if len(known) == classes:
        return found
    columns = np.zeros((len(known), classes))
    columns[np.arange(len(known)), known] = 1
    return graph.add("MatMul", found, graph.constant(columns))


def refusing(graph: Graph, answer: str, rows: str, *, missing: bool, vector: bool) -> str:
    """No answer (NaN) where a row has an infinite number, or (unless ``missing`` is taken) a missing one."""
    odd = graph.add("IsInf", rows)
    if not missing:
        odd = graph.add("Or", odd, graph.add("IsNaN", rows))
    count = graph.total(graph.cast(odd, "float64"), keep=not vector)
    return graph.where(graph.add("Greater", count, graph.constant(0.0)), graph.constant(float("nan")), answer)


def log1p(graph: Graph, cells: str) -> str:
    """log(1 + x) of numbers of at least 0, near 0 too."""
    inner = graph.chain(graph.add("Mul", cells, graph.chain(cells, ("Mul", 1 / 3), ("Sub", 0.5))), ("Add", 1.0))
    series = graph.add("Mul", cells, inner)
    plain = graph.add("Log", graph.chain(cells, ("Add", 1.0)))
    return graph.where(graph.add("Less", cells, graph.constant(1e-5)), series, plain)
