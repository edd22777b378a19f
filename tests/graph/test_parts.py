"""Sources that are read by parts: what the graph has for each file, and what people see of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlspec.graph.build import compile_graph
from mlspec.graph.passes import PASSES
from mlspec.graph.passes.parts import parts
from mlspec.graph.show import tree
from mlspec.graph.step import Input
from mlspec.plugins.base import Column, PluginRef
from mlspec.rules.context import Facts
from mlspec.spec.data import Split

SCHEMA = (Column("age", "integer"), Column("job", "category"), Column("income", "category"))


@pytest.fixture
def by_parts(tmp_path: Path, project: Callable[..., Any], use: Callable[..., PluginRef]) -> Callable[..., Any]:
    (tmp_path / "rows").mkdir()

    def compiled(files: int, *others: str, passes: Any = PASSES, **more: Any) -> Any:
        for name in (*(f"{number:03}" for number in range(files)), *others):
            (tmp_path / "rows" / f"{name}.csv").write_text("age,job,income\n31,a,low\n")
        sources = {"rows": use("sources", "csv", path="rows/*.csv", parts="file")}
        made = project(sources=sources, columns={"sensitive": (), "drop": ()}, expect=(), **more)
        facts = Facts(root=tmp_path, schemas={"rows": SCHEMA}, target_levels=("high", "low"))
        return compile_graph(made, facts, passes=passes)

    return compiled


def test_each_file_has_steps_of_its_own_and_folded_they_are_the_steps_of_one_piece(
    by_parts: Callable[..., Any],
) -> None:
    graph = by_parts(3, split=Split(by="hash", column="age"))
    one = by_parts(3, passes=[one for one in PASSES if one is not parts], split=Split(by="hash", column="age"))
    assert {step_id: (step.kind, step.inputs) for step_id, step in graph.folded.steps.items()} == {
        step_id: (step.kind, step.inputs) for step_id, step in one.steps.items()
    }
    assert graph.steps["source.rows.part.00002"].params["source"][1]["path"] == "rows/001.csv"
    assert graph.steps["source.rows.part.00002"].files.keys() == {"rows/001.csv"}
    assert graph.steps["split.part.00002"].inputs == {"table": Input("source.rows.part.00002", "table")}
    prepared = graph.steps["prepare.linear"]
    assert prepared.inputs["train.00003"] == Input("prepare.linear.part.00003", "train")
    assert graph.steps["prepare.linear.round.2"].params["last"]
    assert graph.steps["train.linear"].inputs["train"] == Input("prepare.linear", "train")


def test_a_tree_is_no_longer_for_more_files_and_says_how_many_parts_are_left(
    bench: Any, by_parts: Callable[..., Any]
) -> None:
    few = by_parts(2)
    bench.run(few)
    lines = tree.tree(bench.plan(few)).splitlines()
    assert f"Plan: {len(few.folded.steps)} cached; nothing to do" in lines
    plan = bench.plan(by_parts(40))
    shown = tree.tree(plan).splitlines()
    assert len(shown) == len(lines)
    assert shown[0].split("  ")[-1] == "38 of 40 steps for its parts"
    assert plan.folded.steps["train.linear"].reasons == ("waits for prepare.linear",)


def test_a_step_by_itself_has_all_that_is_drawn_before_it(by_parts: Callable[..., Any]) -> None:
    graph = by_parts(3, split=Split(by="hash", column="age")).leading_to(["split"]).folded
    assert set(graph.digraph) == set(graph.steps)


def test_a_file_whose_name_looks_like_a_pattern_is_read_itself(by_parts: Callable[..., Any]) -> None:
    graph = by_parts(0, "a1", "a[1]")
    parts_ = [step for step in graph.steps.values() if step.kind == "source_part"]
    assert [list(step.files) for step in parts_] == [["rows/a1.csv"], ["rows/a[1].csv"]]
