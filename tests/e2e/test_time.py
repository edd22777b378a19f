"""A selection whose time is up: candidates that were not trained are said to be so, and nothing else changes."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
# Less than a training gets at least: whatever the machine, the first candidate alone is trained.
SPEC = """\
project: {name: late, users: {mistakes: {false_positive: 1, false_negative: 3}}}
data: {sources: {people: {path: people.csv}}, columns: {target: income}}
model:
  candidates: {line: {type: logistic_regression}, boost: {type: lightgbm}, forest: {type: random_forest}}
  ensemble: greedy
  select: {rule: one_standard_error}
  time: 0.1s
  checks: off
"""


@pytest.mark.slow
@pytest.mark.parametrize("folds", ["", "  cross_validation: {folds: 3}\n"], ids=["split", "folds"])
def test_what_there_was_no_time_for_is_left_out_and_said(tmp_path: Path, mlspec: Mlspec, folds: str) -> None:
    rows = "".join(f"{20 + k % 41},{(k * 7) % 13},{int((k % 41) + (k * 7) % 13 > 25)}\n" for k in range(300))
    (tmp_path / "people.csv").write_text(f"age,years,income\n{rows}")
    (tmp_path / "project.yaml").write_text(SPEC.replace("  checks", f"{folds}  checks"))
    done = mlspec("run", cwd=tmp_path)
    assert done.stdout.count("    not trained: the time of model.time was used up") == 2
    shown = json.loads(mlspec("show", "--format", "json", cwd=tmp_path).stdout)
    trained = [one["name"] for one in shown["candidates"] if one["scores"]]
    assert trained in ([shown["selected"], "blend"], ["line", "blend"], ["boost", "blend"], ["forest", "blend"])
    assert mlspec("run", cwd=tmp_path).stderr.startswith("nothing to do")


@pytest.mark.slow
def test_the_rows_of_the_first_candidate_are_prepared_first(tmp_path: Path, mlspec: Mlspec) -> None:
    # A preparation of its own and one step at a time: its rows must not wait for all trainings of the others.
    rows = "".join(f"{20 + k % 41},{(k * 7) % 13},{int((k % 41) + (k * 7) % 13 > 25)}\n" for k in range(300))
    (tmp_path / "people.csv").write_text(f"age,years,income\n{rows}")
    spec = SPEC.replace("  checks", "  cross_validation: {folds: 3}\n  checks") + "backend: {workers: 1}\n"
    (tmp_path / "project.yaml").write_text(spec)
    mlspec("run", cwd=tmp_path)
    shown = json.loads(mlspec("show", "--format", "json", cwd=tmp_path).stdout)
    assert [one["name"] for one in shown["candidates"] if one["scores"]] == ["line", "blend"]
