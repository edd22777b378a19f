"""Results next to the spec: written completely, repaired after changes, taken over only unchanged."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlspec.engine.run import dvc_results
from mlspec.graph.step import Step
from mlspec.store.action import Action
from mlspec.store.store import Store

STEP = Step(id="cut", kind="split", outputs=("table", "parts"))
KEY = "1" * 64


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store").writing() as opened:
        yield opened


@pytest.fixture
def action(store: Store) -> Action:
    with store.stage(STEP.outputs) as paths:
        paths["table"].write_text("rows")
        (paths["parts"] / "deep").mkdir(parents=True)
        (paths["parts"] / "empty").mkdir()
        (paths["parts"] / "a").write_text("one")
        (paths["parts"] / "deep" / "b").write_text("two")
        return store.commit(KEY, paths, identity="i", kind="split", inputs={}, record={})


def laid(root: Path) -> dict[str, str]:
    """What is in the results' folder: its files with their texts, and its empty folders."""
    home = root / "mlspec.results" / "cut"
    return {
        path.relative_to(home).as_posix(): path.read_text() if path.is_file() else "/"
        for path in home.rglob("*")
        if path.name != "made.json" and (path.is_file() or not any(path.iterdir()))
    }


def parts(root: Path) -> Path:
    return next(path for path in (root / "mlspec.results" / "cut").iterdir() if path.is_dir())


def touched(path: Path) -> dict[str, Callable[[], object]]:
    return {
        "a file more": lambda: (path / "more").write_text("!"),
        "a file in a folder more": lambda: (path / "deep" / "more").write_text("!"),
        "a file less": lambda: (path / "a").unlink(),
        "a changed file": lambda: (path / "a").write_text("ONE"),
        "an empty folder more": lambda: (path / "hollow").mkdir(),
        "a link": lambda: (path / "link").symlink_to("a"),
    }


HOW = sorted(touched(Path()))


@pytest.mark.parametrize("how", HOW)
def test_what_somebody_touched_is_laid_out_again(how: str, store: Store, action: Action, tmp_path: Path) -> None:
    dvc_results.lay_out(tmp_path, STEP, action, store)
    whole = laid(tmp_path)
    assert sorted(whole.values()) == ["/", "one", "rows", "two"]
    touched(parts(tmp_path))[how]()
    assert laid(tmp_path) != whole
    dvc_results.lay_out(tmp_path, STEP, action, store)
    assert laid(tmp_path) == whole


def test_what_lies_there_already_is_left_alone(store: Store, action: Action, tmp_path: Path) -> None:
    dvc_results.lay_out(tmp_path, STEP, action, store)
    before = parts(tmp_path).stat().st_ino
    (parts(tmp_path) / "empty").rmdir()  # neither Git nor DVC keeps one
    dvc_results.lay_out(tmp_path, STEP, action, store)
    assert parts(tmp_path).stat().st_ino == before


@pytest.mark.parametrize("how", ["nothing", *HOW])
def test_a_colleagues_result_is_taken_over_only_as_it_was_made(
    how: str, store: Store, action: Action, tmp_path: Path
) -> None:
    dvc_results.lay_out(tmp_path, STEP, action, store)
    if how != "nothing":
        touched(parts(tmp_path))[how]()
    with Store(tmp_path / "other").writing() as other:
        taken = dvc_results.take_over(tmp_path, other, lambda: other)
        assert taken == ([action] if how == "nothing" else [])
        assert other.lookup(KEY) == (action if how == "nothing" else None)
        if how == "nothing":
            assert dvc_results.take_over(tmp_path, other, lambda: other) == []


def test_git_leaves_the_results_to_dvc_and_who_made_them_is_reported(
    store: Store, action: Action, tmp_path: Path
) -> None:
    assert dvc_results.made(tmp_path, "cut") is None
    dvc_results.lay_out(tmp_path, STEP, action, store)
    assert (tmp_path / "mlspec.results" / ".gitignore").read_text() == "*\n!.gitignore\n"
    found = dvc_results.made(tmp_path, "cut")
    assert found is not None
    assert found.action == action
    (parts(tmp_path) / "a").write_text("ONE")
    dvc_results.lay_out(tmp_path, STEP, action, store)
    assert [path.name for path in (store.root / "tmp").glob("*/*")] == []
    opened = []
    with Store(tmp_path / "other").writing() as other:
        for _time in range(2):
            dvc_results.take_over(tmp_path, other, lambda: opened.append(True) or other)
    assert opened == [True]


@pytest.mark.parametrize(
    ("step", "content", "scores"),
    [
        (
            Step(id="gate.one", kind="gate", params={"of": "quality"}, outputs=("verdict",)),
            {"requirement": "one", "verdict": "pass", "value": 0.9, "low": 0.8},
            {"value": 0.9, "verdict": "pass"},
        ),
        (
            Step(id="gate.one", kind="gate", params={"of": "quality"}, outputs=("verdict",)),
            {"requirement": "one", "verdict": "unknown", "value": None},
            {"verdict": "unknown"},
        ),
        (
            Step(id="evaluate.one", kind="evaluate", outputs=("metrics",)),
            {"metrics": {"a": {"value": 1, "low": 0.5, "high": 2, "n": 9}, "b": {"value": 2, "low": None}}},
            {"a": {"value": 1, "low": 0.5, "high": 2}, "b": {"value": 2}},
        ),
    ],
)
def test_dvc_is_shown_the_figures(
    step: Step, content: dict[str, object], scores: dict[str, object], store: Store, tmp_path: Path
) -> None:
    with store.stage(step.outputs) as paths:
        paths[step.outputs[0]].write_text(json.dumps(content))
        action = store.commit(KEY, paths, identity="i", kind=step.kind, inputs={}, record={})
    for _time in range(2):
        dvc_results.lay_out(tmp_path, step, action, store)
        (shown,) = (path for path in (tmp_path / "mlspec.results" / step.id).iterdir() if path.name == "scores.json")
        assert json.loads(shown.read_text()) == scores
        shown.unlink()  # and is written again where somebody removed it
