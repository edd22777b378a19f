"""Each piece of advice about a finding is a key with a value: put into the spec, it compiles and does what it says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from mlspec import api
from mlspec.report.facts import collect
from mlspec.report.facts.run import Difference, Score
from mlspec.steps.diagnosis import advice, check_data, labels
from mlspec.steps.job import Job

SPEC = """\
project: {name: advice}
data:
  sources: {rows: {path: rows.parquet}}
  columns: {target: y%s}
  split: %s
model: {candidates: {one: {type: logistic_regression}}}
"""
COUNT = 300
PIECE = re.compile(r"((?:data|model)\.[a-z.]+): (\{[^}]*\}|\[[^\]]*\]|\"(?:\\.|[^\"])*\"|\w+)")


def rows() -> pl.DataFrame:
    draw = np.random.Generator(np.random.PCG64(1))
    x = draw.normal(size=COUNT)
    y = np.where(x + draw.normal(size=COUNT) > 0, "yes, it is", "no")
    y[0] = "perhaps"
    order = np.argsort(y, kind="stable")
    return pl.DataFrame({"x": x, "z": draw.normal(size=COUNT), "same": ["a"] * COUNT, "y": y})[order].with_columns(
        (pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(COUNT))).alias("day"),
        pl.int_range(COUNT).alias("account_id"),
        pl.col("y").replace_strict({"yes, it is": 1, "no": 2, "perhaps": 3}).alias("paid, or: null"),
    )


def findings(folder: Path, keep: str, columns: str, split: str, spec: dict[str, Any]) -> dict[str, str]:
    """The advice of the failing checks, on the rows with one of the telling columns."""
    others = {"day", "account_id", "paid, or: null"} - {keep}
    made = rows().drop(others)
    folder.mkdir()
    made.write_parquet(folder / "rows.parquet")
    (folder / "project.yaml").write_text(SPEC % (columns, split))
    step = api.compile(folder).plan.graph.steps["check.data.validation"]
    assert step.params.get("spec", {}) == spec
    train = (pl.int_range(COUNT) % 3 > 0) | (pl.col("y") == "perhaps")
    inputs = {"train": folder / "train", "other": folder / "other"}
    made.filter(train).write_parquet(inputs["train"])
    made.filter(~train).write_parquet(inputs["other"])
    outputs = {name: folder / name for name in ("report", "verdict")}
    job = Job(
        id=step.id, kind=step.kind, params=step.params, inputs=inputs, outputs=outputs, scratch=folder, root=folder
    )
    check_data.run(job)
    found = yaml.safe_load(outputs["report"].read_text())["checks"]
    return {check["check"]: check["advice"] for check in found if check["fails"]}


def pasted(folder: Path, key: str, value: Any) -> Any:
    """The graph of the spec with that key set."""
    spec = yaml.safe_load((folder / "project.yaml").read_text())
    *above, last = key.split(".")
    place = spec
    for part in above:
        place = place.setdefault(part, {})
    place[last] = value
    (folder / "pasted.yaml").write_text(yaml.safe_dump(spec))
    return api.compile(folder / "pasted.yaml").plan.graph


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keep", "columns", "split", "spec", "leak"),
    [
        ("day", "", "{by: random}", {}, ["data.split", "data.columns.drop"]),
        ("account_id", "", "{by: random}", {}, ["data.columns.id", "data.columns.drop"]),
        ("paid, or: null", ", drop: [z]", "{by: random}", {"drop": ["z"]}, ["data.columns.drop", "model.accept"]),
        (
            "paid, or: null", ', features: [x, "paid, or: null"]', "{by: random}", {"listed": ["paid, or: null", "x"]},
            ["data.columns.features", "model.accept"],
        ),
    ],
)  # fmt: skip
def test_what_advice_says_can_be_put_into_the_spec(
    keep: str, columns: str, split: str, spec: dict[str, Any], leak: list[str], tmp_path: Path
) -> None:
    found = findings(tmp_path / "one", keep, columns, split, spec)
    pieces = {check: PIECE.findall(text) for check, text in found.items()}
    assert [key for key, _value in pieces["leak"]] == leak
    assert ("classes" in pieces) == ("constant" in pieces or bool(spec.get("listed")))
    for check, told in pieces.items():
        assert told, found[check]
        for key, value in told:
            graph = pasted(tmp_path / "one", key, yaml.safe_load(value))
            params = graph.steps["check.data.validation"].params
            if key in ("data.columns.drop", "data.columns.features", "data.columns.id"):
                gone = {keep} if check == "leak" else {"same"}
                assert gone.isdisjoint(params["features"])
                assert set(spec.get("drop", ())).isdisjoint(params["features"]), "what was dropped stays so"
            elif key == "data.split":
                assert graph.steps["split"].params["by"] == yaml.safe_load(value)["by"]
            elif key == "model.accept":
                assert check in params["accept"]


def test_a_number_that_counts_time_is_a_time() -> None:
    spec = advice.Spec()
    assert "data.split: {by: time, column: year}" in advice.leak(spec, pl.Series("year", [2020, 2021]))
    assert "by: time" not in advice.leak(spec, pl.Series("timeouts", [1.0, 2.0]))


@pytest.mark.parametrize(("low", "fails"), [(-0.01, True), (None, True), (0.01, False)])
def test_labels_are_no_finding_where_the_test_rows_refute_it(low: float | None, fails: bool, tmp_path: Path) -> None:
    rows().write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "project.yaml").write_text(SPEC % ("", "{by: random}"))
    graph = api.compile(tmp_path).plan.graph
    said = {"check": "labels", "measured": "ROC AUC of 0.52 [0.45, 0.59]", "expected": "", "fails": True, "advice": "x"}

    def read(step_id: str, output: str) -> Any:
        return {"checks": [said]} if (step_id, output) == ("check.data.validation", "report") else None

    gained = {"majority": Difference(0.29, low, 0.4), "previous": Difference(0.1, 0.05, 0.2)}
    score = Score(metric="roc_auc", value=0.79, low=0.7, high=0.88, baselines={"majority": 0.5}, differences=gained)
    (check,) = collect.checks(graph, read, [score])
    assert check.fails is fails
    told = "; the test rows show more: roc_auc 0.79, majority 0.5"
    assert check.measured == said["measured"] + ("" if fails else told)


def test_a_weak_signal_is_no_missing_one_and_shuffled_labels_are() -> None:
    draw = np.random.Generator(np.random.PCG64(7))
    x = draw.normal(size=(1200, 4)).astype(np.float32)
    bent = (np.abs(x[:, 0]) + draw.normal(size=1200) > 1).astype(np.int64)
    for target, classes in ((bent, 2), (x[:, 0] * 0.4 + draw.normal(size=1200), 0)):
        found = labels.labels(x[:900], x[900:1000], target[:900], target[900:1000], classes)
        assert not found.fails, found.measured
        shuffled = draw.permutation(target)
        found = labels.labels(x[:900], x[900:], shuffled[:900], shuffled[900:], classes)
        assert found.fails, found.measured
        assert re.search(r"with a (ROC AUC|rank correlation) of -?0\.\d\d \[-?0\.\d\d, 0\.\d\d\]$", found.measured)
