"""Policies: what a spec has to fulfil, what is said of a violation, what can't get round one, what a change means.

The expected texts are in ``golden/``; ``MLSPEC_UPDATE=1 pytest tests/policy`` writes them again, to be reviewed.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mlspec import api
from mlspec.cli import main
from mlspec.diagnostics import SpecError, render
from mlspec.policy.glob import matches, normal
from mlspec.policy.language import Policy
from mlspec.spec.schema import of

HERE = Path(__file__).parent
SPEC = (HERE.parent / "diff/cases/people.yaml").read_text()
ROWS = "number,age,job,sex,weight,city,income\n" + "".join(
    f"{i},{20 + i},{'abc'[i % 3]},{'mf'[i % 2]},{i / 2},x,{'high' if i % 3 else 'low'}\n" for i in range(40)
)


@pytest.fixture(name="repository")
def repository_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a spec in a folder, as the working folder."""
    root = tmp_path / "repository"
    (root / "credit/data").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / "credit/people.csv").write_text(ROWS)
    (root / "credit/project.yaml").write_text(SPEC)
    monkeypatch.chdir(root)
    return root


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def wrong(spec: str = "credit", **options: Any) -> list[str]:
    """The violations of a spec: the message, and the label."""
    try:
        api.validate(spec, **options)
    except SpecError as error:
        return [f"{one.message} [{one.label}]" for one in error.diagnostics]
    return []


def said(spec: str = "credit") -> str:
    with pytest.raises(SpecError) as caught:
        api.validate(spec)
    return render(caught.value.diagnostics, caught.value.texts)


def golden(name: str, text: str) -> None:
    file = HERE / "golden" / f"{name}.txt"
    if os.environ.get("MLSPEC_UPDATE"):
        file.write_text(text)
    assert text == file.read_text()


VIOLATED = """\
gates:
  - require:
      quality: [{metric: roc_auc, at_least: 0.95}, {metric: brier, at_most: 0.1}]
      latency: {p95: 1ms}
      privacy: {k_anonymity: {columns: [age, sex], k: 5}}
    reason: Agreed with risk, 2026-04.
    when: {tasks: [binary_classification], paths: "credit/**"}
keys:
  - {key: data.personal, reason: Say what is personal.}
  - {key: evaluation.confidence.level, at_least: 0.99, reason: One in a hundred.}
  - {key: backend.engine, allowed: [inline, dvc], reason: Nothing else is installed.}
sources:
  - {types: [parquet], reason: Typed.}
  - {paths: ["data/**", "https://data.example.org/**"], reason: Reviewed.}
backends:
  - {engine: local, reason: No processes here.}
"""
WRONG = {
    "unknown-key": "gates: []\ngate: []\n",
    "no-reason": "backends:\n  - {engine: ray}\n",
    "no-such-key": "keys:\n  - {key: project.owner, reason: x}\n  - {key: project.name.first, reason: x}\n",
    "requires-nothing": "gates: [{require: {}, reason: x}]\nsources: [{reason: x}]\n",
    "gate-key": "gates: [{require: {quality: [{metric: f1, atleast: 1}]}, reason: x}]\n",
    "not-a-policy": "- one\n",
    "syntax": "gates: [\n",
}


def test_every_violation_word_for_word(repository: Path) -> None:
    (repository / "policy.yaml").write_text(VIOLATED)
    golden("violations", said())


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_policy_is_an_error_at_its_line(repository: Path, name: str) -> None:
    (repository / "policy.yaml").write_text(WRONG[name])
    golden(name, said())


def test_what_can_not_be_read_does_not_count_as_no_policy(repository: Path) -> None:
    policy, outside = repository / "policy.yaml", repository.parent / "outside.yaml"
    outside.write_text("{}")
    policy.symlink_to(outside)
    found = said()
    policy.unlink()
    policy.symlink_to("nowhere.yaml")
    found += said()
    policy.unlink()
    os.mkfifo(policy)
    found += said()
    policy.unlink()
    policy.write_text("# " + "x" * (1 << 20))
    golden("unreadable", found + said())


GATE = "gates: [{{require: {}, reason: r}}]\n"


