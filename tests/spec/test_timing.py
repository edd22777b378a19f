"""The time that candidates may take, shared out: what a spec states itself stays as it is."""

from pathlib import Path

import pytest

from mlspec.document import parse
from mlspec.spec.dump import resolved
from mlspec.spec.load import load
from mlspec.spec.model import PORTFOLIO, SPARE
from mlspec.spec.read import read
from mlspec.spec.timing import shared, spare, with_spare

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


def test_further_candidates_come_last_and_a_name_of_the_spec_stays_its_own(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(SPEC.replace("time:", "spare: auto, time:"))
    project = with_spare(read(file)[0])
    assert [*project.model.candidates] == [*PORTFOLIO["auto"], *SPARE]
    assert spare(project) == frozenset(SPARE)
    again = load(parse(resolved(project), "resolved"))
    assert with_spare(again) == again == project
    file.write_text(SPEC.replace("auto,", "{plain: {type: lightgbm}}, spare: auto,"))
    own = with_spare(read(file)[0])
    assert own.model.candidates["plain"].name == "lightgbm"
    assert spare(own) == frozenset(SPARE) - {"plain"}
    file.write_text(SPEC)
    assert with_spare(read(file)[0]) == read(file)[0]
    assert spare(read(file)[0]) == frozenset()
