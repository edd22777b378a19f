"""What each constraint asks to be measured, and what it says of figures: exactly."""

import math
from typing import Any

import pytest

from mlspec.constraints.budget import Budget, Money
from mlspec.constraints.examples import Examples
from mlspec.constraints.fairness import Fairness
from mlspec.constraints.latency import Latency
from mlspec.constraints.quality import Quality
from mlspec.diagnostics import Hint
from mlspec.plugins.constraint import Check, Computing, Context, Mistake
from mlspec.plugins.verdict import Verdict, by_value, seconds, size
from mlspec.steps.evaluation.intervals import percentiles

CONTEXT = Context(baselines={"majority": "", "rate": "log_loss"}, confidence={"level": 0.95}, abstains=False)


def test_quality_gates_are_one_for_the_bounds_and_one_for_each_baseline() -> None:
    def asked(**keys: Any) -> list[tuple[str, dict[str, Any]]]:
        return [(one.name, dict(one.params)) for one in Quality(metric="roc_auc", **keys).checks(CONTEXT)]

    bounds = ("roc_auc", {"metric": "roc_auc", "at_least": 0.9, "at_most": None})
    beats = ("roc_auc.beats.majority", {"metric": "roc_auc", "beats": "majority", "by": 0.1})
    assert asked(at_least=0.9) == [bounds]
    assert asked(beats="majority", by=0.1) == [beats]
    assert asked(at_least=0.9, beats="baseline", by=0.1) == [bounds, beats], "only baselines that fit the metric"
    assert Quality(metric="roc_auc").label() == "roc_auc"
    assert Quality(metric="roc_auc", beats="majority").label() == "roc_auc beats majority"
    assert Quality(metric="roc_auc").metrics() == {("metric",): "roc_auc"}


def test_fairness_compares_groups_of_the_test_rows() -> None:
    stated = Fairness(metric="equal_opportunity_difference", group=("sex", "age"), at_most=0.1, minimum_rows=50)
    (check,) = stated.checks(CONTEXT)
    asked = {"metric": "equal_opportunity_difference", "group": ["sex", "age"], "minimum_rows": 50}
    assert (check.name, check.params) == (
        "equal_opportunity_difference.sex+age",
        {**asked, "at_least": None, "at_most": 0.1},
    )
    assert (check.reads.step, check.reads.output, check.reads.kind) == ("evaluate", "metrics", "")
    assert (check.reads.params, check.reads.inputs) == ({"fairness": [asked]}, {"test": ("split", "test")})
    assert stated.columns() == {("group",): ("sex", "age")}


@pytest.mark.parametrize(
    ("metric", "keys", "found"),
    [
        ("demographic_parity_difference", {"at_most": 0.1}, None),
        ("demographic_parity_ratio", {"at_least": 0.8}, None),
        ("demographic_parity_difference", {"at_least": 0.1}, ("smaller difference", "at_least", "at_most")),
        ("demographic_parity_ratio", {"at_most": 0.8}, ("greater ratio", "at_most", "at_least")),
    ],
)
def test_a_fairness_bound_in_the_wrong_direction(
    metric: str, keys: dict[str, float], found: tuple[str, str, str] | None
) -> None:
    expected = []
    if found is not None:
        better, wrong, right = found
        message = f"a {better} is fairer, but this gate requires the opposite"
        label = Hint(f"did you mean '{right}'?", (right,))
        expected = [Mistake(message=message, label=label, at=(wrong,), key=True)]
    assert list(Fairness(metric=metric, group=("sex",), **keys).mistakes(CONTEXT)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("metric", "right"), [("parity_difference", "at_most"), ("parity_ratio", "at_least")])
def test_a_fairness_gate_without_a_bound(metric: str, right: str) -> None:
    found = list(Fairness(metric=f"demographic_{metric}", group=("sex",)).mistakes(CONTEXT))
    assert found == [Mistake(message="this gate has no bound", label=f"add {right}")]


def fairness(**found: Any) -> Verdict:
    asked = {"metric": "m_difference", "group": ["sex"], "minimum_rows": 30}
    entry = {**asked, "n": 900, "value": 0.02, "low": 0.01, "high": 0.03, "pair": [["f"], ["m"]], "too_few": []}
    return Fairness.decide({**asked, "at_most": 0.1}, {"fairness": [{**entry, **found}]}, {})


