"""Merging specs by what they mean, and git with mlspec as its merge and diff driver."""

import importlib.util
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlspec.diff import compare
from mlspec.diff.merge import Merged, meant, merge


def _beside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"diff_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


world, three_ways = _beside("world"), _beside("three_ways")

BIN = Path(sysconfig.get_path("scripts"))
COMMENTED = world.BASE.replace("name: people\n", "name: people # of the town\n").replace(
    "model:\n", "\n# who competes\nmodel:\n"
)


def merged(ours: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> Merged:
    sides = [world.edited(COMMENTED, [{"from": a, "to": b} for a, b in edits]) for edits in (ours, theirs)]
    return merge(COMMENTED, *sides)


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


def test_what_clashes_stands_between_markers_and_is_reported() -> None:
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


@pytest.mark.parametrize("every", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_nearly_every_realistic_change_merges_with_another(every: int) -> None:
    """Of the collection of realistic changes: each with a change of something else, in both directions."""
    cases = [
        world.edited(world.BASE, case["edits"])
        for file in sorted(world.HERE.glob("*.yaml"))
        if file.stem != "people"
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))
        if "edits" in case and "given" not in case and case["what"] != "The goal in other words"
    ]
    other = world.BASE.replace("Find who should get a letter.", "Something else. # for now")
    failed = 0
    for text in cases[::every]:
        wanted = text.replace("Find who should get a letter.", "Something else.")
        for sides in ((other, text), (text, other)):
            found = merge(world.BASE, *sides)
            failed += bool(found.clashes)
            if found.clashes:
                continue
            left = compare.changes(meant(found.text, "a"), meant(wanted, "b"))
            assert [change for change in left if change.kind != "reordered"] == []
    assert failed <= 2, "what can't be written is between markers"


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


