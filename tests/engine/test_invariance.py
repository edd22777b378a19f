"""Nothing that is fitted knows a row that it must not know: other validation and test rows, the same fitted state.

Every preparation and every model that there is takes part; a new one does by itself. The rows that are changed get huge
numbers, new categories, missing values and other targets.
"""

import datetime
import importlib.util
import io
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.suites import later

from mlspec import api, paths, registry
from mlspec.plugins.base import Column
from mlspec.plugins.model import Model
from mlspec.plugins.transform import Transform
from mlspec.store.store import Store

COUNT = 240
DAY = datetime.date(2024, 1, 1)
# What a step can't do without.
NEEDED: dict[str, dict[str, Any]] = {"order": {"levels": ["a", "b", "c"]}, "cyclical": {"period": 12}}
# Choices whose state is fitted in another way.
MORE: dict[str, list[dict[str, Any]]] = {
    "clip": [{"lower_quantile": 0.1, "upper_quantile": 0.9}],
    "encode": [{"method": "ordinal"}],
    "group_rare": [{"max_levels": 3}],
    "impute": [{"strategy": "most_frequent"}, {"strategy": "mean"}],
    "scale": [{"method": "minmax"}, {"method": "robust"}],
    "quantile": [{"shape": "uniform", "points": 7}],
}
MEASURED = {"integer", "number", "boolean", "code", "array"}
# One round, so that there is nothing to stop early: what is left of a model is fitted on training rows alone.
ROUNDS: dict[str, Any] = {"epochs": 1, "trees": 1, "early_stopping": False}
IMPORTED = {"scikit-learn": "sklearn"}
SPLITS = {
    "random": "{by: random, seed: 3}",
    "stratified": "{by: stratified, seed: 3}",
    "hash": "{by: hash, column: day, seed: 3}",
    "group": "{by: group, column: who, stratify: y, seed: 3}",
    "time": "{by: time, column: day, gap: 5}",
    "given": "{by: given, column: part}",
}


def rows() -> pl.DataFrame:
    """Columns of every type, with holes, and what splits go by."""
    draw = np.random.Generator(np.random.PCG64(5))
    holes = draw.random(COUNT) < 0.1
    values: dict[str, Any] = {
        "integer": draw.integers(0, 50, COUNT),
        "number": draw.normal(3, 2, COUNT),
        "boolean": draw.random(COUNT) < 0.5,
        "category": draw.choice(["a", "b", "c", "d e", "e f g"], COUNT),
        "date": [DAY + datetime.timedelta(days=int(n)) for n in draw.integers(0, 300, COUNT)],
        "datetime": [
            datetime.datetime(2024, 1, 1) + datetime.timedelta(minutes=int(n)) for n in draw.integers(0, 90_000, COUNT)
        ],
    }
    frame = pl.DataFrame(values).with_columns(pl.when(pl.Series(holes)).then(None).otherwise(pl.all()).name.keep())
    return frame.with_columns(
        pl.Series("image", [picture(p) for p in draw.integers(0, 256, (COUNT, 6, 6), dtype=np.uint8)]),
        pl.int_range(COUNT).alias("row"),
        pl.Series("who", draw.integers(0, 40, COUNT)),
        pl.Series("day", draw.permutation(COUNT)),
        pl.Series("part", draw.choice(["train", "train", "train", "validation", "test"], COUNT)),
        pl.Series("y", np.where(draw.random(COUNT) < 0.4, "yes", "no")),
    )


