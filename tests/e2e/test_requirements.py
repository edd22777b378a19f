"""What is required of a model, seen to be held, missed, waived and worn out, with the installed command."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jsonschema
import pytest
import yaml

Mlspec = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[2]

PROJECT = {
    "name": "penguins",
    "goals": [
        {"name": "agree", "metric": "balanced_accuracy", "at_least": 0.8, "direction": "maximize"},
        {"name": "stable", "metric": "log_loss", "guardrail": True, "tolerance": 0.02},
        {"name": "trust", "statement": "The field team trusts it."},
    ],
    "users": {
        "decision": "labels that disagree are looked at again",
        "trigger": "on_request",
        "examples": [
            {"row": {"bill_length_mm": 39.1, "flipper_length_mm": 181, "island": "Torgersen"}, "answer": "Adelie"},
            {"row": {"bill_length_mm": 39.1}, "answer": "Gentoo"},
        ],
    },
}
CONSTRAINTS = {
    "quality": [{"metric": "balanced_accuracy", "at_least": 0.85}],
    "latency": {"p95": "5s"},
    "throughput": {"rows_per_second": 1e12},
    "size": {"memory": "1MB"},
    "waivers": [
        {"requirement": "goals.trust", "reason": "A survey asks in spring."},
        {"requirement": "size.memory", "reason": "The new machines have more."},
    ],
}


def copied(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".mlspec", "*.lock")
    folder = Path(shutil.copytree(ROOT / "specs" / "penguins", tmp_path / "penguins", ignore=ignored))
    spec = yaml.safe_load((folder / "project.yaml").read_text())
    spec |= {"project": PROJECT, "constraints": CONSTRAINTS, "evaluation": {"holdout": {"max_uses": 1}}}
    (folder / "project.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return folder


def verdicts(shown: dict[str, Any]) -> dict[str, str | None]:
    return {entry["requirement"]: entry["verdict"] for entry in shown["requirements"]}


@pytest.mark.slow
def test_every_requirement_ends_with_evidence(tmp_path: Path, mlspec: Mlspec) -> None:
    folder = copied(tmp_path)
    checked = mlspec("validate", cwd=folder)
    assert "9 requirements, 89% bound to a check, 2 waived" in checked.stderr

    first = mlspec("run", cwd=folder, code=1)
    assert "2 of 6 constraints do not hold; 1 more is waived" in first.stdout
    assert "example 2: 'Gentoo' was expected, the model says 'Adelie'" in first.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert verdicts(shown) == {
        "goals.agree": "pass",
        "goals.stable": "pass",
        "goals.trust": None,
        "trigger": "pass",
        "examples": "fail",
        "quality.balanced_accuracy": "pass",
        "latency.p95": "pass",
        "throughput": "fail",
        "size.memory": "fail",
    }
    page = (folder / shown["report"]).read_text()
    for text in ("8 of 9 requirements bound to a check, 2 waived", "A survey asks in spring.", "labels that disagree"):
        assert text in page

    schema = json.loads((ROOT / "schema" / "evidence.schema.json").read_text())
    lines = [json.loads(line) for line in (folder / shown["folder"] / "evidence.jsonl").read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, schema)
    kept = {line["requirement"]: line for line in lines}
    assert {name: line["verdict"] for name, line in kept.items()} == verdicts(shown)
    quality = kept["quality.balanced_accuracy"]
    assert quality["check_versions"]["metrics/balanced_accuracy"]
    assert list(quality["data"]) == ["data/penguins.csv"]
    assert quality["low"] < quality["value"] <= quality["high"]
    assert quality["stated_in"].startswith("project.yaml:")

    # The accepted run guards the metric; a second model on the same rows is one more than they may judge.
    shutil.copy(folder / "mlspec.lock", folder / "accepted.lock")
    worse = mlspec("run", "--set", "model.candidates.linear.C=0.001", cwd=folder, code=1)
    assert "log_loss no worse than the accepted run's by more than 0.02" in worse.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert verdicts(shown)["goals.stable"] == "unknown"  # few rows carry the accepted loss

    again = mlspec("run", "--set", "model.candidates.linear.C=0.9", cwd=folder, code=1)
    assert "The test rows have been used to evaluate 3 models, 1 is allowed; this is number 3" in again.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert verdicts(shown)["goals.agree"] == verdicts(shown)["quality.balanced_accuracy"] == "unknown"
    assert verdicts(shown)["latency.p95"] == "pass"

    # The first model keeps its verdict, also if only the committed lock has it.
    shutil.rmtree(folder / ".mlspec")
    mlspec("run", cwd=folder, code=1)
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert (verdicts(shown)["goals.agree"], verdicts(shown)["goals.stable"]) == ("pass", "pass")
    assert shown["holdout"]["place"] == 1
