"""What every model has to do: learn, write equal bytes for equal fits, and answer each row by itself once read back."""

# ruff: noqa: D102 (the name of a test is its sentence)

import json
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
import numpy as np
import pytest

from mlspec.diagnostics import StepError
from mlspec.onnxkit.forms import Prepared
from mlspec.onnxkit.graph import Graph
from mlspec.plugins.base import Column, Task
from mlspec.plugins.model import Features, Model, Training
from mlspec.plugins.transform import Transform
from mlspec.rules._prepared import GROUPS, PREPARED, steps
from mlspec.testing.plugins import PluginSuite

Array = np.ndarray[Any, Any]
CLASSES = {"binary_classification": 2, "multiclass_classification": 3, "regression": 0}
LEVELS = (5, 7)
NUMERIC, CODES = ("a", "b", "c"), ("d", "e")
NUMBERS = {"integer", "number", "boolean", "code", "array"}
PICKLES = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill"}


class ModelSuite(PluginSuite):
    """Tests for models: inherit, and set ``names``; ``settings`` that train in a second are enough. The data have three
    numbers, and two codes for a model that ``takes_codes``."""

    kind: ClassVar[str] = "models"
    rows: ClassVar[int] = 600
    fits: ClassVar[dict[str, dict[str, bytes]]] = {}

    def test_it_answers_in_the_shape_of_its_task_and_has_learned_something(self, plugin: Model, tmp_path: Path) -> None:
        assert plugin.tasks
        for task in sorted(plugin.tasks):
            given = self.training(plugin, tmp_path / task, task)
            history = plugin.fit(given, tmp_path / task / "model")
            json.dumps(history)
            loaded = plugin.load(tmp_path / task / "model", "cpu")
            assert loaded.classes in (None, given.classes)
            answer, truth = loaded.predict(given.validation), given.validation_target
            assert answer.dtype == np.float64, task
            assert np.isfinite(answer).all(), task
            if task == "regression":
                assert answer.shape == truth.shape, task
                assert np.corrcoef(answer, truth)[0, 1] > 0.5, task
                continue
            assert answer.shape == (len(truth), given.classes), task
            np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-6)
            assert (answer.argmax(axis=1) == truth).mean() > 0.5 + 0.3 / given.classes, task

    def test_it_answers_each_row_by_itself(self, plugin: Model, tmp_path: Path) -> None:
        given = self.fitted(plugin, tmp_path)
        loaded, rows = plugin.load(tmp_path / "model", "cpu"), given.validation
        whole = loaded.predict(rows)
        order = np.random.default_rng(5).permutation(len(whole))
        np.testing.assert_allclose(loaded.predict(cut(rows, order)), whole[order], atol=1e-5)
        np.testing.assert_allclose(loaded.predict(cut(rows, order[:1])), whole[order[:1]], atol=1e-5)
        np.testing.assert_array_equal(plugin.load(tmp_path / "model", "cpu").predict(rows), whole)

    def test_equal_fits_are_equal_bytes_and_none_is_a_pickle(self, plugin: Model, tmp_path: Path) -> None:
        given = self.fitted(plugin, tmp_path)
        # A limit that is not reached changes nothing.
        plugin.fit(msgspec.structs.replace(given, checkpoints=tmp_path / "others", seconds=1e6), tmp_path / "again")
        written = [contents(tmp_path / name) for name in ("model", "again")]
        assert written[0]
        assert written[0] == written[1]
        for name, data in written[0].items():
            assert Path(name).suffix not in PICKLES, name
            assert not (data[:1] == b"\x80" and data[-1:] == b"."), f"{name} is a pickle"

    def test_a_class_that_no_training_row_has_has_its_column_too(self, plugin: Model, tmp_path: Path) -> None:
        if "multiclass_classification" in plugin.tasks:
            given = self.training(plugin, tmp_path, "multiclass_classification")
            plugin.fit(msgspec.structs.replace(given, classes=4), tmp_path / "model")
            answer = plugin.load(tmp_path / "model", "cpu").predict(given.validation)
            assert answer.shape == (len(given.validation_target), 4)

    def test_missing_numbers_are_taken_where_it_says_so(self, plugin: Model, tmp_path: Path) -> None:
        if plugin.takes_missing:
            given = self.training(plugin, tmp_path, min(plugin.tasks))
            given.features.numeric[::7, 1] = np.nan
            given.validation.numeric[::5, 0] = np.nan
            plugin.fit(given, tmp_path / "model")
            assert np.isfinite(plugin.load(tmp_path / "model", "cpu").predict(given.validation)).all()

    def test_a_fit_without_time_gives_a_model_that_answers(self, plugin: Model, tmp_path: Path) -> None:
        given = msgspec.structs.replace(self.training(plugin, tmp_path, min(plugin.tasks)), seconds=0.0)
        assert plugin.fit(given, tmp_path / "model").get("stopped", "time") == "time"
        assert np.isfinite(plugin.load(tmp_path / "model", "cpu").predict(given.validation)).all()

    def test_weights_of_rows_are_used_or_refused(self, plugin: Model, tmp_path: Path) -> None:
        given = self.fitted(plugin, tmp_path)
        weighted = msgspec.structs.replace(
            given,
            checkpoints=tmp_path / "others",
            weights=np.where(given.features.numeric[:, 2] > 0, 1.0, 1e-3),
            validation_weights=np.ones(len(given.validation_target)),
        )
        try:
            plugin.fit(weighted, tmp_path / "weighted")
        except StepError:
            return
        assert contents(tmp_path / "weighted") != contents(tmp_path / "model")

    def test_it_is_fitted_again_for_as_many_rounds_as_were_found(self, plugin: Model, tmp_path: Path) -> None:
        given = self.training(plugin, tmp_path, min(plugin.tasks))
        few = np.arange(100)
        parts = {"features": cut(given.features, few), "target": given.target[few]}
        held = {"validation": cut(given.validation, few), "validation_target": given.validation_target[few]}
        history = plugin.fit(msgspec.structs.replace(given, **parts, **held), tmp_path / "model")
        again = plugin.rounds_found(json.loads(json.dumps(history)))
        if again is None:
            return
        assert type(again) is type(plugin)
        none = {"validation": cut(given.validation, few[:0]), "validation_target": given.validation_target[:0]}
        alone = msgspec.structs.replace(given, **parts, **none, checkpoints=tmp_path / "others")
        second = again.fit(alone, tmp_path / "again")
        rounds = history.get("best_epoch", second.get("epochs"))
        assert second.get("epochs") == rounds
        assert again.rounds_found(second) in (again, plugin)
        assert np.isfinite(again.load(tmp_path / "again", "cpu").predict(given.validation)).all()

    def test_its_least_size_is_no_more_than_its_size(self, plugin: Model, tmp_path: Path) -> None:
        if plugin.needs:
            return  # these rows lack what it is about
        given = self.fitted(plugin, tmp_path)
        numbers = tuple(Column(name, "number") for name in given.features.numeric_names)
        codes = tuple(
            Column(name, "code", levels=levels)
            for name, levels in zip(given.features.code_names, given.features.levels, strict=True)
        )
        least = plugin.least_bytes(numbers + codes, given.classes)
        assert least is None or 0 <= least <= sum(map(len, contents(tmp_path / "model").values()))

    def test_a_damaged_model_is_not_read(self, plugin: Model, tmp_path: Path) -> None:
        self.fitted(plugin, tmp_path)
        for file in (tmp_path / "model").rglob("*"):
            if file.is_file():
                file.write_bytes(file.read_bytes()[:20])
        with pytest.raises(Exception):  # noqa: B017, PT011 (each library has its own errors for that)
            plugin.load(tmp_path / "model", "cpu")

    def test_its_onnx_form_answers_as_it_does(self, plugin: Model, tmp_path: Path) -> None:
        if type(plugin).to_onnx is Model.to_onnx:
            return
        pytest.importorskip("onnxruntime")
        self.compare_onnx(plugin, self.fitted(plugin, tmp_path), tmp_path / "model")

    def compare_onnx(self, plugin: Model, given: Training, folder: Path) -> None:
        """Hold the form of a fitted model in ONNX to its answers."""
        import onnxruntime

        rows, classes = given.validation, given.classes
        graph = Graph()
        numbers = [graph.input(name, text=False) for name in rows.numeric_names]
        codes = [graph.input(name, text=False) for name in rows.code_names]
        columns = len(numbers) + len(codes)
        prepared = Prepared(
            graph.cast(graph.wide(numbers), "float32"), graph.wide(codes) if codes else "", rows.levels, columns, {}
        )
        answer = plugin.to_onnx(folder, graph, prepared, classes)
        content = graph.written({"answer": (answer, "float64", ["rows", *([classes] if classes else [])])}, {})
        for column, values in prepared.splits.items():
            if column < len(numbers):  # a third of the rows each: on a threshold as float32 has it, and beside it
                around = np.resize(np.array(sorted(values)), len(rows.numeric)).astype(np.float32)
                ends = np.array([-np.inf, np.inf], np.float32)[np.arange(len(around)) % 2]
                away = np.nextafter(around, ends)
                rows.numeric[:, column] = np.where(np.arange(len(around)) % 3 == column % 3, around, away)
        if plugin.takes_missing:
            rows.numeric[::5, 0] = np.nan
        fed = dict(zip([*rows.numeric_names, *rows.code_names], [*rows.numeric.T, *rows.codes.T], strict=True))
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {name: np.asarray(cells, np.float64) for name, cells in fed.items()})
        np.testing.assert_allclose(found, plugin.load(folder, "cpu").predict(rows), rtol=2e-6, atol=2e-6)

    def test_its_preparation_makes_numbers_of_every_type(self, plugin: Model) -> None:
        for kind, group in GROUPS.items():
            made: tuple[Column, ...] = (Column("x", kind),)
            for use in steps(plugin.preparation.get(group, PREPARED.get(group, ()))):
                step = cast(Transform, use.plugin)
                made = tuple(c for one in made for c in (step.output(one) if one.type in step.accepts else (one,)))
            assert {one.type for one in made} <= NUMBERS, f"{kind}: {group} in its preparation"
            assert plugin.takes_codes or "code" not in {one.type for one in made}, kind

    def fitted(self, plugin: Model, folder: Path) -> Training:
        """What it was fitted with, into ``folder / "model"``: the first of its tasks. Fitted once for all tests."""
        given = self.training(plugin, folder, min(plugin.tasks))
        key = f"{type(self).__qualname__} {self.rows} {plugin!r}"
        if key not in self.fits:
            plugin.fit(given, folder / "model")
            self.fits[key] = contents(folder / "model")
            return given
        for name, data in self.fits[key].items():
            (folder / "model" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "model" / name).write_bytes(data)
        return given

    def training(self, plugin: Model, folder: Path, task: str) -> Training:
        """Rows to learn from; a third as many to stop by."""
        (folder / "checkpoints").mkdir(parents=True)
        train = features(self.rows, 0, codes=plugin.takes_codes)
        validation = features(self.rows // 3, 1, codes=plugin.takes_codes)
        return Training(
            features=train,
            target=target(train, CLASSES[task]),
            validation=validation,
            validation_target=target(validation, CLASSES[task]),
            task=cast(Task, task),
            classes=CLASSES[task],
            seed=0,
            device="cpu",
            threads=1,
            checkpoints=folder / "checkpoints",
            progress=lambda *_: None,
        )


def features(n: int, seed: int, *, codes: bool = True) -> Features:
    """So many rows of three numbers and, where they are wanted, two codes."""
    generator = np.random.default_rng(seed)
    numeric = generator.normal(size=(n, 3)).astype(np.float32)
    coded = [generator.integers(0, count, n) for count in LEVELS] if codes else []
    both = np.stack(coded, axis=1).astype(np.int32) if codes else np.zeros((n, 0), np.int32)
    return Features(numeric, both, NUMERIC, CODES if codes else (), LEVELS if codes else ())


def target(rows: Features, classes: int) -> Array:
    """What follows from the rows: values, or classes of equal size."""
    values = rows.numeric[:, 0] - 0.3 * np.abs(rows.numeric[:, 1])
    if rows.codes.shape[1]:
        values = values + 0.4 * rows.codes[:, 0]
    if not classes:
        return np.asarray(values, np.float64)
    edges = np.quantile(values, np.linspace(0, 1, classes + 1)[1:-1])
    return np.asarray(np.searchsorted(edges, values), np.int64)


def cut(rows: Features, chosen: Array) -> Features:
    """Those rows, in that order."""
    return msgspec.structs.replace(rows, numeric=rows.numeric[chosen], codes=rows.codes[chosen])


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of each file of a folder, by its name there."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
