"""A network's training (also the second one, and those of a bag) and a search for settings, killed at random moments,
end as undisturbed ones.

A few kills of each on a small table; ``python tests/faults/resume.py`` makes twenty on the adult-income table.
"""

import importlib.util
import random
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("resume", Path(__file__).with_name("resume.py"))
assert _spec is not None
assert _spec.loader is not None
resume = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(resume)

SPEC = """\
project: {name: killed, task: binary_classification}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {by: stratified, validation: 0.2, seed: 1}
model:
  candidates: {net: {type: torch.mlp, hidden: [16], bins: 4, epochs: 40, patience: null}}
  checks: "off"
tuning: {net: {trials: 6, space: {learning_rate: {log: [0.0001, 0.1]}, hidden: {choice: [[4], [16]]}}}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("step", "kills"), [("train.net", 3), ("tune.net", 2), ("refit", 2), ("train.net.fold2", 1)])
def test_killed_at_random_moments_it_ends_with_the_same_bytes(step: str, kills: int, tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = []
    for _row in range(300):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        rows.append(f"{a:.3f},{b:.3f},{'yes' if a * b > 0 else 'no'}")
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    spec = SPEC if step == "tune.net" else SPEC[: SPEC.index("tuning:")]
    if step.endswith(".fold2"):
        spec += "  cross_validation: {folds: 2}\n  final: bag\n"
    (tmp_path / "project.yaml").write_text(spec)
    expected, ended, done = resume.campaign(tmp_path, step, kills)
    assert done >= kills
    assert ended == [expected] * len(ended)