NOTED = world.BASE.replace("  quality:\n", "  quality: # agreed with risk\n").replace(
    "    - {metric: log_loss, at_most: 0.4}\n", "    # calibration\n    - {metric: log_loss, at_most: 0.4} # of May\n"
)
TUNED = ("  trees: {trials: 5, seed: 1}", "  trees: {trials: 50, seed: 1}")
RENAMED = [
    ("    trees: {type", "    boosted: {type"),
    ("  trees: {trials: 5", "  boosted: {trials: 5"),
    ("tuning: {trees: {trials: 2}}}", "tuning: {boosted: {trials: 2}}}"),
]
KEPT: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]], list[str]]] = {
    "an edit of a profile": (
        [("data: {sample: 20}", "data: {sample: 40}")],
        [("tuning: {trees: {trials: 2}}", "tuning: {trees: {trials: 3}}")],
        ["  smoke: {data: {sample: 40}, tuning: {trees: {trials: 3}}}"],
    ),
    "a new profile, beside an edit of the last one": (
        [("data: {sample: 20}", "data: {sample: 40}")],
        [("trials: 2}}}\n", "trials: 2}}}\n  long: # at night\n    tuning: {trees: {trials: 500}}\n")],
        ["  smoke: {data: {sample: 40}, tuning: {trees: {trials: 2}}}", "  long: # at night",
         "    tuning: {trees: {trials: 500}}"],
    ),
    "a profile each": (
        [("trials: 2}}}\n", "trials: 2}}}\n  long: {data: {sample: 30}}\n")],
        [("trials: 2}}}\n", "trials: 2}}}\n  short: {data: {sample: 10}}\n")],
        ["  long: {data: {sample: 30}}", "  short: {data: {sample: 10}}"],
    ),
    "a comment on the value that we change": (
        [("at_most: 0.4}", "at_most: 0.3}")],
        [("# of May", "# of June")],
        ["    - {metric: log_loss, at_most: 0.3} # of June"],
    ),
    "a comment alone": ([("seed: 7", "seed: 8")], [("# calibration", "# calibration, see ticket 12")],
                        ["    # calibration, see ticket 12", "  split: {test: 0.25, validation: 0.25, seed: 8}"]),
    "a comment deleted": ([("at_most: 0.4}", "at_most: 0.3}")], [("    # calibration\n", "")],
                          ["    - {metric: log_loss, at_most: 0.3} # of May"]),
    "a note with the value that it accepts": (
        [("    - {metric: roc_auc, beats: baseline, by: 0.05}", "    - {metric: roc_auc, beats: baseline, by: 0.1}")],
        [("    # calibration\n    - {metric: log_loss, at_most: 0.4} # of May",
          "    # mlspec-allow loosened: agreed, ticket 12\n    - {metric: log_loss, at_most: 0.5} # of May")],
        ["    # mlspec-allow loosened: agreed, ticket 12", "    - {metric: log_loss, at_most: 0.5} # of May",
         "    - {metric: roc_auc, beats: baseline, by: 0.1}"],
    ),
    "a note beside a gate, the next one changed by us": (
        [("at_most: 0.4}", "at_most: 0.3}")],
        [("at_least: 0.9}", "at_least: 0.8} # mlspec-allow loosened: agreed, ticket 12")],
        ["    - {metric: roc_auc, at_least: 0.8} # mlspec-allow loosened: agreed, ticket 12",
         "    - {metric: log_loss, at_most: 0.3} # of May"],
    ),
    "tuning of a candidate that we rename": (RENAMED, [TUNED], ["  boosted: {trials: 50, seed: 1}"]),
    "a profile's tuning of a candidate that we rename": (
        RENAMED,
        [("tuning: {trees: {trials: 2}}}",
          "tuning: {trees: {trials: 1}}, model: {candidates: {trees: {max_iter: 9}}}}")],
        ["  smoke: {data: {sample: 20}, tuning: {boosted: {trials: 1}}, "
         "model: {candidates: {boosted: {max_iter: 9}}}}"],
    ),
    "a rename by them of what we tune and describe": (
        [TUNED, ("max_iter: 50}", "max_iter: 60} # shallow")],
        RENAMED,
        ["    boosted: {type: hist_gradient_boosting, max_iter: 60} # shallow", "  boosted: {trials: 50, seed: 1}",
         "  smoke: {data: {sample: 20}, tuning: {boosted: {trials: 2}}}"],
    ),
    "the order of the preparation": (
        [("scale: standard]", "scale: robust]")],
        [("[impute: median, scale", "[clip: {lower: 0}, impute: median, scale")],
        ["  numeric: [clip: {lower: 0}, impute: median, scale: robust]"],
    ),
    "a candidate in several lines, each with its comment": (
        [("    linear: {type", "    forest: {type: random_forest}\n    linear: {type")],
        [("    linear: {type", "    # from the paper\n    ridge:\n      type: logistic_regression # plain\n"
          "      C: 3 # by hand\n    linear: {type")],
        ["    forest: {type: random_forest}", "    # from the paper", "      type: logistic_regression # plain",
         "      C: 3 # by hand"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [name if place < 2 else pytest.param(name, marks=pytest.mark.slow) for place, name in enumerate(KEPT)]
)
def test_a_merge_in_git_loses_nothing(repository: Path, name: str) -> None:
    ours, theirs, lines = KEPT[name]
    for one, other in ((ours, theirs), (theirs, ours)):
        said, text = in_git(repository, one, other)
        assert [line for line in lines if line not in text.splitlines()] == [], text
        assert "<<<<<<<" not in text
        assert "conflict" not in said.lower()


CLASHING: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]], list[str]]] = {
    "a value of a profile": (
        [("sample: 20", "sample: 40")],
        [("sample: 20", "sample: 10")],
        ["both changed profiles.smoke.data.sample", "ours: 20 -> 40", "theirs: 20 -> 10"],
    ),
    "a comment": (
        [("# of May", "# of June")],
        [("# of May", "# of July")],
        ["both changed the comment beside constraints.quality[log_loss]", "ours: # of May -> # of June"],
    ),
    "a comment on what we removed": (
        [("    # calibration\n    - {metric: log_loss, at_most: 0.4} # of May\n", "")],
        [("# of May", "# of July")],
        ["both changed constraints.quality[log_loss]",
         "theirs: the comment beside constraints.quality[log_loss]: # of May -> # of July"],
    ),
    "an order": (
        [("[roc_auc, log_loss, accuracy]", "[log_loss, roc_auc, accuracy]")],
        [("[roc_auc, log_loss, accuracy]", "[roc_auc, accuracy, log_loss]")],
        [],
    ),
    "two new names": (
        RENAMED,
        [(old, new.replace("boosted", "shrubs")) for old, new in RENAMED],
        ["both changed model.candidates.trees"],
    ),
    "what is invalid only together": (
        [("    trees: {type: hist_gradient_boosting, max_iter: 50}\n", ""),
         ("tuning:\n  trees: {trials: 5, seed: 1}\n", ""),
         ("profiles:\n  smoke: {data: {sample: 20}, tuning: {trees: {trials: 2}}}\n", "")],
        [("backend: cpu\n", "backend: cpu # of this machine\ntuning: {trees: {trials: 7}}\n"),
         ("tuning:\n  trees: {trials: 5, seed: 1}\n", "")],
        ["tuning"],
    ),
    "a reference to what we removed": (
        [("    linear: {type: logistic_regression}\n", "")],
        [("  trees: {trials: 5, seed: 1}\n", "  trees: {trials: 5, seed: 1}\n  linear: {trials: 3}\n")],
        ["each side is valid, but not both together: tuning-without-candidate: 'linear' is tuned, but there is no such "
         "candidate"],
    ),
    "a reference in a profile to what we removed": (
        [("    linear: {type: logistic_regression}\n", "")],
        [("trials: 2}}}\n", "trials: 2}}}\n  long: {tuning: {linear: {trials: 30}}}\n")],
        ["each side is valid, but not both together: tuning-without-candidate: 'linear' is tuned, but there is no such "
         "candidate", "with the profile long"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLASHING)
def test_what_cannot_be_merged_is_a_conflict_that_says_why(repository: Path, name: str) -> None:
    ours, theirs, words = CLASHING[name]
    said, text = in_git(repository, ours, theirs, code=1)
    assert [word for word in words if word not in said] == [], said
    one, other = three_ways.views(text)
    assert one != other
    for view, edits in ((one, ours), (other, theirs)):
        assert [new for _, new in edits if new.strip() and new.strip() not in view] == []


def in_git(folder: Path, ours: list[tuple[str, str]], theirs: list[tuple[str, str]], code: int = 0) -> tuple[str, str]:
    """What ``git merge`` prints, and the file after it."""
    sides = [world.edited(NOTED, [{"from": a, "to": b} for a, b in edits]) for edits in (ours, theirs)]
    git(folder, "checkout", "-q", "-B", "main", "--force", git(folder, "rev-list", "--max-parents=0", "HEAD").strip())
    commit(folder, NOTED)
    git(folder, "switch", "-q", "-C", "theirs")
    commit(folder, sides[1])
    git(folder, "switch", "-q", "main")
    commit(folder, sides[0])
    said = git(folder, "merge", "-q", "theirs", "-m", "both", code=code)
    return said, (folder / "project.yaml").read_text()


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
