"""Everything that can be stated of the model under ``constraints`` and ``project`` is a requirement."""

from pathlib import Path

import pytest

from mlspec import api
from mlspec.spec.constraints import Constraints
from mlspec.spec.requirements import requirements
from mlspec.spec.shape import keys

SPEC = """\
project: {{name: small{project}}}
constraints: {constraints}
data: {{sources: {{people: {{path: people.csv}}}}, columns: {{target: income}}}}
model: {{candidates: {{one: {{type: logistic_regression}}}}}}
"""
ONE_OF_EACH = {
    "quality": "[{metric: roc_auc, at_least: 0.5}]",
    "fairness": "[{metric: equalized_odds_difference, group: job, at_most: 0.5}]",
    "privacy": "{direct_identifiers: forbid, k_anonymity: {columns: [job], k: 2}, "
    "l_diversity: {columns: [job], sensitive: income, l: 2}, membership: {at_most: 0.6}, "
    "differential_privacy: {epsilon: 3, delta: 1.0e-5}}",
    "abstention": "{coverage_at_least: 0.5, risk_at_most: 0.5}",
    "latency": "{p50: 1s, p95: 1s, p99: 1s}",
    "throughput": "{rows_per_second: 10}",
    "size": "{model: 1MB, memory: 1GB}",
    "budget": "{wall_time: 1h, memory: 1GB, gpus: 1, gpu_hours: 1, money: {at_most: 1}}",
    "deadline": "1h",
    "infrastructure": "{devices: [cpu]}",
    "reviewers": "{data: ['@a', '@b']}",
}
NO_BOUND = {
    *("batch", "metric", "group", "minimum_rows", "by", "beats", "money"),
    *("columns", "sensitive", "k_anonymity", "l_diversity", "membership", "differential_privacy", "delta"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = "".join(f"{20 + i},{'abc'[i % 3]},{'high' if i % 2 else 'low'}\n" for i in range(40))
    (tmp_path / "people.csv").write_text("age,job,income\n" + rows)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of(folder: Path, project: str = "", constraints: str = "{}") -> list[str]:
    (folder / "project.yaml").write_text(SPEC.format(project=project, constraints=constraints))
    compiled = api.compile()
    found = requirements(compiled.checked.project)
    for requirement in found:
        # What a gate is said to decide, a step of the graph decides.
        assert (requirement.binding == "gate") == (compiled.plan.graph.find(f"gate.{requirement.id}") is not None)
    return [requirement.id for requirement in found]


def test_each_constraint_is_a_requirement(folder: Path) -> None:
    assert set(ONE_OF_EACH) == {*keys(Constraints)} - {"waivers"}
    for key, text in ONE_OF_EACH.items():
        project = ", users: {abstain_below: 0.7}" if key == "abstention" else ""
        found = [name for name in of(folder, project, f"{{{key}: {text}}}") if name != "abstain"]
        bounds = max(1, text.count(":") - sum(text.count(f"{name}:") for name in NO_BOUND))
        assert len(found) == bounds, (key, found)


def test_goals_and_users_are_requirements_bound_to_what_checks_them(folder: Path) -> None:
    project = (
        ", goals: [{name: rank, metric: roc_auc, at_least: 0.6, guardrail: true}, {name: sure, metric: log_loss}, "
        "{name: liked, statement: People like it.}]"
        ", interface: {inputs: {age: integer, job: category}, classes: [low, high]}"
        ", users: {trigger: batch, mistakes: {false_negative: 3}, abstain_below: 0.6, "
        "examples: [{row: {age: 30}, at_least: 0.1}]}"
    )
    constraints = "{throughput: {rows_per_second: 1}, waivers: [{requirement: goals.liked, reason: a survey asks}]}"
    assert of(folder, project, constraints) == [
        "goals.rank", "goals.rank.guardrail", "goals.sure", "goals.liked", "interface", "trigger", "examples",
        "mistakes", "abstain", "throughput",
    ]  # fmt: skip
    project_now = api.validate().project
    assert project_now.model.select.metric == "roc_auc"
    assert [use.name for use in project_now.evaluation.baselines or ()] == ["majority", "previous"]


def test_the_first_goal_says_what_the_model_is_selected_by(folder: Path) -> None:
    goals = ", goals: [{name: a, metric: brier}, {name: b, metric: log_loss, priority: 1}, {name: c, metric: f1}]"
    of(folder, goals)
    assert api.validate().project.model.select.metric == "brier"
    of(folder, goals.replace("name: a, metric: brier", "name: a, metric: brier, priority: 9"))
    assert api.validate().project.model.select.metric == "log_loss"
