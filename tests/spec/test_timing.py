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
    ("more", "tuning", "networks"),
    [
        ("", {"boost": (1000, 300.0)}, {"mlp": 120.0, "tabm": 120.0}),
        ("tuning: {mlp: {trials: 7}, boost: {trials: 9, time: 5s}}\n", {"mlp": (7, 300.0), "boost": (9, 5.0)}, {}),
        ("profiles: {}\n", {"boost": (1000, 300.0)}, {}),
    ],
    ids=["auto", "tuned", "as it is"],
)
def test_shares(tmp_path: Path, more: str, tuning: dict[str, tuple[int, float]], networks: dict[str, float]) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(SPEC + more)
    project = shared(read(file)[0])
    assert {name: (wanted.trials, wanted.time) for name, wanted in project.tuning.items()} == tuning
    for name, seconds in networks.items():
        assert project.model.candidates[name].plugin.time == seconds  # type: ignore[attr-defined]


def test_without_a_time_nothing_is_shared_out(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(SPEC.replace(", time: 10m", ""))
    project = read(file)[0]
    assert shared(project) is project
    stated, _ = read(file, sets=["model.time=1m", "model.candidates.mlp.time=9s"])
    made = shared(stated).model.candidates
    assert (made["mlp"].plugin.time, made["tabm"].plugin.time) == (9.0, 24.0)  # type: ignore[attr-defined]
