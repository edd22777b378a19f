"""Every constraint of ours runs through the suite that others' inherit."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlspec import registry
from mlspec.constraints.abstention import Abstention
from mlspec.constraints.budget import Budget, Money
from mlspec.constraints.examples import Examples
from mlspec.constraints.fairness import Fairness
from mlspec.constraints.guardrail import Guardrail
from mlspec.constraints.latency import Latency
from mlspec.constraints.personalization import Personalization
from mlspec.constraints.privacy import DifferentialPrivacy, KAnonymity, LDiversity, Membership, Privacy
from mlspec.constraints.quality import Quality
from mlspec.constraints.size import Size
from mlspec.constraints.throughput import Throughput
from mlspec.plugins.constraint import Computing
from mlspec.testing.constraints import CONTEXT, Case, ConstraintSuite, Evidence

Params = Mapping[str, Any]


def exactly(value: float) -> dict[str, float]:
    return {"value": value, "low": value, "high": value, "n": 900}


def metrics(value: float, params: Params) -> Evidence:
    return Evidence(measured={"rows": 900, "metrics": {params["metric"]: exactly(value)}})


def gain(value: float, params: Params) -> Evidence:
    differences = {params.get("beats", "previous"): {params["metric"]: exactly(value)}}
    return Evidence(measured={"rows": 900, "differences": differences})


class TestQuality(ConstraintSuite):
    name = "quality"

    def cases(self) -> Iterator[Case]:
        least = Quality(metric="roc_auc", at_least=0.9)
        yield Case(constraint=least, key=("at_least",), at=0.9, worse=0.89, evidence=metrics)
        most = Quality(metric="log_loss", at_most=0.5)
        yield Case(constraint=most, key=("at_most",), at=0.5, worse=0.51, evidence=metrics)
        beats = Quality(metric="roc_auc", beats="majority", by=0.05)
        yield Case(constraint=beats, key=("by",), at=0.05, worse=0.04, evidence=gain)


class TestGuardrail(ConstraintSuite):
    name = "guardrail"

    def cases(self) -> Iterator[Case]:
        stated = Guardrail(metric="f1", tolerance=0.02)
        yield Case(
            constraint=stated,
            key=("tolerance",),
            at=0.02,
            worse=0.03,
            evidence=lambda lost, params: gain(-lost, params),
        )


class TestPersonalization(ConstraintSuite):
    name = "personalization"

    def cases(self) -> Iterator[Case]:
        def evidence(value: float, _: Params) -> Evidence:
            found = {"metric": "rmse", "groups_with_own": 3, "rows": 90, "gain": exactly(value)}
            return Evidence(measured={"personalization": found})

        yield Case(constraint=Personalization(), at=0.01, worse=-0.01, evidence=evidence)


class TestFairness(ConstraintSuite):
    name = "fairness"

    def cases(self) -> Iterator[Case]:
        def evidence(value: float, params: Params) -> Evidence:
            asked = {key: params[key] for key in ("metric", "group", "minimum_rows")}
            return Evidence(measured={"fairness": [{**asked, **exactly(value), "too_few": [], "pair": [["f"], ["m"]]}]})

        least = Fairness(metric="demographic_parity_ratio", group=("sex",), at_least=0.8)
        yield Case(constraint=least, key=("at_least",), at=0.8, worse=0.7, evidence=evidence)
        most = Fairness(metric="equal_opportunity_difference", group=("sex",), at_most=0.1)
        yield Case(constraint=most, key=("at_most",), at=0.1, worse=0.2, evidence=evidence)


class TestAbstention(ConstraintSuite):
    name = "abstention"

    def cases(self) -> Iterator[Case]:
        def evidence(value: float, params: Params) -> Evidence:
            return Evidence(measured={"decisions": {"abstention": {params["what"]: exactly(value)}}})

        coverage = Abstention(coverage_at_least=0.8)
        yield Case(constraint=coverage, key=("coverage_at_least",), at=0.8, worse=0.7, evidence=evidence)
        risk = Abstention(risk_at_most=0.1)
        yield Case(constraint=risk, key=("risk_at_most",), at=0.1, worse=0.2, evidence=evidence)


class TestExamples(ConstraintSuite):
    name = "examples"

    def cases(self) -> Iterator[Case]:
        def evidence(right: bool, _: Params) -> Evidence:
            answer = {"row": {}, "expected": {"answer": "yes"}, "answer": "no", "value": 0.2, "right": right}
            return Evidence(measured={"answers": [answer]})

        yield Case(constraint=Examples(), at=True, worse=False, evidence=evidence)


class TestLatency(ConstraintSuite):
    name = "latency"

    def cases(self) -> Iterator[Case]:
        def evidence(value: float, params: Params) -> Evidence:
            name = params["quantile"]
            return Evidence(measured={name: value, "batch": 1, "n": 400, "intervals": {name: [value, value]}})

        for key in ("p50", "p95", "p99"):
            yield Case(constraint=Latency(**{key: 0.005}), key=(key,), at=0.005, worse=0.006, evidence=evidence)


class TestThroughput(ConstraintSuite):
    name = "throughput"

    def cases(self) -> Iterator[Case]:
        def evidence(value: float, _: Params) -> Evidence:
            took = 1000 / value
            return Evidence(measured={"p50": took, "batch": 1000, "n": 40, "intervals": {"p50": [took, took]}})

        stated = Throughput(rows_per_second=500.0)
        yield Case(constraint=stated, key=("rows_per_second",), at=500.0, worse=250.0, evidence=evidence)


class TestSize(ConstraintSuite):
    name = "size"

    def cases(self) -> Iterator[Case]:
        def evidence(value: int, _: Params) -> Evidence:
            return Evidence(measured={"bytes": value})

        for key in ("model", "memory"):
            yield Case(constraint=Size(**{key: 1000}), key=(key,), at=1000, worse=1200, evidence=evidence)


class TestBudget(ConstraintSuite):
    name = "budget"

    def cases(self) -> Iterator[Case]:
        def records(on_gpu: tuple[str, ...] = (), **taken: float) -> Evidence:
            computing = Computing(gpus=len(on_gpu), on_gpu=on_gpu, shares=dict.fromkeys(on_gpu, 1))
            return Evidence(records={"train": taken}, computing=computing)

        def time(value: float, _: Params) -> Evidence:
            return records(seconds=value)

        yield Case(constraint=Budget(wall_time=60.0), key=("wall_time",), at=60.0, worse=61.0, evidence=time)

        def memory(value: float, _: Params) -> Evidence:
            return records(peak_memory=value)

        yield Case(constraint=Budget(memory=1000), key=("memory",), at=1000, worse=1200, evidence=memory)

        def gpus(value: int, _: Params) -> Evidence:
            return records(tuple(f"train.{number}" for number in range(value)))

        yield Case(constraint=Budget(gpus=0), key=("gpus",), at=0, worse=1, evidence=gpus)

        def hours(value: float, _: Params) -> Evidence:
            return records(("train",), seconds=value * 3600)

        yield Case(constraint=Budget(gpu_hours=2.0), key=("gpu_hours",), at=2.0, worse=3.0, evidence=hours)

        def cost(value: float, _: Params) -> Evidence:
            return records(seconds=value * 3600)

        priced = Budget(money=Money(at_most=4.0, cpu_hour=1.0))
        yield Case(constraint=priced, key=("money", "at_most"), at=4.0, worse=5.0, evidence=cost)

        # The price that just pays for the hours: a lower one lets more through.
        def cpu_price(value: float, params: Params) -> Evidence:
            return records(seconds=params["at_most"] / value * 3600)

        by_cpu = Budget(money=Money(at_most=4.0, cpu_hour=4.0))
        yield Case(constraint=by_cpu, key=("money", "cpu_hour"), at=4.0, worse=2.0, evidence=cpu_price)

        def gpu_price(value: float, params: Params) -> Evidence:
            return records(("train",), seconds=params["at_most"] / value * 3600)

        by_gpu = Budget(money=Money(at_most=4.0, gpu_hour=4.0))
        yield Case(constraint=by_gpu, key=("money", "gpu_hour"), at=4.0, worse=2.0, evidence=gpu_price)


class TestPrivacy(ConstraintSuite):
    name = "privacy"

    def cases(self) -> Iterator[Case]:
        def cells(value: int, _: Params) -> Evidence:
            return Evidence(measured={"rows": 900, "identifiers": {"note": {"email": value}} if value else {}})

        yield Case(constraint=Privacy(direct_identifiers="forbid"), at=0, worse=1, evidence=cells)

        def rows(value: int, params: Params) -> Evidence:
            below = int(value < params["at_least"])
            found = {"least": value, "combinations": 40, "combinations_below": below, "rows_below": 8}
            return Evidence(measured={"rows": 900, params["what"]: found})

        anonymous = Privacy(k_anonymity=KAnonymity(columns=("age",), k=5))
        yield Case(constraint=anonymous, key=("k_anonymity", "k"), at=5, worse=4, evidence=rows)
        diverse = Privacy(l_diversity=LDiversity(columns=("age",), sensitive="illness", l=3))
        yield Case(constraint=diverse, key=("l_diversity", "l"), at=3, worse=2, evidence=rows)

        def attack(value: float, _: Params) -> Evidence:
            return Evidence(measured=exactly(value))

        hidden = Privacy(membership=Membership(at_most=0.55))
        yield Case(constraint=hidden, key=("membership", "at_most"), at=0.55, worse=0.6, evidence=attack)

        def trained(**promised: float) -> Evidence:
            about = {"spent": 1.0, "steps": 10, "planned": 20, "accountant": "rdp"}
            return Evidence(measured={"promise": {**about, "epsilon": 1.0, "delta": 1e-6, **promised}})

        private = Privacy(differential_privacy=DifferentialPrivacy(epsilon=3.0, delta=1e-5))
        key = "differential_privacy"
        yield Case(
            constraint=private, key=(key, "epsilon"), at=3.0, worse=4.0, evidence=lambda at, _: trained(epsilon=at)
        )
        yield Case(
            constraint=private, key=(key, "delta"), at=1e-5, worse=1e-4, evidence=lambda at, _: trained(delta=at)
        )


def test_every_constraint_runs_through_the_suite() -> None:
    suites = [kind() for kind in ConstraintSuite.__subclasses__()]
    decided = {
        check.of or suite.name
        for suite in suites
        for case in suite.cases()
        for check in case.constraint.checks(CONTEXT)
    }
    assert decided == set(registry.names("constraints"))
