"""What the graph is asked as a graph: what follows from what, what is drawn, how long it takes at least."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlspec.diagnostics import SpecError
from mlspec.engine.events import Event, StepStarted
from mlspec.engine.run.run import run
from mlspec.graph.plan import plan
from mlspec.graph.show import dot, mermaid, svg, tree
from mlspec.graph.show.layout import layout
from mlspec.spec.constraints import Constraints
from mlspec.testing.graphs import KINDS, graph, step

# `late` reads `first` and `middle`, which reads `first` too.
DIAMOND = (
    step("first"),
    step("middle", "first"),
    step("other", "first"),
    step("late", "first", "middle"),
    step("last", "other", "late", "first"),
)


def test_the_digraph_is_the_steps_and_what_they_read(bench: Any, project: Callable[..., Any]) -> None:
    made = bench.compile(project())
    assert list(made.digraph) == list(made.steps)
    assert all(made.digraph.nodes[step_id]["step"] is step for step_id, step in made.steps.items())
    reads = {(read.step, step.id) for step in made.steps.values() for read in step.inputs.values()}
    assert set(made.digraph.edges) == reads


def test_what_follows_from_other_edges_is_not_drawn(tmp_path: Path) -> None:
    made = graph(tmp_path, DIAMOND)
    drawn = [("first", "middle"), ("first", "other"), ("middle", "late"), ("other", "last"), ("late", "last")]
    assert list(made.reduced.edges) == drawn
    number = {step_id: f"n{place}" for place, step_id in enumerate(made.steps)}
    assert re.findall(r"\"(\w+)\" -> \"(\w+)\"", dot.dot(made)) == drawn
    assert re.findall(r"(\w+) --> (\w+)", mermaid.mermaid(made)) == [(number[a], number[b]) for a, b in drawn]
    boxes = layout(made).boxes
    assert boxes["first"].x < boxes["middle"].x < boxes["late"].x == boxes["other"].x < boxes["last"].x
    lines = svg.svg(made).count('class="edge"')
    assert lines == len(drawn) + 2, "each edge once, and that to `other` passes one column"


def test_a_step_hangs_under_the_last_one_that_all_it_reads_comes_through(tmp_path: Path) -> None:
    shown = tree.tree(plan(graph(tmp_path, DIAMOND), lambda _fingerprint: None))
    assert [re.split(r"\s{2,}(?=runs|may run)", line)[0] for line in shown.splitlines()[:5]] == [
        "first",
        "├─ middle",
        "│  └─ late",
        "├─ other",
        "└─ last",
    ]
    assert shown.splitlines()[4].endswith("never ran; waits for other, late")
    assert shown.splitlines()[2].endswith("never ran")


def test_a_step_waits_for_no_step_that_another_waits_for(tmp_path: Path) -> None:
    made = plan(graph(tmp_path, DIAMOND), lambda _fingerprint: None)
    assert made.steps["last"].reasons == ("never ran", "waits for other", "waits for late")


def test_a_source_of_what_is_made_from_it_is_refused(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    def compiled(step_id: str) -> Any:
        path = bench.root / "mlspec.results" / step_id / "table.csv"
        path.parent.mkdir(parents=True)
        path.write_text("age,job,sex,weight,income\n1,a,m,2.0,high\n")
        sources = {"people": use("sources", "csv", path="people.csv")}
        more = use("sources", "csv", path=f"./mlspec.results/{step_id}/table.csv")
        return bench.compile(project(sources={**sources, "more": more}))

    assert "source.more" in compiled("source.people").steps
    with pytest.raises(SpecError) as caught:
        compiled("predict.trees")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("cycle", "'source.more' reads a result that is made from it")
    assert found.label == "'./mlspec.results/predict.trees/table.csv' is a result of 'predict.trees'"
    assert found.notes == (
        "source.more -> expect -> split -> prepare.trees -> train.trees -> predict.trees -> source.more",
        "read a copy that is outside mlspec.results, or remove the source",
    )


def test_a_deadline_is_held_against_the_longest_path(bench: Any, project: Callable[..., Any]) -> None:
    made = bench.compile(project(constraints=Constraints(deadline=90.0)))

    def line(seconds: dict[str, float]) -> str:
        return tree.tree(bench.plan(made, seconds=seconds)).splitlines()[-1]

    assert line({}) == "Critical path: time unknown"
    seconds = {"split": 10.0, "train.linear": 50.0, "train.trees": 60.0, "predict.trees": 5.0, "check.data.test": 70.0}
    assert line(seconds) == "Critical path: 80 s of 90 s, source.people, expect, split, check.data.test"
    assert line({**seconds, "train.linear": 81.0}) == (
        "Critical path: 91 s of 90 s, source.people, expect, split and 2 more; longer than the deadline, "
        "however many workers there are"
    )


def test_steps_on_the_longest_path_begin_first(tmp_path: Path) -> None:
    begun: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, StepStarted):
            begun.append(event.step)

    chain = (step("long.1"), *(step(f"long.{number}", f"long.{number - 1}") for number in (2, 3, 4)))
    steps = (step("short"), *chain, step("leaf", "long.1"), step("end", "short"))
    run(graph(tmp_path, steps, engine="inline", workers=1), listener=listen, kinds=KINDS)
    assert begun == ["long.1", "long.2", "short", "long.3", "long.4", "leaf", "end"]
