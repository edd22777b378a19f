"""What changes a fingerprint, and what does not."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.graph.fingerprint import canonical, combine, fingerprint, identity
from mlspec.graph.graph import Graph
from mlspec.graph.show.bounds import bounds
from mlspec.graph.show.explain import explain
from mlspec.graph.step import Input, Step
from mlspec.spec.backend import Backend
from mlspec.spec.data import Split
from mlspec.spec.evaluation import Confidence

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def changed(before: Graph, after: Graph) -> set[str]:
    """The steps whose own part of the fingerprint differs, and those that came or went."""
    old, new = ({step_id: identity(step) for step_id, step in graph.steps.items()} for graph in (before, after))
    return {step_id for step_id in old.keys() | new.keys() if old.get(step_id) != new.get(step_id)}


@given(PLAIN)
def test_key_order_and_the_spelling_of_numbers_do_not_matter(value: Any) -> None:
    def turned(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        if isinstance(item, list):
            return tuple(turned(inner) for inner in item)
        if type(item) is int and abs(item) < 2**53:
            return float(item)
        return item

    assert canonical(turned(value)) == canonical(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        (1, "1"),
        (None, "null"),
        ([], {}),
        (0.1, 0.1000000001),
        (float("inf"), None),
        ([1, 2], [2, 1]),
    ],
)
def test_values_that_differ_are_distinguished(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


def test_what_is_not_plain_data_has_no_fingerprint() -> None:
    with pytest.raises(TypeError, match="not plain data"):
        canonical({"a": object()})


def test_every_part_and_every_input_is_in_the_fingerprint() -> None:
    step = Step(id="a", kind="train", params={"x": 1}, inputs={"left": Input("l", "o"), "right": Input("r", "o")})
    digests = {"left": "0" * 64, "right": "1" * 64}
    own = fingerprint(step, digests)
    assert own == combine(identity(step), digests)
    others = [
        Step(id="a", kind="predict", params={"x": 1}, inputs=step.inputs),
        Step(id="a", kind="train", params={"x": 2}, inputs=step.inputs),
        Step(id="a", kind="train", params={"x": 1}, inputs=step.inputs, code={"train": "2"}),
        Step(id="a", kind="train", params={"x": 1}, inputs=step.inputs, environment={"numpy": "2"}),
        Step(id="a", kind="train", params={"x": 1}, inputs=step.inputs, files={"f": "2"}),
    ]
    assert len({own, *(fingerprint(other, digests) for other in others)}) == 6
    assert fingerprint(step, {"left": digests["right"], "right": digests["left"]}) != own
    assert fingerprint(Step(id="b", kind="train", params={"x": 1.0}, inputs=step.inputs, also=("c",)), digests) == own


def test_prose_names_owners_and_order_change_nothing(bench: Any, project: Callable[..., Any]) -> None:
    plain = project()
    turned = dict(reversed(plain.model.candidates.items()))
    other = project(name="other", goal="Something <else>.", owners=("a", "b"), candidates=turned)
    assert changed(bench.compile(plain), bench.compile(other)) == set()


def test_a_changed_metric_list_changes_only_scores(bench: Any, project: Callable[..., Any]) -> None:
    before, after = bench.compile(project()), bench.compile(project(metrics=("roc_auc", "brier")))
    assert changed(before, after) == {"evaluate.linear", "evaluate.trees", "evaluate"}


def test_a_changed_setting_changes_only_its_candidate_and_the_choice(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    def made(dropout: float) -> Any:
        candidates = {
            "mlp": use("models", "torch.mlp", dropout=dropout),
            "trees": use("models", "hist_gradient_boosting"),
        }
        return bench.compile(project(candidates=candidates))

    assert changed(made(0.1), made(0.2)) == {"check.mlp", "train.mlp", "predict.mlp", "select"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seed": 3}, {"train.linear", "train.trees", "refit"}),
        ({"split": Split(seed=3)}, {"split"}),
        ({"baselines": ("majority", "mean")}, {"baseline.mean", "gate.quality.roc_auc.beats.mean"}),
        # No category is left: what runs the package no longer runs the code that encodes them.
        (
            {"columns": {"sensitive": ("sex", "job")}},
            {
                "prepare.linear",
                "prepare.trees",
                "check.data.validation",
                "check.data.test",
                "check.groups.sex",
                "check.groups.job",
                "select",
                "refit",
                "predict",
                "measure.latency",
            },
        ),
        # Whether one thing stands on both sides of the split is looked at by the id.
        (
            {"columns": {"id": "sex", "sensitive": ()}},
            {"check.data.validation", "check.data.test", "check.groups.sex"},
        ),
        ({"backend": Backend(workers=7, memory=10**9, step_timeout=9.0, run_timeout=9.0, store="/mnt/x")}, set()),
        ({"backend": Backend(engine="inline", on_out_of_memory="accumulate")}, set()),
        ({"backend": Backend(device="cuda")}, set()),
    ],
)
def test_a_change_reaches_only_what_reads_it(
    bench: Any, project: Callable[..., Any], change: dict[str, Any], expected: set[str]
) -> None:
    assert changed(bench.compile(project()), bench.compile(project(**change))) == expected


def test_confidence_is_read_by_scores_alone(bench: Any, project: Callable[..., Any]) -> None:
    from msgspec.structs import replace

    made = project()
    wider = replace(made, evaluation=replace(made.evaluation, confidence=Confidence(level=0.9)))
    assert changed(bench.compile(made), bench.compile(wider)) == {"evaluate.linear", "evaluate.trees", "evaluate"}


def test_a_changed_file_changes_only_its_source(bench: Any, project: Callable[..., Any]) -> None:
    before = bench.compile(project())
    (bench.root / "people.csv").write_text("age,job,sex,weight,income\n2,a,m,2.0,high\n")
    assert changed(before, bench.compile(project())) == {"source.people"}


TRAINING = {"train.mlp", "refit"}
NETWORK = {"check.mlp", *TRAINING}


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ({"workers": 3, "store": "s3://bucket", "on_out_of_memory": "accumulate", "memory": 10**9}, set()),
        ({"device": "cuda:1"}, NETWORK | {"gate.budget.gpus"}),
        ({"precision": "bf16"}, TRAINING),
        ({"compile": True}, TRAINING),
        ({"processes": 2}, {"train.mlp"}),
        ({"reproducible": "machine"}, set()),
        ({"processes": "auto"}, set()),
        # A GPU promises no last digit: how many there are is no part of the result.
        ({"device": "cuda", "processes": 4}, NETWORK | {"gate.budget.gpus"}),
    ],
)
def test_a_backend_is_part_of_what_it_changes(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any], backend: dict[str, Any], expected: set[str]
) -> None:
    candidates = {"mlp": use("models", "torch.mlp"), "trees": use("models", "hist_gradient_boosting")}
    before = bench.compile(project(candidates=candidates))
    after = bench.compile(project(candidates=candidates, backend=Backend(**backend)))
    assert changed(before, after) == expected
    if backend.get("device") == "cuda":
        two = bench.compile(project(candidates=candidates, backend=Backend(device="cuda", processes=2)))
        assert changed(two, after) == {"gate.budget.gpus"}


def test_how_many_nodes_share_the_processes_is_shown_and_no_part_of_a_result(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    candidates = {"mlp": use("models", "torch.mlp"), "trees": use("models", "hist_gradient_boosting")}
    one, two = (
        bench.compile(project(candidates=candidates, backend=Backend(engine="slurm", processes=4, nodes=nodes)))
        for nodes in (1, 2)
    )
    assert changed(one, two) == set()
    assert "  takes 4 cores on 2 nodes\n" in explain(two, "train.mlp")
    assert "  takes 4 cores\n" in explain(one, "train.mlp")
    assert "  takes" not in explain(two, "train.trees")
    shown = [line for line in bounds(bench.plan(two)) if line.startswith("Several")]
    assert shown == ["Several nodes: train.mlp; each takes 4 cores on 2 nodes"]


def test_portable_instructions_are_part_of_all_that_is_not_polars_alone(
    bench: Any, project: Callable[..., Any]
) -> None:
    before, after = (bench.compile(project(backend=Backend(reproducible=where))) for where in ("machine", "portable"))
    changes = changed(before, after)
    assert {"train.linear", "train.trees", "predict.linear", "evaluate"} <= changes
    assert not {"source.people", "prepare.trees"} & changes
    assert after.steps["train.linear"].environment["instructions"] == "x86-64-v3"


def test_tables_made_on_a_cpu_are_reused_by_a_run_on_a_gpu(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    candidates = {"mlp": use("models", "torch.mlp"), "trees": use("models", "hist_gradient_boosting")}
    bench.run(bench.compile(project(candidates=candidates)))
    planned = bench.plan(bench.compile(project(candidates=candidates, backend=Backend(device="cuda"))), known=True)
    assert {name for name, step in planned.steps.items() if step.action == "runs"} == {
        *NETWORK,
        "gate.budget.gpus",
    }
    reused = {name for name, step in planned.steps.items() if step.action == "cached"}
    assert {"source.people", "split", "prepare.mlp", "prepare.trees", "train.trees", "predict.trees"} <= reused
    assert planned.steps["train.mlp"].reasons == ("parameter device: cpu -> cuda",)


def test_a_fingerprint_stays_what_it_was() -> None:
    """Stores and locks everywhere are found by these digests: another one makes every result be computed again."""
    step = Step(
        id="a", kind="train", code={"train": "2"}, environment={"numpy": "2.4"}, files={"rows.csv": "f" * 64},
        params={"x": 1.0, "rate": 0.5, "most": float("inf"), "names": ("a", "b"), "large": 2.0**53},
        inputs={"table": Input("source", "table")},
    )  # fmt: skip
    assert canonical(step.params) == (
        b'{"large":9007199254740992.0,"most":{"float":"inf"},"names":["a","b"],"rate":0.5,"x":1}'
    )
    assert identity(step) == "f40e7ffb1df88421c992e3fdb5c6678b29a16d7f928b3b1a3e3db2f02aa2db20"
    assert fingerprint(step, {"table": "0" * 64}) == "7dc3f8d9bfbe46d3a597e49e1d95e0f8278e5569722e7c5542a620d3f717dabd"
    with pytest.raises(KeyError):
        fingerprint(step, {})