@pytest.mark.parametrize(
    ("required", "edit", "fulfilled"),
    [
        ("{quality: [{metric: roc_auc, at_least: 0.9}]}", ("", ""), True),
        ("{quality: [{metric: roc_auc, at_least: 0.91}]}", ("", ""), False),
        ("{quality: [{metric: log_loss, at_most: 0.4}]}", ("", ""), True),
        ("{quality: [{metric: log_loss, at_most: 0.3}]}", ("", ""), False),
        ("{quality: [{metric: accuracy, at_least: 0.1}]}", ("", ""), False),
        # a goal with a bound is a gate
        ("{quality: [{metric: roc_auc, at_least: 0.6}]}", ("    - {metric: roc_auc, at_least: 0.9}\n", ""), True),
        ("{quality: [{metric: roc_auc, beats: baseline, by: 0.05}]}", ("", ""), True),
        ("{quality: [{metric: roc_auc, beats: baseline, by: 0.06}]}", ("", ""), False),
        ("{quality: [{metric: roc_auc, beats: majority}]}", ("", ""), False),
        ("{fairness: [{metric: equal_opportunity_difference, group: sex, at_most: 0.1}]}", ("", ""), True),
        ("{fairness: [{metric: equal_opportunity_difference, group: sex, at_most: 0.05}]}", ("", ""), False),
        ("{fairness: [{metric: equal_opportunity_difference, group: job, at_most: 0.5}]}", ("", ""), False),
        ("{latency: {p95: 50ms}}", ("", ""), True),
        ("{latency: {p95: 49ms}}", ("", ""), False),
        ("{latency: {p95: 50ms}}", ("  latency: {p95: 50ms}\n", ""), False),
        ("{size: {model: 20MB}, budget: {memory: 4GB}}", ("", ""), True),
        ("{budget: {wall_time: 9m}}", ("", ""), False),
        (
            "{privacy: {k_anonymity: {columns: [age], k: 5}}}",
            ("  latency", "  privacy: {k_anonymity: {columns: [age, sex], k: 5}}\n  latency"),
            True,
        ),
        (
            "{privacy: {k_anonymity: {columns: [age, job], k: 5}}}",
            ("  latency", "  privacy: {k_anonymity: {columns: [age, sex], k: 5}}\n  latency"),
            False,
        ),
        ("{privacy: {direct_identifiers: forbid}}", ("  latency", "  privacy: {}\n  latency"), False),
        # waived is as good as not stated
        (
            "{quality: [{metric: roc_auc, at_least: 0.8}]}",
            ("  latency", "  waivers: [{requirement: quality.roc_auc, reason: later}]\n  latency"),
            False,
        ),
        (
            "{latency: {p95: 1s}}",
            ("  size", "  waivers: [{requirement: quality.roc_auc, reason: later}]\n  size"),
            True,
        ),
    ],
)
def test_a_gate_is_at_least_as_strict(repository: Path, required: str, edit: tuple[str, str], fulfilled: bool) -> None:
    (repository / "policy.yaml").write_text(GATE.format(required))
    assert edit[0] in SPEC
    (repository / "credit/project.yaml").write_text(SPEC.replace(*edit, 1))
    assert (not wrong()) is fulfilled


@pytest.mark.parametrize(
    ("policy", "fulfilled"),
    [
        ("keys: [{key: project.owners, reason: r}]", True),
        ("keys: [{key: data.personal, reason: r}]", False),
        ("keys: [{key: evaluation.confidence.level, reason: r}]", False),  # a default is not stated
        ("keys: [{key: evaluation.confidence.level, at_least: 0.95, reason: r}]", True),
        ("keys: [{key: data.split.test, at_most: 0.2, reason: r}]", False),
        ("keys: [{key: constraints.infrastructure.devices, allowed: [cpu, cuda, mps], reason: r}]", True),
        ("keys: [{key: constraints.infrastructure.devices, allowed: [cpu], reason: r}]", False),
        ("keys: [{key: model.candidates.trees.max_iter, at_most: 100, reason: r}]", True),
        ("keys: [{key: model.candidates.trees.type, allowed: [ridge], reason: r}]", False),
        ("keys: [{key: constraints.latency.p95, at_most: 0.05, reason: r}]", True),
        ("sources: [{types: csv, reason: r}]", True),
        ("sources: [{types: [csv], paths: 'credit/*', reason: r}]", True),
        ("sources: [{types: [parquet], paths: 'credit/*', reason: r}]", False),
        ("sources: [{paths: 'credit/data/**', reason: r}, {types: sql, reason: r}]", False),
        ("backends: [{engine: local, reason: r}]", False),
        ("backends: [{engine: ray, reason: r}]", True),
        ("backends: [{engine: local, reason: r, when: {paths: 'fraud/**'}}]", True),
        ("backends: [{engine: local, reason: r, when: {paths: '*/project.yaml'}}]", False),
        ("backends: [{engine: local, reason: r, when: {tasks: [regression]}}]", True),
    ],
)
def test_keys_sources_and_backends(repository: Path, policy: str, fulfilled: bool) -> None:
    (repository / "policy.yaml").write_text(policy)
    assert (not wrong()) is fulfilled