def picture(pixels: Any) -> bytes:
    """A PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def changed(frame: pl.DataFrame, those: set[int], targets: bool) -> pl.DataFrame:
    """The same with other values in these rows."""
    mine = pl.col("row").is_in(list(those))
    odd = pl.col("row") % 3 == 0
    other = {
        "integer": pl.col("row") + 1_000_000,
        "number": pl.lit(1e7) * (pl.col("row") + 1),
        "boolean": ~pl.col("boolean").fill_null(True),
        "category": pl.concat_str(pl.lit("never seen "), pl.col("row") % 5),
        "date": pl.col("date").fill_null(DAY).dt.offset_by("90y"),
        "datetime": pl.col("datetime").fill_null(datetime.datetime(2024, 1, 1)).dt.offset_by("-70y"),
        "image": pl.lit(picture(np.full((6, 6), 255, np.uint8))),
    }
    if targets:
        other["y"] = pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    kinds = frame.schema
    return frame.with_columns(
        pl.when(mine & odd & pl.lit(name not in ("y", "image"))).then(None).when(mine).then(e).otherwise(pl.col(name))
        .cast(kinds[name]).alias(name)
        for name, e in other.items()
    )  # fmt: skip


def uses() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Every step on every type that it takes: a column, its type, and the steps that make numbers of it."""
    found = []
    for name in registry.names("transforms"):
        step = cast(type[Transform], registry.plugin("transforms", name))
        for given in [NEEDED.get(name, {}), *MORE.get(name, ())]:
            for kind in sorted(step.accepts):
                made = step(**given).output(Column("x", cast(Any, kind)))
                rest = {c.type for c in made} - MEASURED
                tail = [{"encode": "one_hot"}] if "category" in rest else ["date_parts"] if rest else []
                found.append((f"{name}_{len(found)}", kind, [{name: given}, *tail]))
    return found


def spec(split: str, candidates: str, more: str = "", *, every_step: bool = True) -> str:
    """A project in which each step prepares a column of its own."""
    listed = uses() if every_step else []
    # The picture itself is small: each pixel is a column to most models.
    few = [("image", "image", [{"image": {"size": [4, 4], "colour": "grey"}}])]
    lines = "\n".join(f"    {name}: {steps}" for name, _kind, steps in [*few, *listed])
    types = ", ".join(f"{name}: {kind}" for name, kind, _steps in listed)
    prepared = (
        "preprocessing:\n  interactions: [{ratio: [number, integer]}, {cross: [category, boolean]}]\n"
        f"  columns:\n{lines}\n"
    )
    return (
        "project: {name: known, task: binary_classification}\n"
        "data:\n  sources: {rows: {path: rows.parquet}}\n"
        "  columns: {target: y, id: row, drop: [who, day, part]" + (f", types: {{{types}}}" if types else "") + "}\n"
        f"  split: {split}\n{prepared}"
        f"model: {{checks: off, candidates: {candidates}{more}}}\n"
        "evaluation: {baselines: [majority]}\nbackend: {engine: inline}\n"
    )


def with_uses(frame: pl.DataFrame) -> pl.DataFrame:
    """A copy of the column of its type for each step."""
    return frame.with_columns(pl.col(kind).alias(name) for name, kind, _steps in uses())


def outputs(folder: Path, frame: pl.DataFrame, text: str, *only: str) -> tuple[dict[str, dict[str, str]], Store]:
    """The digests of what every step gave."""
    folder.mkdir(exist_ok=True)
    frame.write_parquet(folder / "rows.parquet")
    (folder / "project.yaml").write_text(text)
    done = api.run(folder, only=only)
    assert not done.failures, done.failures
    plan = api.compile(folder).plan
    found = {name: dict(step.outputs) for name, step in plan.steps.items() if step.outputs is not None}
    return found, Store(paths.store(paths.home(folder)))


def members(store: Store, digests: dict[str, str], *parts: str) -> set[int]:
    """The rows in these parts of a split."""
    return {row for part in parts for row in pl.read_parquet(store.path(digests[part]))["row"]}


def same(one: dict[str, str], other: dict[str, str], *names: str) -> bool:
    return all(one[name] == other[name] for name in names)


