"""What a plan promises, and the reasons it gives."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Step
from mlspec.spec.data import Split


def actions(plan: Any) -> dict[str, str]:
    return {step_id: planned.action for step_id, planned in plan.steps.items()}


def reasons(plan: Any, step_id: str) -> tuple[str, ...]:
    found: tuple[str, ...] = plan.steps[step_id].reasons
    return found


def test_at_first_everything_is_new_and_afterwards_nothing_is_left(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    first = bench.plan(graph)
    assert first.steps["source.people"].action == "runs"
    assert reasons(first, "source.people") == ("never ran",)
    assert reasons(first, "predict") == ("never ran", "waits for refit")
    assert first.pending()
    assert bench.run(graph) == set(graph.steps)
    second = bench.plan(graph)
    assert set(actions(second).values()) == {"cached"}
    assert not second.pending()
    assert second.steps["select"].outputs is not None
    assert bench.run(graph) == set()


def test_an_empty_store_makes_waiting_steps_certain(bench: Any, project: Callable[..., Any]) -> None:
    plan = bench.plan(bench.compile(project()), known=True)
    # The candidates' scores are one piece of work; with equal predictions the second would find the first's result.
    assert {step_id for step_id, action in actions(plan).items() if action != "runs"} == {
        "evaluate.linear",
        "evaluate.trees",
    }
    assert reasons(plan, "evaluate.trees")[-1] == "runs unless it reads the same as evaluate.linear"


@pytest.mark.parametrize(
    ("change", "step", "expected"),
    [
        ({"split": Split(seed=3)}, "split", ("parameter seed: 0 -> 3",)),
        ({"seed": 9}, "train.trees", ("parameter seed: 0 -> 9",)),
        ({"metrics": ("roc_auc",)}, "evaluate.linear", None),
        ({"columns": {"sensitive": ()}}, "prepare.trees", None),
    ],
)
def test_reasons_name_what_changed(
    bench: Any, project: Callable[..., Any], change: dict[str, Any], step: str, expected: tuple[str, ...] | None
) -> None:
    bench.run(bench.compile(project()))
    plan = bench.plan(bench.compile(project(**change)))
    assert plan.steps[step].action == "runs"
    if expected is None:
        assert all(reason.startswith("parameter ") for reason in reasons(plan, step)), reasons(plan, step)
    else:
        assert reasons(plan, step) == expected


def test_a_changed_setting_is_reported_by_its_own_name(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    def made(dropout: float) -> Any:
        candidates = {
            "mlp": use("models", "torch.mlp", dropout=dropout),
            "trees": use("models", "hist_gradient_boosting"),
        }
        return bench.compile(project(candidates=candidates))

    bench.run(made(0.1))
    plan = bench.plan(made(0.25))
    assert reasons(plan, "train.mlp") == ("parameter dropout: 0.1 -> 0.25",)
    assert reasons(plan, "predict.mlp") == ("parameter dropout: 0.1 -> 0.25", "waits for train.mlp")
    assert reasons(plan, "select")[0] == "parameter candidates.mlp.dropout: 0.1 -> 0.25"
    assert actions(plan)["train.trees"] == "cached"
    assert actions(plan)["evaluate.mlp"] == "may run"


def test_reasons_for_code_environment_files_and_lost_results(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    bench.run(graph)

    def planned(step_id: str, **changes: Any) -> Any:
        steps = dict(graph.steps)
        steps[step_id] = replace(steps[step_id], **changes)
        return bench.plan(graph.replace(steps))

    split = graph.steps["split"]
    now = split.code["split"]
    assert reasons(planned("split", code=split.code | {"split": "99"}), "split") == (f"code of split: {now} -> 99",)
    old = split.environment["numpy"]
    changed = planned("split", environment=split.environment | {"numpy": "9.9"})
    assert reasons(changed, "split") == (f"numpy: {old} -> 9.9",)
    (bench.root / "people.csv").write_text("age,job,sex,weight,income\n7,a,m,2.0,high\n")
    assert reasons(bench.plan(bench.compile(project())), "source.people") == ("file people.csv changed",)
    bench.stored.clear()
    assert reasons(bench.plan(graph), "source.people") == ("result is missing from the store",)


def test_an_input_that_changed_is_named(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    bench.run(graph)
    # Someone else has made the split of the new seed already: what follows it still has to be made here.
    after = bench.compile(project(split=Split(seed=3)))
    remembered = dict(bench.previous)
    bench.run(after.replace({step_id: after.steps[step_id] for step_id in ("source.people", "expect", "split")}))
    bench.previous = remembered
    plan = bench.plan(after)
    assert actions(plan)["split"] == "cached"
    assert reasons(plan, "prepare.linear") == ("input train changed", "input validation changed")


def test_an_equal_result_upstream_stops_the_run(bench: Any, project: Callable[..., Any]) -> None:
    bench.content = lambda step, digests, output: repr((step.kind, sorted(digests.items()), output))
    bench.run(bench.compile(project()))
    (bench.root / "people.csv").write_text("age,job,sex,weight,income\n1,a,m,2.0,high\n\n")
    graph = bench.compile(project())
    plan = bench.plan(graph)
    assert actions(plan)["source.people"] == "runs"
    assert set(actions(plan).values()) == {"runs", "may run"}
    assert bench.run(graph) == {"source.people"}


def test_a_step_that_waits_may_do_the_work_of_one_that_does_not(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    """With models that come out equal whatever they are made of, the evaluation of one serves the other."""
    bench.content = lambda step, digests, output: repr((step.kind, output))

    def made(metrics: tuple[str, ...], **dropout: float) -> Any:
        candidates = {name: use("models", "torch.mlp", dropout=value) for name, value in dropout.items()}
        return bench.compile(project(candidates=candidates, metrics=metrics))

    bench.run(made(("roc_auc",), a=0.1, b=0.1))
    after = made(("roc_auc", "brier"), a=0.2, b=0.1)
    plan = bench.plan(after)
    assert actions(plan)["evaluate.b"] == "may run"
    assert reasons(plan, "evaluate.b")[-1] == "runs unless evaluate.a reads the same"
    assert len(bench.run(after) & {"evaluate.a", "evaluate.b"}) == 1


def test_times_come_from_earlier_runs_or_are_unknown(bench: Any, project: Callable[..., Any]) -> None:
    plan = bench.plan(bench.compile(project()), seconds={"split": 1.5})
    assert plan.steps["split"].seconds == 1.5
    assert plan.steps["select"].seconds is None


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_planned_steps_hold_the_executed_ones(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any], data: st.DataObject
) -> None:
    """Over random edits, with work whose result does not depend on all that it reads: what is executed was planned as
    'runs' or 'may run', and every 'runs' is executed."""
    bench.stored, bench.identities, bench.previous = {}, set(), {}
    blind = data.draw(st.sets(st.sampled_from(sorted(KINDS)), max_size=6))

    def content(step: Step, digests: dict[str, str], output: str) -> str:
        read = () if step.kind in blind else (step.params, step.files, sorted(digests.items()))
        return repr((step.kind, output, read))

    bench.content = content
    known = data.draw(st.booleans())
    for _edit in range(data.draw(st.integers(1, 5))):
        names = data.draw(st.sets(st.sampled_from("abcd"), min_size=1, max_size=3))
        made = project(
            candidates={
                name: use("models", "torch.mlp", dropout=data.draw(st.sampled_from([0.1, 0.2])))
                for name in sorted(names)
            },
            seed=data.draw(st.integers(0, 1)),
            split=Split(seed=data.draw(st.integers(0, 1))),
            metrics=data.draw(st.sampled_from([("roc_auc",), ("roc_auc", "brier")])),
            goal=data.draw(st.text(max_size=5)),
            columns={"sensitive": data.draw(st.sampled_from([(), ("sex",)]))},
        )
        graph = bench.compile(made)
        plan = bench.plan(graph, known=known)
        certain = {step_id for step_id, action in actions(plan).items() if action == "runs"}
        possible = {step_id for step_id, action in actions(plan).items() if action != "cached"}
        executed = bench.run(graph)
        assert certain <= executed <= possible
        assert not bench.plan(graph).pending()


@pytest.mark.parametrize(
    ("before", "gone", "expected"),
    [
        ({"kind": "cut"}, "", ("kind: cut -> split",)),
        ({"inputs": {"old": "0" * 64}}, "", ("input old is gone",)),
        ({"inputs": {"table.people": "0" * 64}}, "", ("input table.people changed",)),
        ({}, "verdict", ("input verdict is new",)),
        ({"files": {"gone.csv": "1" * 64}}, "", ("file gone.csv changed",)),
        ({"code": {"old": "1", "split": "0"}}, "", ("code of split: 0 -> CODE",)),
        ({"code": {"old": "7"}}, "", ("code of old: 7 -> none",)),
        ({"code": {"old": "7"}}, "verdict", ("input verdict is new",)),  # that code follows from another change
        ({"environment": {"lib": "2"}}, "", ("lib: 2 -> none",)),
    ],
    ids=repr,
)
def test_each_part_that_differs_is_a_reason(
    bench: Any, project: Callable[..., Any], before: dict[str, Any], gone: str, expected: tuple[str, ...]
) -> None:
    graph = bench.compile(project())
    bench.run(graph)
    own = bench.plan(graph).steps["split"].fingerprint
    kept = bench.previous["split"]
    changes = {name: value if name == "kind" else getattr(kept, name) | value for name, value in before.items()}
    inputs = changes.get("inputs", kept.inputs)
    changes["inputs"] = {name: digest for name, digest in inputs.items() if name != gone}
    bench.previous["split"] = replace(kept, **changes)
    del bench.stored[own]
    now = graph.steps["split"].code["split"]
    assert reasons(bench.plan(graph), "split") == tuple(one.replace("CODE", now) for one in expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": "x" * 60}, {"a": "y" * 61}, (f"parameter a: {'x' * 60} -> {'y' * 57}...",)),
        ({}, {"a": None}, ("parameter a: none -> null",)),
        ({"a": {"b": {"c": 1}, "d": 2}}, {"a": {"b": {"c": 3}, "d": 2}}, ("parameter a.b.c: 1 -> 3",)),
        ({"a": [1, 2]}, {"a": [1, 3]}, ("parameter a: [1,2] -> [1,3]",)),
        ({"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}, {"n": 3}]}, ("parameter a.None.n: 2 -> 3",)),
        ({"a": [{"name": "v", "n": 2}]}, {"a": [{"name": "v", "n": 3}]}, ("parameter a.v.n: 2 -> 3",)),
        ({"a": [["s", {"n": 2}]]}, {"a": [["s", {"n": 3}]]}, ("parameter a.s.n: 2 -> 3",)),
        ({"a": [[1], [2]]}, {"a": [[1], [4]]}, ("parameter a.1: [2] -> [4]",)),
        ({"a": [[1]]}, {"a": [[1], [4]]}, ("parameter a: [[1]] -> [[1],[4]]",)),
        ({"model": ["m", {"n": 2}]}, {"model": ["m", {"n": 3}]}, ("parameter n: 2 -> 3",)),
        ({"b": ["m", {"n": 2}]}, {"b": ["m", {"n": 3}]}, ("parameter b.n: 2 -> 3",)),
        ({"a": 1, "b": 2}, {"a": 2, "b": 3}, ("parameter a: 1 -> 2", "parameter b: 2 -> 3")),
    ],
    ids=repr,
)
def test_the_smallest_differing_values_are_reported(
    bench: Any, project: Callable[..., Any], old: dict[str, Any], new: dict[str, Any], expected: tuple[str, ...]
) -> None:
    graph = bench.compile(project())
    split = graph.steps["split"]
    bench.run(graph.replace(graph.steps | {"split": replace(split, params=old)}))
    assert reasons(bench.plan(graph.replace(graph.steps | {"split": replace(split, params=new)})), "split") == expected