def test_a_policy_further_down_allows_nothing_that_one_above_does_not(repository: Path) -> None:
    (repository / "policy.yaml").write_text("sources: [{types: parquet, reason: above}]")
    (repository / "credit/policy.yaml").write_text("sources: [{types: csv, reason: below}]")
    assert wrong() == ["the policy does not allow the source 'people' [csv, credit/people.csv]"]
    (repository.parent / "policy.yaml").write_text("backends: [{engine: local, reason: outside of the repository}]")
    assert len(wrong()) == 1


def test_neither_profile_nor_setting_nor_backend_gets_round_a_policy(repository: Path) -> None:
    (repository / "policy.yaml").write_text(
        "gates: [{require: {latency: {p95: 50ms}}, reason: r}]\nbackends: [{engine: inline, reason: r}]\n"
        "keys: [{key: project.owners, reason: r}]\n"
    )
    profiles = "  fast: {constraints: {latency: {p95: 60ms}}}\n  bare: {project: {owners: null}}\n"
    (repository / "credit/project.yaml").write_text(SPEC + profiles)
    assert wrong() == []
    assert wrong(profile="fast") == ["the policy requires 'constraints.latency': p95 at most 50ms [this is 60ms]"]
    assert wrong(sets=["constraints.latency=null"]) == [
        "the policy requires 'constraints.latency': p95 at most 50ms [there is none]"
    ]
    assert wrong(backend="inline") == ["the policy forbids the engine 'inline' []"]
    found = api.policies()
    assert [(one.message, one.notes[0]) for one in found.diagnostics] == [
        ("the policy requires 'constraints.latency': p95 at most 50ms", "with the profile 'fast'"),
        ("the policy requires 'project.owners'", "with the profile 'bare'"),
    ]


def test_compile_does_not_remember_what_a_policy_forbids_by_now(repository: Path) -> None:
    for file in repository.rglob("*.*"):
        os.utime(file, (1, 1))  # long enough ago to be remembered
    assert main(["compile", "credit"]) == main(["compile", "credit"]) == 0
    (repository / "policy.yaml").write_text("backends: [{engine: local, reason: r}]")
    assert main(["compile", "credit"]) == 2


def test_the_command_lists_and_checks(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "policy.yaml").write_text(VIOLATED)
    assert main(["policy"]) == 2
    listed, found = capsys.readouterr()
    golden("listed", listed)
    assert found == said()
    assert main(["policy", "--format", "json"]) == 2
    assert len(json.loads(capsys.readouterr().out)["diagnostics"]) == 9
    (repository / "policy.yaml").write_text("backends: [{engine: ray, reason: r}]")
    assert main(["policy", "credit"]) == 0
    assert capsys.readouterr() == (
        "policy.yaml\n  1  backends[ray] forbidden: r\n",
        "1 spec checked, with all profiles: no violation\n",
    )


def test_the_published_schema_describes_policies() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(of(Policy, "mlspec policy")))
    assert schema.is_valid(yaml.safe_load(VIOLATED))
    for name in ("unknown-key", "no-reason", "gate-key", "not-a-policy"):
        assert not schema.is_valid(yaml.safe_load(WRONG[name]))


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("data/**", "data/a/b.csv", True),
        ("data/**", "database/a.csv", False),
        ("data/*", "data/a/b.csv", False),
        ("**/raw/*.csv", "a/b/raw/x.csv", True),
        ("**", "../secret.csv", False),
        ("data/**", "data/%2e%2E/secret.csv", False),
        ("data/**", normal("../data/x.csv", "credit"), True),
        ("data/**", normal("data/../../x.csv", ""), False),
        ("https://data.example.org/**", "https://data.example.org/x.csv", True),
        ("https://data.example.org/**", "https://data.example.org.evil.example/x.csv", False),
        ("https://data.example.org/**", "https://data.example.org@evil.example/x.csv", False),
        ("https://data.example.org/open/**", "https://data.example.org/open/../x.csv", False),
        ("**/" * 30 + "x", "a/" * 400 + "b", False),
        ("*a" * 60, "a" * 3000 + "b", False),
    ],
)
def test_patterns(pattern: str, text: str, fits: bool) -> None:
    assert matches([pattern], text) is fits


