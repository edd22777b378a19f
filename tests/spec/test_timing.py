"""The time that candidates may take, shared out: what a spec states itself stays as it is."""

from pathlib import Path

import pytest

from mlspec.spec.read import read
from mlspec.spec.timing import shared

SPEC = """\
project: {name: small}
data: {sources: {people: {path: people.csv}}, columns: {target: income}}
model: {candidates: auto, time: 10m}
"""


@pytest.mark.parametrize(
    ("candidates", "more", "tuning"),
    [
        ("auto", "", {}),
        ("auto", "tuning: {mlp: {trials: 7}, boost: {trials: 9, time: 5s}}", {"mlp": (7, 300.0), "boost": (9, 5.0)}),
        ("{one: {type: lightgbm}}", "", {"one": (1000, 300.0)}),
        ("{one: {type: torch.mlp}}", "", {}),
    ],
    ids=["auto", "tuned", "one that is quick", "one that is not"],
)
def test_searches(tmp_path: Path, candidates: str, more: str, tuning: dict[str, tuple[int, float]]) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(SPEC.replace("candidates: auto", f"candidates: {candidates}") + more)
    project = shared(read(file)[0])
    assert {name: (wanted.trials, wanted.time) for name, wanted in project.tuning.items()} == tuning


def test_without_a_time_nothing_is_shared_out(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(SPEC.replace(", time: 10m", ""))
    project = read(file)[0]
    assert shared(project) is project
