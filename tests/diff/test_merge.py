"""Merging specs by what they mean, and git with mlspec as its merge and diff driver."""

import importlib.util
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from mlspec.diff import compare
from mlspec.diff.merge import Merged, meant, merge

_spec = importlib.util.spec_from_file_location("diff_world", Path(__file__).with_name("world.py"))
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)

BIN = Path(sysconfig.get_path("scripts"))
COMMENTED = world.BASE.replace("name: people\n", "name: people # of the town\n").replace(
    "model:\n", "\n# who competes\nmodel:\n"
)


def merged(ours: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> Merged:
    sides = [world.edited(COMMENTED, [{"from": a, "to": b} for a, b in edits]) for edits in (ours, theirs)]
    found = merge(COMMENTED, *sides)
    assert found is not None
    return found


CLEAN = {
    "two gates on lines side by side": (
        [("at_least: 0.9}", "at_least: 0.95}")],
        [("at_most: 0.4", "at_most: 0.3")],
        ["    - {metric: roc_auc, at_least: 0.95}", "    - {metric: log_loss, at_most: 0.3}"],
    ),
    "two values of one line": (
        [("test: 0.25", "test: 0.3")],
        [("seed: 7", "seed: 8")],
        ["  split: {test: 0.3, validation: 0.25, seed: 8}"],
    ),
    "columns of one set": (
        [("drop: [weight]", "drop: [weight, city]")],
        [("drop: [weight]", "drop: []")],
        ["    drop: [city]"],
    ),
    "a candidate each at the same place": (
        [("    linear: {type", "    forest: {type: random_forest}\n    linear: {type")],
        [("    linear: {type", "    more: {type: random_forest, trees: 7}\n    linear: {type")],
        ["    forest: {type: random_forest}", "    more: {type: random_forest, trees: 7}"],
    ),
    "a gate each at the same place": (
        [("  fairness:\n", "    - {metric: accuracy, at_least: 0.8}\n  fairness:\n")],
        [("  fairness:\n", "    - {metric: f1, at_least: 0.7}\n  fairness:\n")],
        ["    - {metric: accuracy, at_least: 0.8}", "    - {metric: f1, at_least: 0.7}"],
    ),
    "reformatted here, changed there": (
        [("  latency: {p95: 50ms}\n", "  latency:\n    p95: 0.05s # half of a tenth\n")],
        [("p95: 50ms", "p95: 80ms")],
        ["    p95: 80ms # half of a tenth"],
    ),
    "a step of the preparation more, another setting of one": (
        [("scale: standard]", "scale: robust]")],
        [("[impute: median, ", "[impute: median, clip: {lower: 0, upper: 90}, ")],
        ["  numeric: [impute: median, clip: {lower: 0, upper: 90}, scale: robust]"],
    ),
    "the same on both": (
        [("seed: 7", "seed: 8")],
        [("seed: 7", "seed: 8")],
        ["  split: {test: 0.25, validation: 0.25, seed: 8}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_edits_that_do_not_clash_are_both_made(name: str) -> None:
    ours, theirs, lines = CLEAN[name]
    found = merged(ours, theirs)
    assert found.clashes == ()
    assert [line for line in lines if line not in found.text.splitlines()] == []
    assert "name: people # of the town" in found.text
    assert "# who competes" in found.text


def test_what_clashes_stands_between_markers_and_is_told() -> None:
    found = merged(
        [("at_least: 0.9}", "at_least: 0.95}"), ("seed: 7", "seed: 8")],
        [("at_least: 0.9}", "at_least: 0.85}"), ("at_most: 0.4", "at_most: 0.3")],
    )
    assert (
        "<<<<<<< ours\n    - {metric: roc_auc, at_least: 0.95}\n"
        "=======\n    - {metric: roc_auc, at_least: 0.85}\n>>>>>>> theirs\n"
        "    - {metric: log_loss, at_most: 0.3}\n"
    ) in found.text
    (clash,) = found.clashes
    assert clash.message == "both changed constraints.quality[roc_auc].at_least"
    assert clash.notes == ("ours: 0.9 -> 0.95", "theirs: 0.9 -> 0.85")
    assert clash.span is not None


def test_what_one_takes_away_and_the_other_changes_clashes() -> None:
    found = merged([("  latency: {p95: 50ms}\n", "")], [("p95: 50ms", "p95: 80ms")])
    assert [clash.message for clash in found.clashes] == ["both changed constraints.latency"]
    assert "<<<<<<< ours\n=======\n  latency: {p95: 80ms}\n>>>>>>> theirs\n" in found.text


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_nearly_every_realistic_change_merges_with_another(every: int) -> None:
    """Of the collection of realistic changes: each with a change of something else, in both directions."""
    cases = [
        world.edited(world.BASE, case["edits"])
        for file in sorted(world.HERE.glob("*.yaml"))
        if file.stem != "people"
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))
        if "edits" in case and case["what"] != "The goal in other words"
    ]
    other = world.BASE.replace("Find who should get a letter.", "Something else. # for now")
    failed = 0
    for text in cases[::every]:
        wanted = text.replace("Find who should get a letter.", "Something else.")
        for sides in ((other, text), (text, other)):
            found = merge(world.BASE, *sides)
            if found is None:
                failed += 1
                continue
            assert found.clashes == ()
            left = compare.changes(meant(found.text, "a"), meant(wanted, "b"))
            assert [change for change in left if change.kind != "reordered"] == []
    assert failed <= 2, "what can't be written is merged line by line"


@pytest.fixture(name="repository")
def repository_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "config", "merge.mlspec.driver", "mlspec merge %O %A %B %P")
    git(tmp_path, "config", "diff.mlspec.textconv", "mlspec diff --textconv")
    (tmp_path / ".gitattributes").write_text("project.yaml merge=mlspec diff=mlspec\n")
    commit(tmp_path, world.BASE)
    return tmp_path


def git(folder: Path, *arguments: str, code: int = 0) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def commit(folder: Path, text: str) -> None:
    (folder / "project.yaml").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")


def test_git_merges_by_meaning(repository: Path) -> None:
    git(repository, "switch", "-q", "-c", "theirs")
    commit(repository, world.BASE.replace("at_most: 0.4", "at_most: 0.3").replace("at_least: 0.9}", "at_least: 0.85}"))
    git(repository, "switch", "-q", "main")
    commit(repository, world.BASE.replace("beats: baseline, by: 0.05", "beats: baseline, by: 0.1"))
    git(repository, "merge", "-q", "theirs", "-m", "both")
    text = (repository / "project.yaml").read_text()
    assert [part for part in ("at_most: 0.3", "at_least: 0.85}", "by: 0.1") if part not in text] == []
    commit(repository, text.replace("seed: 7", "seed: 9"))
    git(repository, "switch", "-q", "theirs")
    commit(repository, (repository / "project.yaml").read_text().replace("seed: 7", "seed: 8"))
    said = git(repository, "merge", "main", code=1)
    assert "error[merge-conflict]: both changed data.split.seed" in said
    assert "<<<<<<< ours" in (repository / "project.yaml").read_text()


def test_git_shows_what_changed_in_meaning(repository: Path) -> None:
    text = world.BASE.replace("p95: 50ms", "p95: 0.05s").replace("  owners: [growth]\n", "").replace(
        "  name: people\n", "  owners: [growth]\n  name: people\n"
    )  # fmt: skip
    (repository / "project.yaml").write_text(text)
    assert "@@" not in git(repository, "diff")
    (repository / "project.yaml").write_text(text.replace("at_least: 0.9}", "at_least: 0.8}"))
    changed = [
        line for line in git(repository, "diff").splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert changed == ["-constraints.quality[roc_auc].at_least: 0.9", "+constraints.quality[roc_auc].at_least: 0.8"]
    (repository / "project.yaml").write_text("not: [a spec\n")
    assert "+not: [a spec" in git(repository, "diff")


def test_what_is_no_spec_is_merged_line_by_line(tmp_path: Path) -> None:
    for name, text in (("o", "a\nb\nc\n"), ("a", "x\nb\nc\n"), ("b", "a\nb\nz\n")):
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [str(BIN / "mlspec"), "merge", "o", "a", "b"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert (tmp_path / "a").read_text() == "x\nb\nz\n"
    assert "merged line by line" in done.stderr
