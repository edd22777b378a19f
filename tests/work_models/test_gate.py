from pathlib import Path
from typing import Any

import pytest

from mlspec import registry
from mlspec.steps import results
from mlspec.steps.evaluation import gate
from mlspec.steps.job import Job
from mlspec.steps.serving import package_format, size
from mlspec.steps.trust import differential_privacy


def decide(folder: Path, params: dict[str, Any], measured: Any = None, **records: dict[str, Any]) -> dict[str, Any]:
    inputs = {}
    if measured is not None:
        results.write_json(folder / "measured", measured)
        inputs = {"measured": folder / "measured"}
    gate.run(
        Job(
            id="gate.test",
            kind="gate",
            params=params,
            inputs=inputs,
            outputs={"verdict": folder / "verdict"},
            scratch=folder,
            root=folder,
            records=records,
        )
    )
    found = results.read_json(folder / "verdict")
    assert set(found) == {"gate", "requirement", "verdict", "value", "low", "high", "n", "threshold", "reason"}
    assert isinstance(found, dict)
    return found


def quality(value: Any, low: Any, high: Any, n: int = 1000) -> dict[str, Any]:
    found = {"value": value, "low": low, "high": high, "level": 0.95, "n": n, "greater_is_better": True}
    differences = {"majority": {"roc_auc": {"value": value, "low": low, "high": high}}}
    return {"rows": n, "metrics": {"roc_auc": found}, "baselines": {}, "differences": differences}


AT_LEAST = {"of": "quality", "metric": "roc_auc", "at_least": 0.9, "at_most": None}
BEATS = {"of": "quality", "metric": "roc_auc", "beats": "majority", "by": 0.05}


def test_a_good_model_passes_and_a_poor_one_fails(tmp_path: Path) -> None:
    good = decide(tmp_path, AT_LEAST, quality(0.93, 0.91, 0.95))
    assert (good["verdict"], good["requirement"]) == ("pass", "roc_auc at least 0.9")
    poor = decide(tmp_path, AT_LEAST, quality(0.85, 0.82, 0.88))
    assert poor["verdict"] == "fail"
    assert poor["reason"] == "0.85, interval 0.82 to 0.88 over 1,000 rows: the whole interval is below 0.9"


def test_a_good_point_with_a_wide_interval_is_unknown_and_says_how_many_rows_it_takes(tmp_path: Path) -> None:
    found = decide(tmp_path, AT_LEAST, quality(0.91, 0.88, 0.94))
    assert found["verdict"] == "unknown"
    assert found["reason"].endswith("about 9,000 test rows would show that it holds, if the value stays the same")
    found = decide(tmp_path, AT_LEAST, quality(0.89, 0.86, 0.92))
    assert found["reason"].endswith("about 9,000 test rows would show that it fails, if the value stays the same")
    found = decide(tmp_path, AT_LEAST, quality(0.9, 0.86, 0.92))
    assert found["verdict"] == "unknown"
    assert found["reason"].endswith("the value equals the bound, so more rows cannot decide")


@pytest.mark.parametrize("ends", [(None, None, None), (0.99, None, None)])
def test_what_is_not_defined_never_passes(ends: tuple[Any, Any, Any], tmp_path: Path) -> None:
    for params in (AT_LEAST, {**AT_LEAST, "at_least": None, "at_most": 2.0}, BEATS):
        assert decide(tmp_path, params, quality(*ends))["verdict"] == "unknown"


def test_both_bounds_must_hold(tmp_path: Path) -> None:
    both = {**AT_LEAST, "at_least": 0.5, "at_most": 0.9}
    assert decide(tmp_path, both, quality(0.93, 0.91, 0.95))["verdict"] == "fail"
    assert decide(tmp_path, both, quality(0.7, 0.6, 0.8))["verdict"] == "pass"
    assert decide(tmp_path, both, quality(0.88, 0.85, 0.91))["verdict"] == "unknown"


def test_beating_is_decided_on_the_safe_end_of_the_difference(tmp_path: Path) -> None:
    found = decide(tmp_path, BEATS, quality(0.08, 0.051, 0.11))
    assert (found["verdict"], found["requirement"]) == ("pass", "roc_auc beats majority by 0.05")
    assert decide(tmp_path, BEATS, quality(0.08, 0.049, 0.11))["verdict"] == "unknown"
    assert decide(tmp_path, BEATS, quality(0.01, -0.01, 0.03))["verdict"] == "fail"
    equal = decide(tmp_path, {**BEATS, "by": 0.0}, quality(0.0, 0.0, 0.0))
    assert equal["verdict"] != "pass", "as good as the baseline is not better"


