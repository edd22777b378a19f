"""An ONNX file from anywhere: looked at before anything is made of it, and run on one core."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mlspec.onnxkit.graph import MISSING, ML

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LARGEST = 1 << 30  # bytes
MOST_NODES = 1_000_000
# What is written here, and nothing else: nothing loops, nothing makes a tensor larger than what it is given.
OPERATIONS = frozenset(
    {
        *("Abs", "Add", "And", "ArgMax", "Cast", "Concat", "Cos", "Div", "Equal", "Exp", "Floor", "Gather"),
        *("Greater", "GreaterOrEqual", "Identity", "IsInf", "IsNaN", "Less", "LessOrEqual", "Log", "MatMul", "Max"),
        *("Min", "Mul", "Neg", "Not", "Or", "Pow", "ReduceSum", "Relu", "Reshape", "Sigmoid", "Sign"),
        *("Sin", "Softmax", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where", "Gelu"),
    }
)
OF_ML = frozenset({"LabelEncoder", "TreeEnsemble"})
FLOATS = frozenset({"integer", "number", "boolean", "date", "datetime"})
EPOCH = 719_163  # 1970-01-01 as an ordinal


class Session(Struct, frozen=True):
    """A file that is ready to answer: ``about`` are the texts that go with it, ``columns`` its inputs (name, type of
    the column)."""

    about: dict[str, str]
    columns: tuple[tuple[str, str], ...]
    session: Any
    output: str

    def answer(self, rows: Sequence[Mapping[str, Any]]) -> "Array":
        """The probabilities or values of rows of Python's own values; NaN where there is no answer."""
        found: Array = self.session.run([self.output], feed(self.columns, rows))[0]
        return found


def opened(content: bytes, columns: Sequence[tuple[str, str]], classes: int) -> Session:
    """A session of a file whose inputs are these columns (name, type) and which answers for ``classes``, 0: numbers.

    Raises ValueError where it is none that is written here.
    """
    import onnxruntime

    about = checked(content, columns, classes)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it has an own type for each kind of failure
        raise ValueError(f"ONNX Runtime can't load it: {type(error).__name__}") from None
    return Session(about, tuple(columns), session, session.get_outputs()[0].name)


def checked(content: bytes, columns: Sequence[tuple[str, str]], classes: int) -> dict[str, str]:
    """The texts that go with a file. Raises ValueError where it has other inputs or outputs, data outside of it,
    functions, subgraphs, or operations that are not written here."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import TensorProto

    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes")
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise ValueError("it is no ONNX file") from None
    graph = model.graph
    if len(model.functions) or len(model.training_info) or len(graph.sparse_initializer):
        raise ValueError("it has functions, training or sparse tensors")
    if {one.domain for one in model.opset_import} - {"", ML} or len(graph.node) > MOST_NODES:
        raise ValueError("it has operations of other domains")
    for node in graph.node:
        if node.op_type not in (OF_ML if node.domain == ML else OPERATIONS if not node.domain else ()):
            raise ValueError(f"it has an operation that mlspec never writes: {node.op_type[:40]!a}")
        for one in node.attribute:
            if one.HasField("g") or len(one.graphs):
                raise ValueError("it has subgraphs")
            _inside(one.t)
            for tensor in one.tensors:
                _inside(tensor)
        if node.op_type == "TreeEnsemble":
            _trees(node)
    for tensor in graph.initializer:
        _inside(tensor)
    wanted = {name: TensorProto.DOUBLE if kind in FLOATS else TensorProto.STRING for name, kind in columns}
    if {one.name: one.type.tensor_type.elem_type for one in graph.input} != wanted:
        raise ValueError("its inputs are not the columns of the model")
    shape = [one.dim_value for one in graph.output[0].type.tensor_type.shape.dim] if len(graph.output) else []
    if shape != ([0, classes] if classes else [0]):
        raise ValueError("its output is not that of the model")
    return {one.key: one.value for one in model.metadata_props}


def _inside(tensor: Any) -> None:
    """Raises ValueError where a tensor's numbers are in another file."""
    from onnx import TensorProto

    if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
        raise ValueError("it has tensors in other files")


def _trees(node: Any) -> None:
    """Raises ValueError where a split leads back, or out of its trees: what runs it follows its numbers."""
    import numpy as np
    from onnx import numpy_helper

    lists = {one.name: np.asarray(one.ints, np.int64) for one in node.attribute if len(one.ints)}
    tensors = {one.name: numpy_helper.to_array(one.t) for one in node.attribute if one.HasField("t")}
    targets = next((one.i for one in node.attribute if one.name == "n_targets"), 0)
    try:
        splits, leaves = len(tensors["nodes_splits"]), len(tensors["leaf_weights"])
        place = np.arange(splits)
        sound = targets > 0 and len(tensors["nodes_modes"]) == splits and len(lists["nodes_featureids"]) == splits
        for side in ("true", "false"):
            at, is_leaf = lists[f"nodes_{side}nodeids"], lists[f"nodes_{side}leafs"]
            sound = sound and at.shape == is_leaf.shape == (splits,)
            inside = np.where(is_leaf == 1, at < leaves, (at > place) & (at < splits)) & (at >= 0)
            sound = sound and bool(inside.all())
        roots, own = lists["tree_roots"], lists["leaf_targetids"]
        sound = sound and bool(((roots >= 0) & (roots < splits)).all()) and own.shape == (leaves,)
        sound = sound and bool(((own >= 0) & (own < targets)).all() and (lists["nodes_featureids"] >= 0).all())
        members = int((tensors["nodes_modes"] == 6).sum())
        listed = tensors.get("membership_values")
        sound = sound and (0 if listed is None else int(np.isnan(listed).sum())) == members
    except (KeyError, ValueError, TypeError):
        sound = False
    if not sound:
        raise ValueError("a split of its trees leads to nowhere")


def feed(columns: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, Any]]) -> "dict[str, Array]":
    """The inputs of rows of Python's own values, None where one is missing."""
    import numpy as np

    found = {}
    for name, kind in columns:
        cells = [row[name] for row in rows]
        if kind == "category":
            found[name] = np.array([MISSING if cell is None else cell for cell in cells], dtype=object)
            continue
        if kind == "date":
            cells = [None if cell is None else cell.toordinal() - EPOCH for cell in cells]
        elif kind == "datetime":
            cells = [None if cell is None else _seconds(cell) for cell in cells]
        found[name] = np.array(cells, dtype=np.float64)  # None is NaN
    return found


def _seconds(cell: Any) -> float:
    """Since 1970, by the clock on the wall."""
    day = (cell.toordinal() - EPOCH) * 86_400.0
    return float(day + cell.hour * 3600 + cell.minute * 60 + cell.second + cell.microsecond / 1e6)
