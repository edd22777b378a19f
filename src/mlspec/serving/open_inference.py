"""The Open Inference Protocol, version 2, REST: columns as tensors of one dimension, in and out.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md. A null in ``data``
is a missing value, which the protocol leaves open.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from mlspec import __version__
from mlspec.serving.answering import Answering
from mlspec.serving.refusal import Cell, Refused
from mlspec.serving.rows_of import Row, counted, decoded, shown

INTEGERS = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
FLOATS = frozenset({"FP16", "FP32", "FP64", "BF16"})
TYPES: Mapping[str, frozenset[str]] = {
    "integer": INTEGERS | FLOATS,
    "number": INTEGERS | FLOATS,
    "boolean": frozenset({"BOOL"}),
    "category": frozenset({"BYTES"}),
    "date": frozenset({"BYTES"}),
    "datetime": frozenset({"BYTES"}),
    "image": frozenset({"BYTES"}),
}
OWN = {"integer": "INT64", "number": "FP64", "boolean": "BOOL"}


class Tensor(Struct, frozen=True):
    """A column of a request: ``shape`` is [rows] or [rows, 1]."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: list[Any]


class Output(Struct, frozen=True):
    """An output that is asked for."""

    name: str


class Infer(Struct, frozen=True):
    """A request."""

    inputs: list[Tensor]
    id: str = ""
    outputs: list[Output] | None = None


def asked(body: bytes, model: Answering, most: int) -> tuple[list[Row], Infer]:
    """The rows of a request. Raises Refused where it is none, or a tensor does not fit its column."""
    try:
        infer = msgspec.convert(decoded(body), Infer)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise Refused(400, "not-a-request", f"the body is no inference request: {error}") from None
    known = _outputs(model)
    for output in infer.outputs or ():
        if output.name not in known:
            raise Refused(400, "unknown-output", f"no output {shown(output.name)}; there are {', '.join(known)}")
    if not infer.inputs:
        raise Refused(422, "no-rows", "the request has no inputs")
    count = infer.inputs[0].shape[0] if infer.inputs[0].shape else 0
    counted(count, most)
    rows: list[Row] = [{} for _ in range(count)]
    names = set()
    for tensor in infer.inputs:
        name, kind = tensor.name, model.fields.get(tensor.name)
        if name in names:
            raise Refused(400, "duplicate-key", f"the input {shown(name)} is there twice")
        names.add(name)
        if tensor.shape not in ((count,), (count, 1)):
            raise _wrong(name, f"has the shape {list(tensor.shape[:8])}: [{count}] is meant, one value for each row")
        data = tensor.data
        if len(data) == count and all(type(cell) is list and len(cell) == 1 for cell in data):
            data = [cell[0] for cell in data]
        if len(data) != count:
            raise _wrong(name, f"has {len(data):,} values for {count:,} rows")
        if kind is None:
            continue  # no column of the model: other columns are ignored, as in tables
        if tensor.datatype not in TYPES[kind]:
            raise _wrong(name, f"has the datatype {shown(tensor.datatype)}: {', '.join(sorted(TYPES[kind]))} is meant")
        for row, cell in zip(rows, data, strict=True):
            row[name] = cell
    return rows, infer


def answered(model: Answering, infer: Infer, request: str, columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The answer to a request: its id or the one that it was given, and the outputs that it asks for, or all."""
    types = _outputs(model)
    names = [output.name for output in infer.outputs or ()] or list(columns)
    outputs = [
        {"name": name, "shape": [len(columns[name])], "datatype": types[name], "data": columns[name]} for name in names
    ]
    return {"model_name": model.name, "model_version": model.digest, "id": infer.id or request, "outputs": outputs}


def about_server() -> dict[str, Any]:
    """What ``GET /v2`` says."""
    return {"name": "mlspec", "version": __version__, "extensions": []}


def about_model(model: Answering) -> dict[str, Any]:
    """What ``GET /v2/models/NAME`` says."""
    inputs = [{"name": n, "datatype": OWN.get(kind, "BYTES"), "shape": [-1]} for n, kind in model.fields.items()]
    outputs = [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in _outputs(model).items()]
    about = {"name": model.name, "versions": [model.digest], "platform": "mlspec"}
    return {**about, "inputs": inputs, "outputs": outputs}


def _outputs(model: Answering) -> dict[str, str]:
    """The outputs with their datatypes, in their order."""
    about = model.about
    if about.classes is None:
        return {"prediction": "FP64"}
    person = {} if about.abstain_below is None else {"to_person": "BOOL"}
    labels = OWN.get(about.target_type, "BYTES")
    return {"prediction": labels, **person, **{f"p_{name}": "FP64" for name in about.classes}}


def _wrong(name: str, reason: str) -> Refused:
    cell = Cell(0, reason, name)
    return Refused(422, "row-refused", f"the input {shown(name)} {reason}", cells=(cell,))