CHANGES = """\
gates:
  - {require: {quality: [{metric: roc_auc, at_least: 0.8}], latency: {p95: 60ms}}, reason: risk}
keys:
  - {key: project.owners, reason: r}
  - {key: data.split.test, at_least: 0.1, reason: r}
sources:
  - {types: [csv, parquet], reason: r}
"""
WEAKER, STRICTER = ("policy", "error"), ("policy", "warning")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("at_least: 0.8", "at_least: 0.7", {"gates.quality[roc_auc].at_least": WEAKER}),
        ("at_least: 0.8", "at_least: 0.9", {"gates.quality[roc_auc].at_least": STRICTER}),
        ("60ms", "70ms", {"gates.latency.p95": WEAKER}),
        ("60ms", "55ms", {"gates.latency.p95": STRICTER}),
        ("{metric: roc_auc, at_least: 0.8}", "", {"gates.quality[roc_auc].at_least": WEAKER}),
        ("  - {key: project.owners, reason: r}\n", "", {"keys[project.owners]": WEAKER}),
        ("key: project.owners", "key: project.goal", {"keys[project.owners]": WEAKER, "keys[project.goal]": STRICTER}),
        ("  - {key: project.owners, reason: r}", "  - {key: project.owners, reason: r, when: {tasks: [regression]}}",
         {"keys[project.owners]": WEAKER, "keys[project.owners] (regression)": STRICTER}),
        ("sources:\n", "sources:\n  - {types: sql, reason: r}\n", {"sources[sql]": WEAKER}),
        ("sources:\n  - {types: [csv, parquet], reason: r}\n", "", {"sources[csv, parquet]": WEAKER}),
        ("", "backends: [{engine: ray, reason: r}]\n", {"backends[ray]": STRICTER}),
        ("reason: risk", "reason: law", {"gates.quality[roc_auc].at_least reason": ("policy", "info")}),
        ("", "# a comment\n", {}),
    ],
)  # fmt: skip
def test_diff_tells_weaker_from_stricter(
    repository: Path, old: str, new: str, expected: dict[str, tuple[str, str]]
) -> None:
    (repository / "policy.yaml").write_text(CHANGES)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "one")
    (repository / "policy.yaml").write_text(CHANGES.replace(old, new, 1) if old else new + CHANGES)
    for commits in ((), ("HEAD~1", "HEAD")):
        if commits:
            git(repository, "commit", "-qam", "two")
        found = api.diff(*commits, spec="credit", fail_on=["policy"])
        assert {one.path.removeprefix("policy.yaml "): (one.class_, one.severity) for one in found.changes} == expected
        assert bool(found.failing) is (WEAKER in expected.values())


def test_a_policy_that_goes_or_comes_is_one_change(repository: Path) -> None:
    (repository / "policy.yaml").write_text(CHANGES)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "one")
    git(repository, "mv", "policy.yaml", "credit/policy.yaml")
    # A note of the spec's author beside a line of the same number accepts nothing in a policy.
    (repository / "credit/project.yaml").write_text("# mlspec-allow policy: mine\n" + SPEC)
    found = api.diff(spec="credit", fail_on=["policy"])
    assert [(one.path, one.kind, one.severity, one.accepted) for one in found.changes] == [
        ("policy.yaml", "removed", "error", None),
        ("credit/policy.yaml", "added", "warning", None),
    ]
    assert found.failing == (found.changes[0].id,)
    (repository / "credit/policy.yaml").write_text("gates: 1")
    with pytest.raises(SpecError, match="'gates' must be a list"):
        api.diff(spec="credit")


def test_a_spec_that_leaves_its_policy_is_not_silent(repository: Path) -> None:
    (repository / "credit/policy.yaml").write_text(CHANGES)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "one")
    (repository / "free").mkdir()
    git(repository, "mv", "credit/project.yaml", "credit/people.csv", "free")
    found = api.diff(spec="free", fail_on=["policy"])
    assert [(one.path, one.kind, one.severity) for one in found.changes] == [("credit/policy.yaml", "removed", "error")]
    assert found.failing


def test_equal_entries_have_names_of_their_own_and_a_goal_counts_where_the_gate_is_waived(repository: Path) -> None:
    entry = "  - {require: {quality: [{metric: roc_auc, at_least: 0.5}]}, reason: r}\n"
    (repository / "policy.yaml").write_text("gates:\n" + entry * 3)
    waived = SPEC.replace("  latency", "  waivers: [{requirement: quality.roc_auc, reason: later}]\n  latency")
    (repository / "credit/project.yaml").write_text(waived)
    found = api.policies("credit")
    names = [one.name for one in found.policies["policy.yaml"]]
    assert names == ["gates.quality[roc_auc].at_least" + more for more in ("", " #2", " #3")]
    assert found.diagnostics == ()  # the goal with a bound on roc_auc is not waived
