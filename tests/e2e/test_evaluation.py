"""Decisions, slices and fairness through the command: a small spec with gates that hold, fail and cannot tell."""

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
SPEC = """\
project:
  name: loans
  users: {mistakes: {false_positive: 1, false_negative: 4}, abstain_below: 0.7}
constraints:
  quality:
    - {metric: expected_cost, beats: baseline}
    - {metric: calibration_error, at_most: 0.15}
  fairness:
    - {metric: equal_opportunity_difference, group: sex, at_most: 0.02}
    - {metric: demographic_parity_difference, group: [sex, town], at_most: 0.9}
  abstention: {coverage_at_least: 0.99}
data:
  sources: {people: {path: people.csv}}
  columns: {target: repaid, positive: "yes", sensitive: [sex], drop: [town]}
  split: {test: 0.4, validation: 0.2}
model:
  candidates:
    linear: {type: logistic_regression}
    trees: {type: hist_gradient_boosting, max_iter: 20}
  select: {metric: roc_auc, rule: one_standard_error}
  calibrate: sigmoid
evaluation:
  metrics: [roc_auc, accuracy, calibration_error]
  slices: [sex, [sex, town]]
  worst_slice: true
  importance: true
  confidence: {resamples: 200}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, draw = tmp_path_factory.mktemp("loans"), random.Random(3)
    with open(made / "people.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["income", "debt", "sex", "town", "repaid"])
        for _ in range(3000):
            sex, town = draw.choice("fm"), draw.choices(["north", "south", "isle"], [60, 39, 1])[0]
            income, debt = draw.gauss(3 if sex == "m" else 1.5, 1), draw.gauss(1, 1)
            good = income - debt + draw.gauss(0, 0.8) > (1.2 if sex == "m" else 0.4)
            table.writerow([f"{income:.3f}", f"{debt:.3f}", sex, town, "yes" if good else "no"])
    (made / "project.yaml").write_text(SPEC)
    return made


@pytest.mark.slow
def test_gates_on_decisions_hold_fail_and_own_up_and_the_page_shows_why(folder: Path, mlspec: Mlspec) -> None:
    mlspec("run", cwd=folder, code=1)
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    verdicts = {gate["gate"].removeprefix("gate."): gate["verdict"] for gate in shown["gates"]}
    assert verdicts == {
        "quality.expected_cost.beats.majority": "pass",
        "quality.calibration_error": "pass",
        "fairness.equal_opportunity_difference.sex": "fail",
        "fairness.demographic_parity_difference.sex+town": "unknown",
        "abstention.coverage": "fail",
    }
    evaluation = shown["evaluation"]
    threshold = evaluation["decisions"]["threshold"]
    assert 0.05 < threshold < 0.45
    scores = {score["metric"]: score for score in shown["scores"]}
    assert scores["accuracy"]["threshold"] == scores["expected_cost"]["threshold"] == threshold
    assert scores["roc_auc"]["threshold"] is None
    (no_no, no_yes), (yes_no, yes_yes) = evaluation["decisions"]["confusion"]
    assert scores["accuracy"]["value"] == pytest.approx((no_no + yes_yes) / 1200)
    assert scores["expected_cost"]["value"] == pytest.approx((no_yes + 4 * yes_no) / 1200)
    by_sex, by_both = evaluation["slices"]
    assert sum(part["rows"] for part in by_sex["slices"]) == sum(part["rows"] for part in by_both["slices"]) == 1200
    assert {tuple(part["values"]) for part in by_both["slices"] if part["metrics"] is None} == {
        ("f", "isle"),
        ("m", "isle"),
    }
    assert shown["selected"] == "linear"
    assert evaluation["selection_reason"].startswith("linear is ")
    assert {entry["column"] for entry in evaluation["importance"]["columns"]} == {"income", "debt"}
    assert evaluation["importance"]["columns"][0]["value"] > 0.05
    page = mlspec("report", cwd=folder).stdout
    for text in (
        "Calibration",
        "Cost of errors",
        "Abstention (risk-coverage curve)",
        "too few rows",
        "Slices with the most errors",
        "By sex and town",
    ):
        assert text in page


@pytest.mark.slow
def test_predict_decides_by_the_threshold_and_says_who_goes_to_a_person(folder: Path, mlspec: Mlspec) -> None:
    mlspec("run", cwd=folder, code=1)
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    threshold = shown["evaluation"]["decisions"]["threshold"]
    rows = list(csv.DictReader(mlspec("predict", ".", "people.csv", cwd=folder).stdout.splitlines()))
    assert len(rows) == 3000
    chances = [float(row["p_yes"]) for row in rows]
    assert [row["prediction"] == "yes" for row in rows] == [chance >= threshold for chance in chances]
    assert [row["to_person"] == "true" for row in rows] == [max(chance, 1 - chance) < 0.7 for chance in chances]
    between = [row for row, chance in zip(rows, chances, strict=True) if threshold <= chance < 0.5]
    assert between, "some rows are called positive that the most probable class would not be"


@pytest.mark.slow
def test_a_recall_that_no_threshold_reaches_fails_at_its_line(folder: Path, mlspec: Mlspec) -> None:
    impossible = "project.users.mistakes={false_positive: 1, recall: {at_least: 1.0}, precision: {at_least: 1.0}}"
    done = mlspec("run", "--set", impossible, cwd=folder, code=3)
    assert "no threshold reaches recall 1 and precision 1 on the 600 validation rows" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
