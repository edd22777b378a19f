"""Estimators in skops archives: written in bytes that only the fit decides, read where they hold nothing else than what
is written here."""

import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files
from mlspec.plugins.model import Features, Predictor
from mlspec.sklearnkit import nodes
from mlspec.sklearnkit.fitting import plain
from mlspec.sklearnkit.skops_io import estimators, skops_io, untrusted

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FILE = "model.skops"
ABOUT = "model.json"
SCHEMA = "schema.json"
MOST = 1 << 34  # bytes
OWN = "mlspec.user."  # what the names of a user's own modules begin with in an archive, whatever folder they came from
LOADERS = frozenset(
    {
        *("DictNode", "ListNode", "TupleNode", "SliceNode", "JsonNode", "TypeNode", "NdArrayNode", "PartialNode"),
        *("FunctionNode", "ObjectNode", "LossNode", "TreeNode", "RandomGeneratorNode"),
    }
)
NAMED = frozenset({"ObjectNode", "FunctionNode", "TreeNode"})  # they build the types that a plug-in names
# What skops does not trust by itself, and a user's own estimator may hold.
TRUSTED = (
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)


class About(msgspec.Struct, frozen=True):
    """How many classes an estimator answers for, 0 for numbers; ``trusted``: the types that a user's own is made of,
    which nothing but ``load_own`` believes."""

    classes: int
    trusted: tuple[str, ...] = ()


def save(estimator: Any, folder: Path, types: Sequence[str], *, classes: int) -> None:
    """Write the estimator into ``folder``; ``classes`` is 0 for regression.

    ``types``: the full names of the classes and functions that it is made of, its own first. Raises StepError that
    names those which are missing.
    """
    archive = canonical(skops_io().dumps(estimator))
    try:
        found = _examined(archive)
    except ValueError as error:
        raise StepError(f"the fitted {type(estimator).__name__} can't be saved: {error}") from error
    if lacking := _strange(found, types):
        raise StepError(f"the fitted {type(estimator).__name__} is made of more types than named: {', '.join(lacking)}")
    _write(folder, archive, About(classes))


def save_own(estimator: Any, folder: Path, *, classes: int) -> list[str]:
    """Write a user's own estimator into ``folder``: made of whatever types, whose names are returned, and trusted on
    reading."""
    archive = skops_io().dumps(estimator)
    key = type(estimator).__module__.removeprefix(OWN).partition(".")[0]
    trusted = sorted(_public(name, key) for name in untrusted(archive))
    _write(folder, canonical(archive, lambda text: _public(text, key)), About(classes, tuple(trusted)))
    return sorted(name.removeprefix(OWN) for name in trusted)


def load(folder: Path, types: Sequence[str], check: Callable[[Any], None] | None = None) -> Predictor:
    """The estimator from its folder, as ``estimator`` reads it."""
    return _Fitted(*estimator(folder, types, check))


def estimator(folder: Path, types: Sequence[str], check: Callable[[Any], None] | None = None) -> tuple[Any, int]:
    """The estimator from its folder, made of these ``types`` alone, as ``save`` has them, and for how many classes it
    answers.

    The nodes of trees are checked, in the forests and boosted trees of scikit-learn that ``nodes`` knows. ``check``
    is for what else compiled code takes as it is saved (the trees of other estimators, support vectors, neighbours): it
    raises ValueError where a number points out of its array.

    Raises ValueError or StepError where the archive is damaged or holds anything else than such an estimator.
    """
    about, archive = _read(folder)
    found = _examined(archive)
    if unknown := _strange(found, types):
        raise ValueError(f"{FILE} holds types that are not trusted: {', '.join(unknown)}")
    read = skops_io().loads(archive, trusted=["functools.partial", *types])
    if check is None:
        nodes.check(read, {name for _loader, name in found})
    else:
        check(read)
    return read, about.classes


def load_own(folder: Path, key: str) -> Predictor:
    """A user's own estimator, whose modules are those of the folder of that key (``mlspec.user``).

    Raises StepError when it holds types that are not trusted.
    """
    skops = skops_io()
    from skops.io.exceptions import UntrustedTypesFoundException

    about, archive = _read(folder)
    archive = canonical(archive, lambda text: _private(text, key))
    try:
        named = (_private(name, key) for name in about.trusted)
        estimator = skops.loads(archive, trusted=[*TRUSTED, *estimators(archive), *named])
    except UntrustedTypesFoundException as error:
        raise StepError(f"the saved model holds types that are not trusted: {error}") from error
    return _Fitted(estimator, about.classes)


