"""Targets of integers or with missing cells, and names and values in two Unicode forms: `init` and `validate` agree."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlspec import api
from mlspec.api import validate
from mlspec.diagnostics import SpecError
from mlspec.draft import Given, draft

ROWS = 120
SPEC = """
mlspec: 1
project: {name: small}
data: {sources: {t: {path: %s}}, columns: {target: %s}}
model: {candidates: {trees: {type: hist_gradient_boosting}}}
"""


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def spec(file: Path, target: str = "y", more: str = "") -> Path:
    path = file.parent / "project.yaml"
    path.write_text(SPEC % (file.name, target) + more)
    return path


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([3, 7], "binary_classification"),
        ([1, 2, 3, 4], "multiclass_classification"),
        (range(0, 3 * ROWS, 3), "regression"),
    ],
)
def test_a_target_of_integers_has_one_task_for_init_and_validate(
    values: Sequence[int], task: str, tmp_path: Path
) -> None:
    cells = {"x": [i * 0.37 % 1 for i in range(ROWS)], "grp": [values[i % len(values)] for i in range(ROWS)]}
    pl.DataFrame(cells).write_csv(tmp_path / "t.csv")
    found = draft(tmp_path / "t.csv", tmp_path, Given(target="grp"))
    assert found.spec["project"]["task"] == task
    assert validate(spec(tmp_path / "t.csv", "grp")).project.project.task == task


@pytest.mark.parametrize(("name", "missing"), [("t.csv", "nan"), ("t.parquet", float("nan"))])
def test_missing_cells_of_a_target_are_no_class_and_counted(name: str, missing: Any, tmp_path: Path) -> None:
    is_text = name.endswith(".csv")
    target = [missing if i % 5 == 0 else str(i % 2 * 1.0) if is_text else i % 2 * 1.0 for i in range(ROWS)]
    rows = pl.DataFrame({"x": [i * 0.37 % 1 for i in range(ROWS)], "y": target}, strict=False)
    (rows.write_csv if is_text else rows.write_parquet)(tmp_path / name)
    found = api.draft(tmp_path / name, tmp_path, trial=False).text
    assert "task: binary_classification" in found
    assert "# 20.0% of the rows have none: they are left out" in found


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_name_in_another_unicode_form_is_found_or_said_to_be_one(name: str, tmp_path: Path) -> None:
    rows = pl.DataFrame({nfd("größe"): [i * 0.37 % 1 for i in range(ROWS)], "y": ["p", "q"] * (ROWS // 2)})
    {"csv": rows.write_csv, "parquet": rows.write_parquet, "jsonl": rows.write_ndjson}[name.partition(".")[2]](
        tmp_path / name
    )
    path = spec(tmp_path / name, more="preprocessing: {columns: {größe: [scale: standard]}}\n")
    if name == "t.csv":
        assert validate(path).facts.raw["t"][0].name == "größe"
        return
    with pytest.raises(SpecError) as error:
        validate(path)
    assert error.value.diagnostics[0].label.endswith("has the same letters in another Unicode form: copy it from here")


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_values_that_differ_in_their_unicode_form_alone_are_named(name: str, tmp_path: Path) -> None:
    cells = {"c": [nfd("café") if i % 3 else "café" for i in range(ROWS)], "y": ["p", "q"] * (ROWS // 2)}
    rows = pl.DataFrame(cells)
    (rows.write_csv if name == "t.csv" else rows.write_ndjson)(tmp_path / name)
    (warning,) = validate(spec(tmp_path / name)).diagnostics
    assert "look the same and differ only in their Unicode form" in warning.notes[0]