@pytest.mark.parametrize("how", later(SPLITS, lambda how: how not in ("hash", "group")))
def test_no_preparation_knows_validation_or_test_rows(how: str, tmp_path: Path) -> None:
    text = spec(SPLITS[how], "{one: {type: hist_gradient_boosting}}")
    before, store = outputs(tmp_path / "a", with_uses(rows()), text, "prepare.one")
    others = set(range(COUNT)) - members(store, before["split"], "train")
    assert 40 < len(others) < 150
    after, _store = outputs(
        tmp_path / "b", with_uses(changed(rows(), others, how not in ("stratified", "group"))), text, "prepare.one"
    )
    assert same(before["split"], after["split"], "train")
    assert not same(before["split"], after["split"], "validation")
    assert same(before["prepare.one"], after["prepare.one"], "state", "train")


@pytest.mark.parametrize("how", ["random", pytest.param("time", marks=pytest.mark.slow)])
def test_no_fold_knows_the_rows_that_it_holds_out(how: str, tmp_path: Path) -> None:
    text = spec(
        SPLITS[how].replace("}", ", validation: 0.1}"),
        "{one: {type: hist_gradient_boosting}}",
        f", cross_validation: {{folds: 3, by: {how}}}",
    )
    only = ("prepare.one.fold2",)
    before, store = outputs(tmp_path / "a", with_uses(rows()), text, *only)
    others = set(range(COUNT)) - members(store, before["fold.2"], "train")
    after, _store = outputs(tmp_path / "b", with_uses(changed(rows(), others, True)), text, *only)
    assert not same(before["fold.2"], after["fold.2"], "heldout")
    assert same(before["prepare.one.fold2"], after["prepare.one.fold2"], "state", "train")


def models(task: str) -> dict[str, dict[str, Any]]:
    """Every model that can be trained here, so set that there is nothing to stop early; each for its first task."""
    found = {}
    for name in registry.names("models"):
        model = cast(type[Model], registry.plugin("models", name))
        installed = all(importlib.util.find_spec(IMPORTED.get(library, library)) for library in model.libraries)
        if name != "python" and installed and task == min(model.tasks):
            found[name] = {"type": name, **{k: v for k, v in ROUNDS.items() if k in model.__struct_fields__}}
    return found


@pytest.mark.parametrize("task", [pytest.param("binary_classification", marks=pytest.mark.slow), "regression"])
def test_no_model_knows_validation_or_test_rows_but_to_stop_by(task: str, tmp_path: Path) -> None:
    named = {name.replace(".", "_"): settings for name, settings in models(task).items()}
    assert named
    text = spec(SPLITS["random"], str(named).replace("'", ""), every_step=False)
    if task == "regression":
        text = (
            text.replace("target: y", "target: day").replace("[who, day,", "[who, y,").replace("[majority]", "[mean]")
        )
        text = text.replace("task: binary_classification", "task: regression")
    only = [f"train.{name}" for name in named]
    before, store = outputs(tmp_path / "a", rows(), text, *only)
    others = set(range(COUNT)) - members(store, before["split"], "train")
    after, _store = outputs(tmp_path / "b", changed(rows(), others, task != "regression"), text, *only)
    assert [step for step in only if not same(before[step], after[step], "model")] == []


@pytest.mark.slow
@pytest.mark.parametrize(("final", "package"), [("refit", "refit"), ("bag", "select")])
def test_nothing_that_fits_or_chooses_knows_a_test_row(final: str, package: str, tmp_path: Path) -> None:
    more = ", cross_validation: {folds: 2}, select: {metric: log_loss}, calibrate: isotonic, ensemble: greedy"
    more += f", final: {final}"
    two = "{trees: {type: hist_gradient_boosting, max_iter: 30}, line: {type: logistic_regression}}"
    text = spec(SPLITS["random"], two, more, every_step=False)
    text = text.replace(
        "project: {name: known,",
        "project: {name: known, users: {decision: none, mistakes: {false_positive: 1, false_negative: 3}},",
    )
    only = (package,)
    before, store = outputs(tmp_path / "a", rows(), text, *only)
    after, _store = outputs(tmp_path / "b", changed(rows(), members(store, before["split"], "test"), True), text, *only)
    differ = {
        (step, output)
        for step, found in before.items()
        for output, digest in found.items()
        if after[step][output] != digest
    }
    assert differ == {("source.rows", "table"), ("split", "test")}
