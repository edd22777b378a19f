"""Cross-validation through the whole engine: every row but the test rows is scored by models that did not see it."""

from pathlib import Path

import pytest

from mlspec import api
from mlspec.report.facts.run import RunFacts

SPEC = """\
mlspec: 1
project: {name: folds, task: regression}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {test: 0.2, validation: 0.2, seed: 1}
model:
  candidates:
    line: {type: ridge}
    trees: {type: hist_gradient_boosting, max_iter: 20}
  cross_validation: {folds: 4%s}
"""


def run(root: Path, more: str = "") -> RunFacts:
    root.mkdir(exist_ok=True)
    lines = ["x,z,y", *(f"{i % 17},{i * 7 % 11},{(i % 17) * 2 + (i * 7 % 11) ** 2 / 10}" for i in range(200))]
    (root / "rows.csv").write_text("\n".join(lines) + "\n")
    (root / "project.yaml").write_text(SPEC % more)
    return api.run(root / "project.yaml")


@pytest.mark.slow
def test_candidates_are_scored_on_all_rows_but_the_test_rows(tmp_path: Path) -> None:
    done = run(tmp_path)
    steps = {step.id for step in done.steps}
    assert {f"train.{name}.fold{k}" for name in ("line", "trees") for k in range(1, 5)} <= steps
    assert all(score.n == 160 for candidate in done.candidates for score in candidate.scores)
    assert done.selected_on == "held-out rows of 4 folds"
    assert done.selected == "line"  # twenty trees are too few
    again = run(tmp_path, ", seed: 1")
    ran = {step.id for step in again.steps if step.action == "ran"}
    assert "train.line.fold1" in ran
    assert not {"train.line", "train.trees", "predict"} & ran
