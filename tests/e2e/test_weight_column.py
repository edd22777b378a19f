"""A column of weights: read by the training, seen by no model, and refused where it says nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
SPEC = """\
project: {name: weighted}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y, weight: w}}
model: {candidates: {line: {type: ridge}}}
"""


@pytest.mark.slow
def test_weights_reach_the_training_and_no_model(tmp_path: Path, mlspec: Mlspec) -> None:
    rows = [f"{i % 50},{'' if i % 7 == 0 else i % 2},{(i % 50) * (1 if i % 2 else -1)}" for i in range(400)]
    file = tmp_path / "rows.csv"
    (tmp_path / "project.yaml").write_text(SPEC)
    file.write_text("\n".join(["x,w,y", *rows]) + "\n")
    done = mlspec("run", cwd=tmp_path, code=3)
    assert "'w' is the rows' weight: it must be a number of at least 0 in every row" in done.stderr
    file.write_text("\n".join(["x,w,y", *(row for i, row in enumerate(rows) if i % 7)]) + "\n")
    mlspec("run", cwd=tmp_path)
    shown = json.loads(mlspec("show", "--format", "json", cwd=tmp_path).stdout)
    about = json.loads((tmp_path / shown["model"] / "package.json").read_text())
    assert [name for name, _ in about["columns"]] == ["x"]
    (tmp_path / "new.csv").write_text("x\n10\n40\n")
    low, high = (float(line) for line in mlspec("predict", ".", "new.csv", cwd=tmp_path).stdout.split()[1:])
    assert abs(low - 10) < 1
    assert abs(high - 40) < 1
