"""A run with figures, and one with every part of an evaluation."""

from collections.abc import Callable

import msgspec
import pytest

from mlspec.diagnostics import Place
from mlspec.plugins.verdict import Verdict
from mlspec.report.facts.evaluation_facts import (
    Abstaining,
    ColumnImportance,
    Decisions,
    Estimate,
    EvaluationFacts,
    Fairness,
    Group,
    Importance,
    Partial,
    ReliabilityBin,
    Slice,
    Slicing,
    WorseSlice,
    WorstSlices,
)
from mlspec.report.facts.run import Candidate, DataFacts, Difference, RunFacts, Score, SourceFact

Made = Callable[..., RunFacts]


@pytest.fixture
def facts() -> Made:
    """A run that went well, with what is to be different."""
    return _facts


@pytest.fixture
def evaluated() -> Made:
    """A run with every part of an evaluation, named after something."""
    return _evaluated


def _facts(**changes: object) -> RunFacts:
    score = Score(
        metric="roc_auc",
        value=0.92634,
        low=0.9221,
        high=0.9303,
        level=0.95,
        n=16281,
        baselines={"majority": 0.5},
        differences={"majority": Difference(0.42634, 0.4221, 0.4303)},
    )
    gate = Verdict(
        gate="gate.quality.roc_auc",
        requirement="roc_auc at least 0.9",
        verdict="pass",
        value=0.92634,
        low=0.9221,
        high=0.9303,
        n=16281,
        threshold=0.9,
        place=Place("project.yaml", 13, 5),
    )
    made = RunFacts(
        id="1",
        project="adult",
        spec="project.yaml",
        started="2026-01-01T00:00:00Z",
        seconds=12.0,
        outcome="passed",
        gates=(gate,),
        scores=(score,),
        selected="trees",
        selected_by="roc_auc",
        candidates=(Candidate(name="trees", model="hist_gradient_boosting", selected=True, scores=(score,)),),
        data=DataFacts(sources=(SourceFact(name="people", path="a.csv", format="csv"),), rows={"train": 3, "test": 1}),
    )
    return msgspec.structs.replace(made, **changes)


def _evaluated(name: str) -> RunFacts:
    group = Group(
        values=(name,), rows=40, selection_rate=(10, 40), true_positive_rate=(8, 12), false_positive_rate=(2, 28)
    )
    worse = WorseSlice(columns=(name,), values=(name,), rows=50, mean=0.4, rest=0.1, difference=0.3, low=0.1, high=0.5)
    evaluation = EvaluationFacts(
        selection_reason=f"{name} is simpler",
        differences={name: Estimate(0.01, -0.01, 0.03)},
        calibration="isotonic",
        slices=(
            Slicing(
                (name,), (Slice((name,), 40, {"roc_auc": Estimate(0.9, 0.8, 0.95)}), Slice((f"{name}2",), 3, None))
            ),
        ),
        worst_slices=WorstSlices(error=name, looked_at=12, level=0.95, slices=(worse,)),
        fairness=(
            Fairness(
                metric="equal_opportunity_difference",
                group=(name,),
                minimum_rows=30,
                value=0.1,
                low=0.05,
                high=0.15,
                level=0.95,
                pair=((name,), (name,)),
                too_few=((name,),),
                groups=(group,),
            ),
        ),
        reliability=(ReliabilityBin(predicted=0.2, observed=0.3, low=0.2, high=0.4, n=100),),
        decisions=Decisions(
            threshold=0.17,
            confusion=((90, 10), (5, 15)),
            classes=(name, f"{name}!"),
            costs={"false_positive": 1.0, "false_negative": 5.0},
            cost_curve=((0.0, 0.8), (0.5, 0.3), (1.0, 1.0)),
            abstention=Abstaining(
                curve=((0.9, 0.5, 0.01), (0.5, 1.0, 0.1)),
                below=0.7,
                coverage=Estimate(0.8, 0.7, 0.9, 100),
                risk=Estimate(0.1, 0.05, 0.15, 80),
            ),
        ),
        importance=Importance(
            metric="roc_auc",
            score=0.9,
            rows=100,
            repeats=5,
            columns=(ColumnImportance(name, 0.1, 0.01), ColumnImportance("b", -0.001, 0.002)),
            partial=(Partial("b", (1.0, 2.0), (0.1, 0.2), True), Partial(name, (name, "x"), (0.1, 0.2))),
        ),
    )
    return _facts(evaluation=evaluation)