def test_abstaining_is_judged_on_who_is_left_to_the_model(tmp_path: Path) -> None:
    def abstention(coverage: Any, risk: Any, n: int = 1000) -> dict[str, Any]:
        parts = {
            name: dict(zip(("value", "low", "high", "n"), (*ends, n), strict=True))
            for name, ends in (("coverage", coverage), ("risk", risk))
        }
        return {"rows": 1000, "decisions": {"abstention": {"curve": [], "below": 0.7, **parts}}}

    enough = {"of": "abstention", "what": "coverage", "at_least": 0.8}
    right = {"of": "abstention", "what": "risk", "at_most": 0.1}
    found = decide(tmp_path, enough, abstention((0.9, 0.88, 0.92), (0.05, 0.03, 0.07)))
    assert (found["verdict"], found["requirement"]) == ("pass", "share of automatic decisions at least 0.8")
    assert decide(tmp_path, enough, abstention((0.7, 0.68, 0.72), (0.05, 0.03, 0.07)))["verdict"] == "fail"
    assert decide(tmp_path, right, abstention((0.9, 0.88, 0.92), (0.05, 0.03, 0.07)))["verdict"] == "pass"
    assert decide(tmp_path, right, abstention((0.9, 0.88, 0.92), (0.15, 0.13, 0.17)))["verdict"] == "fail"
    assert decide(tmp_path, right, abstention((0.01, 0.0, 0.02), (0.05, 0.0, 0.4), 9))["verdict"] == "unknown"
    nobody = decide(tmp_path, right, abstention((0.0, 0.0, 0.01), (None, None, None), 0))
    assert nobody["verdict"] == "unknown", "where all is handed to people nothing is known of the rest"


def test_a_metric_nobody_measured_is_unknown_not_a_pass(tmp_path: Path) -> None:
    for params in ({**AT_LEAST, "metric": "rmse"}, {**BEATS, "beats": "mean"}):
        found = decide(tmp_path, params, quality(1, 1, 1))
        assert (found["verdict"], found["reason"]) == ("unknown", "it was not measured")


def test_latency_is_judged_on_the_interval_of_its_quantile(tmp_path: Path) -> None:
    params = {"of": "latency", "quantile": "p95", "at_most": 0.005}
    measured: dict[str, Any] = {"p95": 0.004, "batch": 1, "n": 400}
    fast = decide(tmp_path, params, {**measured, "intervals": {"p95": [0.0035, 0.0045]}})
    assert (fast["verdict"], fast["requirement"]) == ("pass", "p95 latency of 1 row at most 5ms")
    assert decide(tmp_path, params, {**measured, "intervals": {"p95": [0.0035, 0.0055]}})["verdict"] == "unknown"
    assert decide(tmp_path, params, {**measured, "intervals": {"p95": [0.0035, None]}})["verdict"] == "unknown"
    assert decide(tmp_path, params, {**measured, "intervals": {"p95": [0.0051, None]}})["verdict"] == "fail"


def test_size_is_the_bytes_of_the_whole_package(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "model").mkdir(parents=True)
    (package / "package.json").write_bytes(b"x" * 300)
    (package / "model" / "weights").write_bytes(b"x" * 1200)
    outputs = {"size": tmp_path / "size"}
    size.run(
        Job(id="s", kind="size", params={}, inputs={"model": package}, outputs=outputs, scratch=tmp_path, root=tmp_path)
    )
    measured = results.read_json(tmp_path / "size")
    found = decide(tmp_path, {"of": "size", "at_most": 1500}, measured)
    assert (found["verdict"], found["value"]) == ("pass", 1500)
    found = decide(tmp_path, {"of": "size", "at_most": 1499}, measured)
    assert (found["verdict"], found["reason"]) == ("fail", "1.5kB")


