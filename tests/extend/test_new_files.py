"""One new file makes a new plug-in of each kind: nothing else is touched, and it works from check to answer."""

import json
from pathlib import Path

import polars as pl
import pytest

SPEC = """
mlspec: 1
project: {name: NAME}
constraints: {quality: [{metric: hits, at_least: 0.8}]}
data:
  sources: {rows: {path: rows.pipes}}
  columns: {target: kind}
  personal: {y: {kind: sensitive, action: halve}}
preprocessing: {numeric: [shift: 2]}
model: {candidates: {extra: {type: random_trees, trees: 20}}, select: {metric: hits}}
evaluation: {metrics: [hits], baselines: [rarest]}
backend: {engine: counted}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    rows = [f"{i % 7 + 10 * (i % 2)}|{i % 5}|{'ab'[i % 2]}" for i in range(300)]
    (folder / "rows.pipes").write_text("\n".join(["x|y|kind", *rows]) + "\n")
    (folder / "new.pipes").write_text("x|y|kind\n3|1|a\n14|2|b\n")
    return folder


@pytest.mark.slow
def test_each_is_used_from_the_check_to_the_answer(project: Path, mlspec) -> None:
    (project / "project.yaml").write_text(SPEC.replace("NAME", "LOUD"))
    refused = mlspec(project, "validate")
    assert refused.returncode == 2
    assert "error[loud-name]: 'LOUD' is loud" in refused.stderr

    (project / "project.yaml").write_text(SPEC.replace("NAME", "quiet"))
    done = mlspec(project, "run", "--format", "json")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["outcome"] == "passed"
    assert {score["metric"] for score in last["scores"]} == {"hits"}
    assert last["candidates"][0]["model"] == "random_trees"
    assert int((project / "counted").read_text()) == len(last["steps"])

    report = mlspec(project, "report", "--format", "markdown").stdout
    assert all(name in report for name in ("hits", "rarest", "extra"))
    answered = mlspec(project, "predict", "project.yaml", "new.pipes", "--output", "answers.csv")
    assert answered.returncode == 0, answered.stderr
    assert pl.read_csv(project / "answers.csv")["prediction"].to_list() == ["a", "b"]


def test_each_has_its_page_and_its_place_in_the_schema(project: Path, mlspec) -> None:
    done = mlspec(project, "schema")
    assert done.returncode == 0, done.stderr
    schema = done.stdout
    for name in ("pipes", "shift", "halve", "random_trees", "hits", "rarest", "counted"):
        assert f'"{name}"' in schema
    for name, said in {"shift": "Adds a number.", "loud-name": "Instead: write it small."}.items():
        assert said in mlspec(project, "explain", name).stdout


@pytest.mark.slow
def test_each_runs_through_the_suite_of_its_kind(tree: Path, python) -> None:
    done = python(
        tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests/conformance/new_plugins.py"
    )
    assert done.returncode == 0, done.stdout
