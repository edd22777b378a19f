"""The ONNX file of a model: what has a form in it, that it answers alike, and what is refused."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from mlspec import registry
from mlspec.diagnostics import SpecError
from mlspec.onnxkit import reading
from mlspec.onnxkit.graph import NoOnnxForm
from mlspec.plugins.model import Model
from mlspec.plugins.transform import Transform
from mlspec.release import bundle, edge_rows, onnx_file
from mlspec.release.bundle import Bundle
from mlspec.serving.onnx_model import OnnxModel
from mlspec.serving.refusal import Refused
from mlspec.steps.serving import package, package_format, to_onnx

from . import packages

pytest.importorskip("onnxruntime")
DOCS = Path(__file__).parents[2] / "docs" / "operation.md"


def with_onnx(folder: Path, **more: Any) -> Path:
    """A package of LightGBM's with its ONNX file beside it."""
    model = packages.write(folder / "package", classes=3, **more)
    (folder / "model.onnx").write_bytes(to_onnx.made(model, package_format.read_about(model)).content)
    return folder


@pytest.fixture(name="made", scope="module")
def made_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied, not changed."""
    return with_onnx(tmp_path_factory.mktemp("bundle"), abstain_below=0.6)


def apart(folder: Path, classes: int) -> dict[str, float]:
    """The largest difference by what rows are: those of the gate of a release."""
    about, loaded = package_format.read_about(folder), package.load(folder)
    made = to_onnx.made(folder, about)
    assert to_onnx.made(folder, about).content == made.content
    session = reading.opened(made.content, about.raw_columns(), classes)
    rows = loaded.checked(packages.frame(200, seed=2)).to_dicts()
    kinds = {"test rows": rows, **edge_rows.made(about, loaded.seen(), made.thresholds, rows)}
    assert len(kinds[edge_rows.THRESHOLDS]) > 50
    extreme = edge_rows.EXTREMES
    return {kind: onnx_file._difference(loaded, session, own, extreme=kind == extreme) for kind, own in kinds.items()}


ISOTONIC = {"curves": [{"least": 0.01, "x": [0.1, 0.4, 0.8], "y": [0.2, 0.5, 0.9]}]}
LOGISTIC = {"curves": [{"least": 0.01, "slope": 1.5, "offset": 0.1}] * 3}


@pytest.mark.parametrize(
    ("classes", "more"), [(0, {}), (2, {"threshold": 0.3, "calibration": ISOTONIC}), (3, {"calibration": LOGISTIC})]
)
def test_it_answers_as_the_model_on_thresholds_and_with_missing_unseen_and_extreme_cells(
    classes: int, more: dict[str, Any], tmp_path: Path
) -> None:
    found = apart(packages.write(tmp_path / "model", classes=classes, **more), classes)
    assert len(found) == 5
    assert max(found.values()) < 1e-9, found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "classes"), [("extra_trees", 0), ("random_forest", 2), ("hist_gradient_boosting", 3)])
def test_so_do_other_trees(name: str, classes: int, tmp_path: Path) -> None:
    found = apart(packages.write(tmp_path / "model", name, classes=classes), classes)
    assert max(found.values()) < 1e-9, found


def test_a_blend_is_the_mean_of_its_members(tmp_path: Path) -> None:
    folder = packages.write(tmp_path / "model", classes=2)
    about = package_format.read_about(folder)
    for number in (0, 1):
        place = package_format.place(folder, number)
        package.copy(folder / "model", place / "model")
        (place / "state.json").write_bytes((folder / "state.json").read_bytes())
    members = tuple(package_format.Member(f"c{at}", about.model, weight) for at, weight in enumerate((0.25, 0.5)))
    package_format.write_about(folder, msgspec.structs.replace(about, model=("blend", {}), members=members))
    assert max(apart(folder, 2).values()) < 1e-9


def test_what_has_no_form_is_named(tmp_path: Path) -> None:
    folder = packages.write(tmp_path / "model")
    about = package_format.read_about(folder)
    derived = {"expressions": [["twice", "age * 2", "number"]], "columns": [["age", "integer"]]}
    cases = {
        "'age' is treated by 'bins'": {"treatments": (("age", "integer", ("bins", {"edges": [30]})),)},
        "'twice' is derived": {"derived": derived},
        "the model 'python' has no form in ONNX": {"model": ("python", {"code": "a:B"})},
    }
    for said, change in cases.items():
        with pytest.raises(NoOnnxForm, match=re.escape(said)):
            to_onnx.made(folder, msgspec.structs.replace(about, **change))
    state = json.loads((folder / "state.json").read_text())
    next(one for one in state["columns"] if one["name"] == "town")["stages"][0][2][0]["keep"] = ["(missing)"]
    (folder / "state.json").write_text(json.dumps(state))
    with pytest.raises(NoOnnxForm, match="'town' has the category '\\(missing\\)', which stands for a missing value"):
        to_onnx.made(folder, about)


def test_the_page_says_of_every_transform_and_model_whether_it_has_a_form() -> None:
    def mapped(kind: str, name: str) -> bool:
        plugin: Any = registry.plugin(kind, name)
        base: Any = Transform if kind == "transforms" else Model
        return plugin.to_onnx is not base.to_onnx or getattr(plugin, "by_level", False)

    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (yes|no)\b", DOCS.read_text(), re.MULTILINE))
    every = [(kind, name) for kind in ("transforms", "models") for name in registry.names(kind)]
    assert {name: "yes" if mapped(kind, name) else "no" for kind, name in every} == rows


def test_rows_are_answered_and_refused_without_the_data_engine(made: Path) -> None:
    model, loaded = OnnxModel(made / "package", made / "model.onnx", "small"), package.load(made / "package")
    rows = [row for row in packages.rows(60, seed=3) if not isinstance(row["age"], float)]
    found = model.quick(rows)
    assert found is not None
    native = loaded.predict_few(rows)
    assert native is not None
    assert found.columns.keys() == {"prediction", "to_person", "p_x0", "p_x1", "p_x2"}
    shares = np.array([found.columns[f"p_{name}"] for name in ("x0", "x1", "x2")]).T
    assert np.abs(shares - native).max() < 1e-9
    cases: dict[str, dict[str, Any]] = {
        "row 0, field 'age': the value is not an integer": {"age": "41"},
        "row 0, field 'town': '(missing)' stands for a missing value: null is meant": {"town": "(missing)"},
        "row 0: the row is empty": dict.fromkeys(packages.KINDS),
    }
    for said, cells in cases.items():
        assert model.quick([{**rows[0], **cells}]) is None
        with pytest.raises(Refused) as error:
            model.slow([{**rows[0], **cells}])
        assert error.value.message == said
    with pytest.raises(Refused) as error:
        model.slow([{"age": 3}])
    assert error.value.cells[0].reason == "is missing: a number, or null"


def _other_operation(model: Any) -> None:
    model.graph.node[0].op_type = "Loop"


def _other_file(model: Any) -> None:
    from onnx import TensorProto

    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def _out_of_the_tree(model: Any) -> None:
    tree = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    next(one for one in tree.attribute if one.name == "nodes_truenodeids").ints[0] = 1 << 40


def _in_a_circle(model: Any) -> None:
    tree = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    for name, value in (("nodes_truenodeids", 0), ("nodes_trueleafs", 0)):
        next(one for one in tree.attribute if one.name == name).ints[0] = value


def _of_another_model(model: Any) -> None:
    next(one for one in model.metadata_props if one.key == "mlspec.model").value = "0" * 64


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_other_operation, "it has an operation that mlspec never writes: 'Loop'"),
        (_other_file, "it has tensors in other files"),
        (_out_of_the_tree, "a split of its trees leads to nowhere"),
        (_in_a_circle, "a split of its trees leads to nowhere"),
        (_of_another_model, "it is that of another model"),
        (lambda model: model.graph.input.pop(), "its inputs are not the columns of the model"),
        (lambda model: model.opset_import.add(domain="com.microsoft", version=1), "it has operations of other domains"),
        (None, "it is no ONNX file"),
    ],
)
def test_a_file_from_elsewhere_is_looked_at_first(
    damage: Callable[[Any], None] | None, said: str, made: Path, tmp_path: Path
) -> None:
    import onnx

    model = onnx.load_model(made / "model.onnx")
    content = b"no"
    if damage is not None:
        damage(model)
        content = model.SerializeToString()
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(SpecError) as error:
        OnnxModel(made / "package", file, "small")
    assert error.value.diagnostics[0].code == "onnx-unusable"
    assert error.value.diagnostics[0].message == f"'{file}' can't be served: {said}"


SERVED = """
import json, pathlib, sys
from mlspec.api import service
from mlspec.serving import location
from mlspec.serving.app import App
from mlspec.serving.metrics import Metrics
folder = pathlib.Path(sys.argv[1])
found = location.found(folder)
model = service._of_onnx(folder, found.folder, found.name, bool)
App(model, max_rows=9, timeout=1.0, tokens=None, metrics=Metrics())
print(json.dumps([model.way, model.quick([json.loads(sys.argv[2])]).columns["prediction"], sorted(sys.modules)]))
"""


@pytest.mark.slow
def test_serving_it_imports_nothing_that_trains_and_demands_the_released_bytes(made: Path, tmp_path: Path) -> None:
    folder = with_onnx(tmp_path / "bundle")
    (folder / "spec.json").write_text("{}")
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    contents = {name: (folder / name).read_bytes() for name in names}
    listed = {name: package_format.File(len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()}
    plain = dict.fromkeys(("name", "version", "run", "started", "commit", "committed", "mlspec", "candidate"), "x")
    (folder / bundle.ABOUT).write_bytes(bundle.encode(Bundle(**plain, gates={}, files=listed)))  # type: ignore[arg-type]
    row = json.dumps(packages.rows(1, seed=5)[0])

    def served() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SERVED, str(folder), row]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = served()
    assert not done.returncode, done.stderr
    way, prediction, modules = json.loads(done.stdout)
    assert way == "the ONNX file"
    assert prediction[0] in ("x0", "x1", "x2")
    assert not {"sklearn", "lightgbm", "catboost", "torch", "polars", "scipy", "skops", "pandas"} & set(modules)
    (folder / "model.onnx").write_bytes(contents["model.onnx"] + b"\0")
    done = served()
    assert "'model.onnx' is not the file that was released: its SHA-256 digest does not match" in done.stderr