def test_a_fairness_verdict_says_which_groups_and_which_are_too_small() -> None:
    shown = "0.02, interval 0.01 to 0.03 over 900 rows (largest between f and m)"
    assert (fairness().verdict, fairness().reason) == ("pass", shown)
    few = fairness(too_few=[["x"]])
    assert (few.verdict, few.reason) == (
        "unknown",
        f"too few rows to judge x (fewer than 30); the others: {shown}",
    )
    many = fairness(too_few=[[letter] for letter in "abcdef"])
    assert many.reason.startswith("too few rows to judge a; b; c; d; e and others (fewer than 30)")
    none = {"value": None, "low": None, "high": None, "pair": None}
    assert fairness(**none).reason == "there are no two groups to compare"
    assert fairness(**none, too_few=[["x"]]).reason == "too few rows to judge x (fewer than 30)"


def test_latency_is_measured_once_for_all_quantiles() -> None:
    checks = list(Latency(p50=0.01, p99=0.1, batch=8).checks(CONTEXT))
    assert [(one.name, one.at, one.params) for one in checks] == [
        ("p50", ("p50",), {"quantile": "p50", "at_most": 0.01}),
        ("p99", ("p99",), {"quantile": "p99", "at_most": 0.1}),
    ]
    for one in checks:
        assert (one.reads.step, one.reads.output, one.reads.kind) == ("measure.latency", "latency", "latency")
        assert one.reads.params == {"batch": 8}
        assert one.reads.inputs == {"model": ("select", "model"), "test": ("split", "test")}
    assert Latency.unit({}) == "s"


@pytest.mark.parametrize(
    ("ends", "verdict", "reason"),
    [
        ((0.002, 0.004), "pass", "3ms, interval 2ms to 4ms over 400 requests"),
        ((None, 0.004), "pass", "3ms, interval 0 to 4ms over 400 requests"),
        ((0.002, None), "unknown", "3ms, interval 2ms to unbounded over 400 requests, includes 5ms"),
        ((0.002, 0.006), "unknown", "3ms, interval 2ms to 6ms over 400 requests, includes 5ms"),
        ((0.006, None), "fail", "3ms, interval 6ms to unbounded over 400 requests"),
    ],
)
def test_latency_by_the_interval_of_the_quantile(
    ends: tuple[float | None, float | None], verdict: str, reason: str
) -> None:
    measured = {"p95": 0.003, "n": 400, "batch": 1, "intervals": {"p95": list(ends)}}
    found = Latency.decide({"quantile": "p95", "at_most": 0.005}, measured, {})
    assert (found.verdict, found.reason) == (verdict, reason)
    assert (found.value, found.low, found.high, found.n, found.threshold) == (0.003, *ends, 400, 0.005)
    assert found.requirement == "p95 latency of 1 row at most 5ms"


def test_latency_that_nothing_measured_is_unknown() -> None:
    found = Latency.decide({"quantile": "p95", "at_most": 0.0}, {}, {})
    assert (found.verdict, found.requirement) == ("unknown", "p95 latency at most 0us")


BUDGET = Budget(wall_time=60, memory=1e9, gpus=1, gpu_hours=2, money=Money(at_most=9, cpu_hour=1, unit="EUR"))


def test_a_budget_is_a_gate_for_each_bound() -> None:
    prices = {"cpu_hour": 1, "gpu_hour": 0.0, "unit": "EUR"}
    assert list(BUDGET.checks(CONTEXT)) == [
        Check(name="wall_time", at=("wall_time",), params={"what": "wall_time", "at_most": 60}),
        Check(name="memory", at=("memory",), params={"what": "memory", "at_most": 1e9}),
        Check(name="gpus", at=("gpus",), params={"what": "gpus", "at_most": 1}),
        Check(name="gpu_hours", at=("gpu_hours",), params={"what": "gpu_hours", "at_most": 2}),
        Check(name="money", at=("money",), params={"what": "money", "at_most": 9, **prices}),
    ]
    assert [Budget.unit({"what": what}) for what in ("wall_time", "memory", "gpus")] == ["s", "bytes", ""]


def test_a_budget_knows_what_runs_on_how_many_gpus() -> None:
    several = Computing(gpus=2, on_gpu=("train.a",), shares={"train.a": 2})
    single = Computing(gpus=1, on_gpu=("train.a",), shares={"train.a": 1})
    assert Budget.planned({"what": "gpus"}, several) == {"what": "gpus", "used": 2}
    assert Budget.planned({"what": "memory"}, several) == {"what": "memory"}
    assert Budget.planned({"what": "money"}, several) == {
        "what": "money",
        "on_gpu": ["train.a"],
        "gpus": {"train.a": 2},
    }
    assert Budget.planned({"what": "gpu_hours"}, single) == {"what": "gpu_hours", "on_gpu": ["train.a"]}


RECORDS = {"train.a": {"seconds": 1800.0, "peak_memory": 500}, "train.b": {"seconds": 7200.0, "peak_memory": 900}}