def test_the_budget_counts_every_step(tmp_path: Path) -> None:
    records: dict[str, dict[str, Any]] = {
        "train": {"seconds": 50.0, "peak_memory": 3_000_000_000},
        "select": {"seconds": 11.0, "peak_memory": 1_000_000},
    }
    time = {"of": "budget", "what": "wall_time", "at_most": 60.0}
    memory = {"of": "budget", "what": "memory", "at_most": 4_000_000_000}
    assert decide(tmp_path, time, **records)["verdict"] == "fail"
    assert decide(tmp_path, {**time, "at_most": 61.0}, **records)["verdict"] == "pass"
    assert decide(tmp_path, memory, **records)["verdict"] == "pass"
    assert decide(tmp_path, {**memory, "at_most": 2_000_000_000}, **records)["verdict"] == "fail"
    assert decide(tmp_path, time)["verdict"] == "unknown", "nothing recorded is no pass"
    assert decide(tmp_path, time, train={"peak_memory": 1}, select=records["select"])["verdict"] == "unknown"


def test_a_forbidden_gpu_that_is_used_fails(tmp_path: Path) -> None:
    gpus = {"of": "budget", "what": "gpus", "at_most": 0}
    assert decide(tmp_path, {**gpus, "used": 1})["verdict"] == "fail"
    assert decide(tmp_path, {**gpus, "used": 0})["verdict"] == "pass"


def test_models_of_their_own_must_be_better_on_the_rows_that_they_answer(tmp_path: Path) -> None:
    def personal(value: float | None, low: float | None, high: float | None, groups: int = 3) -> dict[str, Any]:
        gain = {"value": value, "low": low, "high": high}
        return {"personalization": {"metric": "rmse", "groups_with_own": groups, "rows": 500, "gain": gain}}

    asked = {"of": "personalization"}
    assert decide(tmp_path, asked, personal(0.2, 0.1, 0.3))["verdict"] == "pass"
    worse = decide(tmp_path, asked, personal(-0.2, -0.3, -0.1))
    assert worse["verdict"] == "fail"
    assert worse["reason"] == (
        "-0.2 better on the rows of 3 groups, interval -0.3 to -0.1 over 500 rows: the whole interval is below 0"
    )
    assert decide(tmp_path, asked, personal(0.1, -0.1, 0.3))["verdict"] == "unknown"
    assert decide(tmp_path, asked, personal(0.0, 0.0, 0.0))["verdict"] == "unknown"
    assert decide(tmp_path, asked, personal(None, None, None, groups=0))["verdict"] == "pass"


