"""Whether a training on several nodes is refused by an engine that has too few."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.engine import fitting
from mlspec.engine.backend import Capacity, Node
from mlspec.graph.graph import Graph
from mlspec.graph.step import Resources
from mlspec.rules.check import facts
from mlspec.spec.read import read
from mlspec.testing.graphs import graph, step

LARGE, SMALL = Node(8, 64 * 10**9, gpus=2), Node(2, 4 * 10**9, count=5)
TOO_SMALL = "2 nodes with 8 cores each, and the cluster has 1 of them"


@pytest.mark.parametrize(
    ("capacity", "taken", "line", "message"),
    [
        (Capacity(), Resources(4, nodes=2), 4, "2 nodes, but the engine 'theirs' trains on one"),
        (Capacity(nodes=(LARGE, SMALL), spreads=True), Resources(10, nodes=5), 0, ""),
        (Capacity(nodes=(LARGE, SMALL), spreads=True), Resources(16, nodes=2), 4, TOO_SMALL),
        (
            Capacity(nodes=(LARGE, SMALL), spreads=True),
            Resources(18, nodes=2),
            3,
            "9 cores on each of its nodes, and no node of the cluster has that",
        ),
    ],
)
def test_a_training_takes_as_many_nodes_as_have_its_share(
    tmp_path: Path, capacity: Capacity, taken: Resources, line: int, message: str
) -> None:
    document = parse("backend:\n  engine: theirs\n  processes: 16\n  nodes: 2\n", "project.yaml")
    made = graph(tmp_path, [step("net", resources=taken)], document=document, engine="theirs", processes=16, nodes=2)
    if not line:
        fitting.demand(made, capacity, ())
        return
    with pytest.raises(SpecError) as caught:
        fitting.demand(made, capacity, ())
    (found,) = caught.value.diagnostics
    assert found.message == f"the step 'net' takes {message}"
    assert found.span is not None
    assert found.span.line == line


def test_a_wide_tuning_fits_where_its_trials_may_be_on_several_nodes(tmp_path: Path) -> None:
    tuning = replace(step("tune.net", resources=Resources(9)), kind="tune")
    made = graph(tmp_path, [tuning], engine="theirs")
    fitting.demand(made, Capacity(nodes=(LARGE,), spreads=True), ())
    with pytest.raises(SpecError) as caught:
        fitting.demand(made, Capacity(nodes=(LARGE,)), ())
    assert "takes 9 cores, and no node of the cluster has that" in caught.value.diagnostics[0].message


def test_rows_that_fit_into_no_node_are_refused_unless_the_model_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("a,y\n" + "1.5,no\n2.5,yes\n" * 600)
    summary = {"of": "a digest", "rows": 20 * 10**9}
    (tmp_path / "mlspec.lock").write_text(json.dumps({"version": 1, "sources": {"rows": {"summary": summary}}}))
    (tmp_path / "project.yaml").write_text(
        "mlspec: 1\nproject: {name: large}\ndata:\n  sources: {rows: {path: rows.csv}}\n  columns: {target: y}\n"
        "model:\n  candidates:\n    boost: {type: hist_gradient_boosting}\n    linear: {type: sgd}\n"
    )
    project, document = read("project.yaml")
    known, _found = facts(project, document, Path())
    made = Graph(project, known, document)
    with pytest.raises(SpecError) as caught:
        fitting.demand(made, Capacity(nodes=(LARGE, SMALL)), ())
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("rows-beyond-memory", "fitting 'boost' takes at least 112 GB of memory")
    assert found.label == "add rows: 4000000000 to fit it on a sample"
    assert found.notes == (
        "14,000,000,000 training rows (of the last run) of 1 number, 8 bytes each; the largest node of the cluster "
        "has 64 GB",
    )
    assert found.span is not None
    assert found.span.line == 8
    fitting.demand(made, Capacity(nodes=(replace(LARGE, memory=200 * 10**9),)), ())
    fitting.demand(made, Capacity(nodes=(LARGE, SMALL)), ("train.boost",))
    fitting.demand(made, Capacity(nodes=(Node(8, 1 << 20),)), ())
