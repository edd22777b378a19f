"""Runs side by side: metrics, gates, the spec and the rest."""

from pathlib import Path

import msgspec

from mlspec.plugins.verdict import Verdict
from mlspec.report.facts.run import RunFacts, Score, StepFact
from mlspec.report.runs.comparison import Apart, Changed, ComparedGate, Comparison, compare, encode
from mlspec.report.runs.paired import paired
from mlspec.report.terminal.comparison_text import text

HOSTILE = "x\x1b[31m\u202e\n\ny"


def run(name: str, value: float, verdict: str = "pass", **changes: object) -> RunFacts:
    made = RunFacts(
        id=name,
        project="p",
        spec="project.yaml",
        started="2026-01-01T00:00:00Z",
        seconds=10.0,
        outcome="passed",
        gates=(Verdict(gate="gate.quality.mae", requirement="mae at most 2", verdict=verdict),),  # type: ignore[arg-type]
        scores=(Score(metric="mae", value=value, low=value - 0.1, high=value + 0.1, greater_is_better=False),),
        selected="trees",
    )
    return msgspec.structs.replace(made, **changes)


def test_three_runs_are_distinguished_from_the_first() -> None:
    specs = [{"data": {"seed": 1}, "model": {"a": {"C": c}}, "expect": [{"rows": 3}]} for c in (1.0, 2.0)]
    runs = [run("a", 1.5), run("b", 1.2, "unknown"), run("c", 1.6, environment={"python": "3.12"})]
    told = {
        "b": {"mae": Apart(verdict="better", value=0.3, low=0.1, high=0.5)},
        "c": "the test rows are not the same",
    }
    found = compare(runs, [*specs, specs[0]], lambda _base, other: told[other.id])
    assert found.gates == (
        ComparedGate(
            gate="gate.quality.mae",
            requirements=("mae at most 2",) * 3,
            verdicts=("pass", "unknown", "pass"),
        ),
    )
    assert found.changed == (
        Changed(what="spec", key="model.a.C", values=(1.0, 2.0, 1.0)),
        Changed(what="environment", key="python", values=(None, None, "3.12")),
    )
    assert msgspec.json.decode(encode(found), type=Comparison) == found
    shown = text(found)
    assert "mae     1.50 [1.40, 1.60]  1.20 [1.10, 1.30]  1.60 [1.50, 1.70]  +0.30 [0.10, 0.50]  better  –" in shown
    assert "unknown: the test rows are not the same" in shown
    assert "\x1b[32mbetter\x1b[0m" in text(found, color=True)


def test_a_run_whose_spec_was_not_kept_says_so_and_hostile_names_stay_on_their_line() -> None:
    runs = [run("a", 1.5, selected=HOSTILE, environment={HOSTILE: HOSTILE}), run("b", 1.5)]
    found = compare(runs, [None, {}], lambda _base, _other: HOSTILE)
    assert found.notes == ("the spec of run a was not kept",)
    shown = text(found)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\n\n" + "y" not in shown


def test_without_the_same_rows_or_stored_predictions_nothing_is_said(tmp_path: Path) -> None:
    def made(rows: str, predictions: str) -> RunFacts:
        split = StepFact(id="split", kind="split", action="ran", outputs={"test": rows})
        predict = StepFact(id="predict", kind="predict_test", action="ran", outputs={"predictions": predictions})
        return run("a", 1.0, steps=(split, predict))

    one = made("1" * 64, "2" * 64)
    assert paired(tmp_path, one, made("3" * 64, "2" * 64)) == "the test rows are not the same"
    assert paired(tmp_path, one, made("1" * 64, "4" * 64)) == "the predictions are no longer in the store"
    assert paired(tmp_path, one, run("b", 1.0)) == "a run stopped before it evaluated the test rows"