HOUR = {"train.net": {"seconds": 3600.0}, "select": {"seconds": 1800.0}}
PRICED = {"of": "budget", "cpu_hour": 1.0, "gpu_hour": 4.0, "unit": "EUR", "on_gpu": ["train.net"]}
WORSE = {"rows": 900, "metrics": {}, "differences": {"previous": {"f1": {"value": -0.1, "low": -0.2, "high": -0.06}}}}
APART = {"metric": "equal_opportunity_difference", "group": ["sex"], "minimum_rows": 50}
ANSWERS = [
    {"row": {}, "expected": {"answer": "yes"}, "answer": "no", "value": 0.2, "right": False},
    {"row": {}, "expected": {"at_least": 0.1}, "answer": "no", "value": 0.2, "right": True},
]
REJECTED: dict[str, tuple[dict[str, Any], Any, dict[str, dict[str, Any]], str]] = {
    "quality": (AT_LEAST, quality(0.85, 0.82, 0.88), {}, "the whole interval is below 0.9"),
    "guardrail": (
        {"of": "guardrail", "metric": "f1", "tolerance": 0.05},
        WORSE,
        {},
        "the whole interval is below -0.05",
    ),
    "fairness": (
        {"of": "fairness", **APART, "at_most": 0.1},
        {"fairness": [{**APART, "value": 0.2, "low": 0.15, "high": 0.25, "n": 900, "too_few": [],
                       "pair": [["f"], ["m"]]}]},
        {},
        "largest between f and m",
    ),
    "abstention": (
        {"of": "abstention", "what": "coverage", "at_least": 0.9},
        {"decisions": {"abstention": {"coverage": {"value": 0.7, "low": 0.65, "high": 0.75, "n": 900}}}},
        {},
        "the whole interval is below 0.9",
    ),
    "latency": (
        {"of": "latency", "quantile": "p95", "at_most": 0.005},
        {"p95": 0.006, "batch": 1, "n": 400, "intervals": {"p95": [0.0055, 0.007]}},
        {},
        "6ms",
    ),
    "throughput": (
        {"of": "throughput", "at_least": 100_000},
        {"p50": 0.1, "batch": 1000, "n": 40, "intervals": {"p50": [0.09, 0.12]}},
        {},
        "10,000 rows/s",
    ),
    "size": ({"of": "size", "at_most": 1000}, {"bytes": 1001}, {}, "1kB"),
    "serving_memory": ({"of": "serving_memory", "at_most": 10**8}, {"bytes": 2 * 10**8}, {}, "200MB"),
    "examples": ({"of": "examples"}, {"answers": ANSWERS}, {}, "'yes' was expected, the model says 'no' (0.2)"),
    "budget": ({**PRICED, "what": "money", "at_most": 4.0}, None, HOUR, "4.5 EUR"),
    "privacy": (
        {"of": "privacy", "what": "k_anonymity", "columns": ["age", "postcode"], "at_least": 5},
        {"rows": 900, "k_anonymity": {"least": 2, "combinations": 40, "combinations_below": 3, "rows_below": 8}},
        {},
        "3 of 40 combinations have fewer, with 8 of 900 rows",
    ),
    "personalization": (
        {"of": "personalization"},
        {"personalization": {"metric": "rmse", "groups_with_own": 2, "rows": 90,
                             "gain": {"value": -0.2, "low": -0.3, "high": -0.1}}},
        {},
        "the whole interval is below 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("area", registry.names("constraints"))
def test_every_gate_rejects_what_it_must(area: str, tmp_path: Path) -> None:
    params, measured, records, reason = REJECTED[area]
    found = decide(tmp_path, params, measured, **records)
    assert found["verdict"] == "fail"
    assert reason in found["reason"]


def test_hours_on_a_gpu_are_counted_apart(tmp_path: Path) -> None:
    hours = {**PRICED, "what": "gpu_hours"}
    assert decide(tmp_path, {**hours, "at_most": 0.9}, **HOUR)["verdict"] == "fail"
    assert decide(tmp_path, {**hours, "at_most": 1.0}, **HOUR)["verdict"] == "pass"


@pytest.mark.parametrize(
    ("made", "bounds", "verdict", "reason"),
    [
        ({"epsilon": 2.5}, (3, 1e-5), "pass", "epsilon 2.5 at delta 1e-05 (1.25 spent in 10 of 20 steps)"),
        ({"epsilon": 2.5}, (2, 1e-5), "fail", "epsilon 2.5"),
        ({"epsilon": 2.5}, (3, 1e-6), "fail", "epsilon 2.5"),
        (None, (3, 1e-5), "fail", "'net' was not trained with differential privacy"),
        ("blend", (3, 1e-5), "fail", "several models predict"),
    ],
)
def test_a_model_passes_where_its_training_promised_enough(
    made: Any, bounds: tuple[float, float], verdict: str, reason: str, tmp_path: Path
) -> None:
    folder = tmp_path / "package"
    (folder / package_format.MODEL).mkdir(parents=True)
    model = ("torch.mlp", dict[str, Any]())
    about = package_format.About(
        candidate="net",
        model=model,
        columns=(),
        target="y",
        target_type="category",
        task="binary_classification",
        classes=("a", "b"),
        positive="b",
        members=(package_format.Member("net", model, 1.0),) if made == "blend" else None,
    )
    package_format.write_about(folder, about)
    if isinstance(made, dict):
        promise = {"spent": 1.25, "delta": 1e-5, "steps": 10, "planned": 20, "accountant": "rdp", **made}
        results.write_json(folder / package_format.MODEL / package_format.PRIVATE, promise)
    outputs = {"promise": tmp_path / "promise"}
    differential_privacy.run(
        Job(id="m", kind="k", params={}, inputs={"model": folder}, outputs=outputs, scratch=tmp_path, root=tmp_path)
    )
    asked = {"of": "privacy", "what": "differential_privacy", "epsilon": bounds[0], "delta": bounds[1]}
    found = decide(tmp_path, asked, results.read_json(outputs["promise"]))
    assert found["verdict"] == verdict
    assert found["reason"].startswith(reason)