def canonical(archive: bytes, named: Callable[[str], str] = str) -> bytes:
    """A skops archive with equal bytes for equal content; ``named`` changes the texts in it.

    skops names files and shared objects by their addresses in memory and stamps the time; here they are numbered in
    the order in which the schema has them.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        schema = json.loads(source.read(SCHEMA))
        contents = {name: source.read(name) for name in source.namelist()}
    files: dict[str, str] = {}
    _renumber(schema, {}, files, itertools.count(1), named)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, new in files.items():
            target.writestr(zipfile.ZipInfo(new), contents[name])
        target.writestr(zipfile.ZipInfo(SCHEMA), json.dumps(schema))
    return out.getvalue()


def _renumber(
    node: Any, ids: dict[int, int], files: dict[str, str], fresh: Iterator[int], named: Callable[[str], str]
) -> None:
    if isinstance(node, list):
        for child in node:
            _renumber(child, ids, files, fresh, named)
    if not isinstance(node, dict):
        return
    if "__id__" in node:
        # Whether two equal constants are one object is the interpreter's choice, so none of them is shared.
        shared = node["__id__"] in ids and node.get("__loader__") != "JsonNode"
        if not shared:
            ids[node["__id__"]] = next(fresh)
        node["__id__"] = ids[node["__id__"]]
    if isinstance(node.get("file"), str):
        name = node["file"]
        node["file"] = files.setdefault(name, f"{len(files)}{Path(name).suffix}")
    if isinstance(node.get("__module__"), str):
        node["__module__"] = named(node["__module__"])
    for key, child in node.items():
        if key not in ("__id__", "file"):
            _renumber(child, ids, files, fresh, named)


def _public(name: str, key: str) -> str:
    private = f"{OWN}{key}."
    return OWN + name.removeprefix(private) if key and name.startswith(private) else name


def _private(name: str, key: str) -> str:
    return f"{OWN}{key}.{name.removeprefix(OWN)}" if key and name.startswith(OWN) else name


def _read(folder: Path) -> tuple[About, bytes]:
    about = json_values.decode(safe_files.read(folder / ABOUT), About)
    archive = safe_files.read(folder / FILE, MOST)
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        for entry in source.infolist():
            # As they are written here: nothing is compressed, so nothing can be larger than the file.
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise ValueError(f"{FILE} is compressed, which no exported model is")
    return about, archive


def _write(folder: Path, archive: bytes, about: About) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(archive)
    (folder / ABOUT).write_text(json.dumps(msgspec.to_builtins(about), sort_keys=True))


def _examined(archive: bytes) -> set[tuple[str, str]]:
    """What an archive is made of, as pairs of how it is read and its full name.

    Raises ValueError where something is read in a way that is not known here, or an array is not of its size.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        schema = json_values.decode(source.read(SCHEMA))
        if not isinstance(schema, dict) or "__loader__" not in schema:
            raise ValueError(f"{FILE} holds no model")
        waiting: list[Any] = [schema]
        known: dict[str, dict[str, Any]] = {}
        found: set[tuple[str, str]] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting += node
            if not isinstance(node, dict):
                continue
            waiting += node.values()
            if "__loader__" not in node:
                continue
            loader, name = node["__loader__"], f"{node.get('__module__')}.{node.get('__class__')}"
            if loader not in LOADERS:
                raise ValueError(f"{FILE} holds types that are not trusted: {name}, read as a {loader}")
            found.add((loader, name))
            # Of nodes with one number, skops reads the first.
            if "__id__" in node and not _same(known.setdefault(str(node["__id__"]), node), node):
                raise ValueError(f"{FILE} has two objects of one number")
            if loader == "NdArrayNode" and node.get("type") == "numpy":
                _header(source, node)
            if loader == "TreeNode":
                _tree(source, node)
    return found


def _strange(found: set[tuple[str, str]], types: Sequence[str]) -> list[str]:
    """The names among ``found`` that are none of these types, or are of one that is read as something else."""
    known = set(types)
    return sorted({name for loader, name in found if loader != "TypeNode" and (loader in NAMED) != (name in known)})


def _same(one: Any, other: Any) -> bool:
    """Whether two nodes are the same but for the numbers of what is in them."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one if key != "__id__")
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _tree(source: zipfile.ZipFile, node: dict[str, Any]) -> None:
    """Raises ValueError where the parts of a tree are not of one size: scikit-learn takes them as they are."""
    columns, classes, outputs = node["__reduce__"]["args"]["content"]
    state = node["content"]["content"]
    counts = [json_values.decode(one["content"], int) for one in (columns, outputs, state["node_count"])]
    nodes, values = _header(source, state["nodes"]), _header(source, state["values"])
    fits = (
        min(counts) > 0
        and _header(source, classes)[0] == (counts[1],)
        and nodes[0] == (counts[2],)
        and nodes[1].names is not None
        and len(values[0]) == 3
        and values[0][:2] == (counts[2], counts[1])
    )
    if not fits:
        raise ValueError(f"a tree in {FILE} is not of its size")


def _header(source: zipfile.ZipFile, node: dict[str, Any]) -> "tuple[tuple[int, ...], np.dtype[Any]]":
    """Shape and type of an array. Raises ValueError if its header describes more than there is."""
    import math

    import numpy as np

    data = source.read(str(node.get("file")))
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _fortran, dtype = read(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"an array in {FILE} is not of its size")
    return shape, dtype


class _Fitted(Predictor):
    def __init__(self, estimator: Any, classes: int) -> None:
        import numpy as np

        self._estimator = estimator
        self.classes = classes
        # A class that no training row has is missing from the estimator's columns.
        self._columns = np.asarray(estimator.classes_, dtype=np.int64) if classes else None

    def predict(self, features: Features) -> "Array":
        import numpy as np

        rows = plain(features)
        if self._columns is None:
            return np.asarray(self._estimator.predict(rows), dtype=np.float64).reshape(len(rows))
        found = np.asarray(self._estimator.predict_proba(rows), dtype=np.float64)
        if found.shape[1] == self.classes:
            return found
        full = np.zeros((len(rows), self.classes or 0))
        full[:, self._columns] = found
        return full