@pytest.mark.parametrize(
    ("params", "verdict", "value", "requirement", "reason"),
    [
        ({"what": "wall_time", "at_most": 9000.0}, "pass", 9000.0, "time of all steps at most 150m", "150m"),
        ({"what": "memory", "at_most": 899}, "fail", 900, "peak memory of a step at most 899B", "900B"),
        ({"what": "gpu_hours", "at_most": 1.0}, "pass", 1.0, "at most 1 GPU hours", "1 GPU hours"),
        (
            {"what": "money", "at_most": 6.9, "cpu_hour": 0.5, "gpu_hour": 6.0, "unit": "EUR"},
            "fail",
            7.0,
            "cost at most 6.9 EUR",
            "7 EUR",
        ),
        (
            {"what": "money", "at_most": 7, "cpu_hour": 0.5, "gpu_hour": 6.0, "unit": ""},
            "pass",
            7.0,
            "cost at most 7",
            "7",
        ),
    ],
)
def test_a_budget_by_the_records_of_the_steps(
    params: dict[str, Any], verdict: str, value: float, requirement: str, reason: str
) -> None:
    params = {**params, "on_gpu": ["train.a"], "gpus": {"train.a": 2}}
    found = Budget.decide(params, {}, RECORDS)
    assert (found.verdict, found.value, found.requirement, found.reason) == (verdict, value, requirement, reason)
    for records in ({}, {**RECORDS, "train.c": {}}):
        open_ = Budget.decide(params, {}, records)
        assert (open_.verdict, open_.requirement, open_.reason) == ("unknown", requirement, "it was not recorded")


def test_a_bound_on_gpus_by_what_the_plan_uses() -> None:
    found = Budget.decide({"what": "gpus", "at_most": 1, "used": 2}, {}, {})
    assert (found.verdict, found.requirement, found.reason) == ("fail", "at most 1 GPUs", "2 GPUs")
    assert Budget.decide({"what": "gpus", "at_most": 1}, {}, {}).verdict == "unknown"


def test_examples_say_what_was_expected_and_what_the_model_says() -> None:
    expected = [{"answer": "yes"}, {"at_least": 0.5, "at_most": 0.75}]
    answers = [
        {"right": n == 0, "expected": expected[n % 2], "answer": "no" if n % 2 == 0 else None, "value": 0.25}
        for n in range(8)
    ]

    def found(count: int) -> Verdict:
        return Examples.decide({}, {"answers": answers[:count]}, {})

    assert (found(1).verdict, found(1).value, found(1).requirement) == ("pass", 1, "1 example answered as expected")
    first = "example 2: at least 0.5 and at most 0.75 was expected, the model says 0.25"
    second = "example 3: 'yes' was expected, the model says 'no' (0.25)"
    assert found(3).reason == f"{first}; {second}"
    assert found(6).reason.count("example") == 5
    assert "more" not in found(6).reason
    assert found(8).reason.endswith("; and 2 more")
    assert (found(8).verdict, found(8).value, found(8).n) == ("fail", 1, 8)


def test_a_note_replaces_the_reason_only_where_there_is_no_interval() -> None:
    params = {"metric": "f1", "beats": "previous", "by": 0.0}

    def reason(low: float | None, notes: dict[str, str]) -> str:
        difference = {"value": 0.1, "low": low, "high": None if low is None else 0.2}
        measured = {"rows": 90, "differences": {"previous": {"f1": difference}}, "notes": notes}
        return Quality.decide(params, measured, {}).reason

    assert reason(None, {"previous": "no accepted run"}) == "no accepted run"
    assert reason(None, {}) == "90 rows are too few for an interval"
    assert reason(0.05, {"previous": "no accepted run"}).startswith(
        "0.1 better than the baseline, interval 0.05 to 0.2"
    )


def test_figures_with_their_units() -> None:
    assert [seconds(x) for x in (9.9e-4, 1e-3, 0.999, 1.0, 119.0, 120.0)] == [
        "990us",
        "1ms",
        "999ms",
        "1s",
        "119s",
        "2m",
    ]
    assert [size(x) for x in (999, 1000, 1.5e6, 2e9)] == ["999B", "1kB", "1.5MB", "2GB"]


def test_a_figure_on_its_bound_passes_and_one_that_is_no_number_does_not() -> None:
    assert by_value("x", 2.0, 2.0) == Verdict(
        requirement="x", verdict="pass", value=2.0, low=2.0, high=2.0, threshold=2.0, reason="2"
    )
    assert by_value("x", 2.5, 2.0).verdict == "fail"
    assert by_value("x", math.nan, 2.0).verdict == "unknown"


def test_an_interval_is_the_middle_of_the_replicates() -> None:
    numpy = pytest.importorskip("numpy")
    replicates = numpy.arange(101.0)
    assert percentiles(replicates, 0.9) == pytest.approx((5.0, 95.0))
    assert percentiles(numpy.full(10, numpy.nan), 0.9) is None
