"""What a project is compiled to."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mlspec.constraints.quality import Quality
from mlspec.graph.build import Change, compile_graph
from mlspec.graph.passes import PASSES
from mlspec.graph.step import Input
from mlspec.plugins.base import Column, PluginRef
from mlspec.rules.context import Facts
from mlspec.sources.csv import Csv
from mlspec.spec.backend import Backend
from mlspec.spec.constraints import Constraints
from mlspec.spec.data import Expectation, Split
from mlspec.spec.model import CrossValidation
from mlspec.spec.personalization import Personalization
from mlspec.spec.preprocessing import Preprocessing


def test_the_steps_of_a_project(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    assert {step_id: sorted({read.step for read in step.inputs.values()}) for step_id, step in graph.steps.items()} == {
        "source.people": [],
        "expect": ["source.people"],
        "split": ["expect", "source.people"],
        "prepare.linear": ["split"],
        "prepare.trees": ["split"],
        "check.data.validation": ["split"],
        "check.data.test": ["split"],
        "check.groups.sex": ["split"],
        "train.linear": ["prepare.linear"],
        "predict.linear": ["prepare.linear", "train.linear"],
        "evaluate.linear": ["predict.linear"],
        "train.trees": ["prepare.trees"],
        "predict.trees": ["prepare.trees", "train.trees"],
        "evaluate.trees": ["predict.trees"],
        "select": [
            "evaluate.linear",
            "evaluate.trees",
            "prepare.linear",
            "prepare.trees",
            "train.linear",
            "train.trees",
        ],
        "refit": ["select", "split", "train.linear", "train.trees"],
        "predict": ["refit", "split"],
        "baseline.majority": ["split"],
        "evaluate": ["baseline.majority", "predict"],
        "measure.latency": ["refit", "split"],
        "measure.size": ["refit"],
        "gate.quality.roc_auc": ["evaluate"],
        "gate.quality.roc_auc.beats.majority": ["evaluate"],
        "gate.latency.p95": ["measure.latency"],
        "gate.size.model": ["measure.size"],
        "gate.budget.wall_time": ["evaluate"],
        "gate.budget.gpus": ["evaluate"],
    }


def test_a_bag_trains_nothing_on_the_split(bench: Any, project: Callable[..., Any]) -> None:
    made = project()
    folds = CrossValidation(folds=2, repeats=2)
    graph = bench.compile(replace(made, model=replace(made.model, final="bag", cross_validation=folds)))
    assert not {"train.linear", "prepare.linear", "refit"} & graph.steps.keys()
    assert [graph.steps[f"fold.{number}"].params["seed"] for number in range(1, 5)] == [0, 0, 1, 1]
    prepare, gather = graph.steps["prepare.linear.fold3"], graph.steps["predict.linear"]
    assert prepare.inputs == {"train": Input("fold.3", "train"), "validation": Input("fold.3", "heldout")}
    assert {read.step for read in gather.inputs.values()} == {
        f"{step}{number}" for step in ("fold.", "predict.linear.fold") for number in range(1, 5)
    }
    assert graph.steps["evaluate.linear"].inputs["predictions"] == Input("predict.linear", "predictions")
    assert {f"model.linear.fold{number}" for number in range(1, 5)} <= graph.steps["select"].inputs.keys()
    assert graph.steps["predict"].inputs["model"] == Input("select", "model")


def test_only_the_final_evaluation_reads_the_test_split(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    readers = {
        step.kind
        for step in graph.steps.values()
        if any((read.step, read.output) == ("split", "test") for read in step.inputs.values())
    }
    assert readers == {"predict_test", "baseline", "latency", "check_data"}
    chosen = nx.ancestors(graph.digraph, "select") | {"select"}
    assert not any(graph.steps[step_id].kind in readers for step_id in chosen)
    assert graph.steps["check.data.test"].params["labels"] is False


def test_candidates_that_want_the_same_preparation_share_it(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    one, other = use("models", "logistic_regression"), use("models", "logistic_regression", C=0.5)
    graph = bench.compile(project(candidates={"one": one, "other": other, "same": one}))
    assert graph.steps["prepare.one"].also == ("prepare.other", "prepare.same")
    assert graph.steps["train.other"].inputs["state"].step == "prepare.one"
    # The third candidate is the first again: none of its steps is left, and the selection knows all three.
    assert not [step_id for step_id in graph.steps if step_id.endswith(".same")]
    assert graph.steps["select"].inputs["metrics.same"].step == "evaluate.one"
    assert list(graph.steps["select"].params["candidates"]) == ["one", "other", "same"]
    assert graph.find("evaluate.same") is graph.steps["evaluate.one"]


def test_a_stated_preparation_serves_all_and_a_column_may_have_its_own(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    stated = Preprocessing(
        numeric=(use("transforms", "impute", strategy="mean"),),
        category=(use("transforms", "encode"),),
        columns={"age": (use("transforms", "scale"),)},
    )
    graph = bench.compile(project(preprocessing=stated, columns={"drop": ()}))
    assert graph.steps["prepare.linear"].also == ("prepare.trees",)
    steps = {
        column["name"]: [pair[0] for pair in column["steps"]]
        for column in graph.steps["prepare.linear"].params["columns"]
    }
    assert steps == {"age": ["scale"], "job": ["encode"], "weight": ["impute"]}


def test_columns_carry_type_and_role_through_the_preparation(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    roles = {column.name: column.role for column in graph.steps["split"].schemas["train"]}
    assert roles == {"age": "feature", "job": "feature", "sex": "sensitive", "income": "target"}
    prepared = graph.steps["prepare.linear"].schemas["train"]
    assert prepared[-1] == Column("__target__", "category", "target")
    assert "sex" not in " ".join(column.name for column in prepared)
    assert {column.name for column in graph.steps["predict"].schemas["predictions"]} == {"p0", "p1", "__target__"}


def test_a_package_knows_what_to_hide_and_how_cells_were_read(bench: Any, project: Callable[..., Any]) -> None:
    assert not {"hidden", "reading"} & bench.compile(project()).steps["select"].params.keys()
    source = Csv(path="people.csv", missing=("?", "unknown"), dates={"born": "%m/%d/%Y"})
    made = project(columns={"use_sensitive": ("sex",)})
    data = replace(made.data, sources={"people": PluginRef("csv", source)})
    params = bench.compile(replace(made, data=data)).steps["select"].params
    assert params["hidden"] == ["sex"]
    assert params["reading"] == {"missing": ["?", "unknown"], "dates": {"born": "%m/%d/%Y"}}


def test_a_sensitive_column_is_a_feature_only_when_it_is_said(bench: Any, project: Callable[..., Any]) -> None:
    names = lambda graph: [column["name"] for column in graph.steps["prepare.trees"].params["columns"]]  # noqa: E731
    assert names(bench.compile(project())) == ["age", "job"]
    assert names(bench.compile(project(columns={"use_sensitive": ("sex",)}))) == ["age", "job", "sex"]
    assert names(bench.compile(project(columns={"features": ("job",)}))) == ["job"]


def test_a_device_matters_only_to_models_that_use_it(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    candidates = {"mlp": use("models", "torch.mlp"), "trees": use("models", "hist_gradient_boosting")}
    graph = bench.compile(project(candidates=candidates, backend=Backend(device="cuda:1")))
    assert graph.steps["train.mlp"].params["device"] == "cuda"
    assert graph.steps["train.mlp"].resources.gpus == 1
    assert "device" not in graph.steps["train.trees"].params
    assert graph.steps["gate.budget.gpus"].params["used"] == 1


def test_two_gates_on_one_metric_have_two_names(bench: Any, project: Callable[..., Any]) -> None:
    quality = (Quality(metric="roc_auc", at_least=0.8), Quality(metric="roc_auc", at_most=0.99))
    graph = bench.compile(project(constraints=Constraints(gates={"quality": quality})))
    assert [step_id for step_id in graph.steps if step_id.startswith("gate.")] == [
        "gate.quality.roc_auc",
        "gate.quality.roc_auc-2",
    ]
    assert graph.steps["gate.quality.roc_auc-2"].path == ("constraints", "quality", 1)
    assert not any(step.kind in ("latency", "size") for step in graph.steps.values())


def test_sources_state_their_part_to_the_split_alone(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    sources = {
        "old": use("sources", "csv", path="people.csv", part="train"),
        "new": use("sources", "csv", path="new.csv", part="test"),
    }
    graph = bench.compile(project(sources=sources, split=Split(by="given")))
    assert graph.steps["split"].params["parts"] == {"old": "train", "new": "test"}
    assert "part" not in graph.steps["source.old"].params["source"][1]
    assert graph.steps["source.new"].files == {"new.csv": "unreadable"}


def test_trace_tells_what_each_pass_did(bench: Any, project: Callable[..., Any]) -> None:
    changes: list[Change] = []
    schemas = {"people": (Column("age", "integer"), Column("income", "category"))}
    compile_graph(project(), Facts(root=bench.root, schemas=schemas, target_levels=None), trace=changes.append)
    assert [change.name for change in changes] == [one.__module__.rpartition(".")[2] for one in PASSES]
    assert changes[0] == Change("sources", ("source.people",), (), ())
    assert next(change for change in changes if change.name == "files").changed == ("source.people",)


def test_every_pass_says_why_it_runs_where_it_does() -> None:
    for one in PASSES:
        assert "It runs " in " ".join((sys.modules[one.__module__].__doc__ or "").split()), one


def test_user_code_is_known_by_its_source_and_what_it_imports(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    (bench.root / "own.py").write_text("import numpy\nfrom helpers import tools\nraise SystemExit('never run')\n")
    (bench.root / "helpers").mkdir()
    (bench.root / "helpers" / "__init__.py").write_text("")
    (bench.root / "helpers" / "tools.py").write_text("from . import deeper\n")
    (bench.root / "helpers" / "deeper.py").write_text("import own\n")
    made = project(candidates={"own": use("models", "python", code="own:Net")})
    before = bench.compile(made).steps["train.own"].files
    assert list(before) == ["helpers/__init__.py", "helpers/deeper.py", "helpers/tools.py", "own.py"]
    (bench.root / "helpers" / "deeper.py").write_text("import own, os\n")
    after = bench.compile(made).steps["train.own"].files
    assert [name for name in before if before[name] != after[name]] == ["helpers/deeper.py"]


def test_user_code_in_a_package_is_the_whole_package(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    for name in ("__init__.py", "models.py", "unused.py"):
        (bench.root / "own").mkdir(exist_ok=True)
        (bench.root / "own" / name).write_text("")
    made = project(candidates={"own": use("models", "python", code="own.models:Net")})
    assert list(bench.compile(made).steps["train.own"].files) == ["own/__init__.py", "own/models.py", "own/unused.py"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_small_project_compiles_to_an_acyclic_graph(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any], data: st.DataObject
) -> None:
    model = st.sampled_from(["logistic_regression", "hist_gradient_boosting", "torch.mlp"])
    name = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
    candidates = data.draw(st.dictionaries(name, model, min_size=1, max_size=5))
    baselines = data.draw(st.sampled_from([(), ("majority",), ("majority", "mean")]))
    gates = data.draw(st.lists(st.sampled_from(["roc_auc", "log_loss"]), max_size=4))
    made = project(
        candidates={key: use("models", value) for key, value in candidates.items()},
        baselines=baselines,
        expect=data.draw(st.sampled_from([(), project().data.expect])),
        constraints=Constraints(
            gates={"quality": tuple(Quality(metric=metric, at_least=0.5, beats="baseline") for metric in gates)}
        ),
    )
    graph = bench.compile(made)
    drawn = list(graph.reduced.edges)
    assert drawn == [edge for edge in graph.digraph.edges if edge in set(drawn)], "in one order, whatever sets do"
    implied = set(graph.digraph.edges) - set(drawn)
    assert all(nx.has_path(graph.reduced, *edge) for edge in implied)
    seen: set[str] = set()
    for step_id, step in graph.steps.items():
        assert {read.step for read in step.inputs.values()} <= seen
        seen.add(step_id)
    every = {step_id for step in graph.steps.values() for step_id in (step.id, *step.also)}
    assert {f"train.{key}" for key in candidates} <= every


def test_compiling_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("age,income\n1,high\n2,low\n")
    script = f"""
import sys
from pathlib import Path
from mlspec import registry
from mlspec.graph.build import compile_graph
from mlspec.graph.plan import plan
from mlspec.plugins.base import PluginRef as Use
from mlspec.rules.context import Facts
from mlspec.spec import Project
from mlspec.spec.data import Columns, Data
from mlspec.spec.evaluation import Evaluation
from mlspec.spec.model import CrossValidation, ModelSection, Select
from mlspec.spec.project import ProjectInfo
root = Path({str(tmp_path)!r})
source = registry.plugin("sources", "csv")(path="people.csv")
models = {{name: Use(name, registry.plugin("models", name)()) for name in ("hist_gradient_boosting", "torch.mlp")}}
project = Project(
    project=ProjectInfo(name="x", task="binary_classification"),
    data=Data(sources={{"people": Use("csv", source)}}, columns=Columns(target="income")),
    model=ModelSection(
        candidates={{"a": models["hist_gradient_boosting"], "b": models["torch.mlp"]}},
        select=Select(metric="roc_auc"),
        cross_validation=CrossValidation(folds=2),
    ),
    evaluation=Evaluation(metrics=(), baselines=()),
)
facts = Facts(root=root, schemas={{"people": source.columns(root)}}, target_levels=("high", "low"))
graph = compile_graph(project, facts)
outputs = dict.fromkeys((name for step in graph.steps.values() for name in step.outputs), "0" * 64)
print(plan(graph, lambda _fingerprint: outputs).count("cached"), *graph.steps)
heavy = {{"torch", "polars", "sklearn", "numpy", "pandas", "pyarrow", "networkx", "jsonschema"}} & sys.modules.keys()
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "train.b" in done.stdout


def test_params_are_what_reading_their_json_gives(
    bench: Any, project: Callable[..., Any], use: Callable[..., Any]
) -> None:
    expect = (Expectation(column="age", between=(16, 100)), Expectation(column="job", allowed=("a", 1, True)))
    graph = bench.compile(project(candidates={"mlp": use("models", "torch.mlp")}, expect=expect))
    for step in graph.steps.values():
        assert json.loads(json.dumps(step.params)) == step.params
    assert graph.steps["expect"].params == {
        "expectations": [{"column": "age", "between": [16, 100]}, {"column": "job", "allowed": ["a", 1, True]}],
        "masked": ["sex"],
    }


def test_a_part_of_a_graph_holds_what_it_needs(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    assert list(graph.leading_to(["predict.trees"]).steps) == [
        "source.people",
        "expect",
        "split",
        "prepare.trees",
        "train.trees",
        "predict.trees",
    ]
    with pytest.raises(KeyError):
        graph.leading_to(["train.none"])


def test_two_steps_may_not_share_a_name(bench: Any, project: Callable[..., Any]) -> None:
    graph = bench.compile(project())
    with pytest.raises(ValueError, match="two steps are called 'split'"):
        graph.add([graph.steps["split"]])


@pytest.mark.parametrize(
    ("wanted", "trained"),
    [
        (Personalization(level="global", key="job"), []),
        (Personalization(level="group", key="job", parts=3), ["personalize.1", "personalize.2", "personalize.3"]),
        (Personalization(level="user", key="job", strategy="shared"), ["personalize.shared"]),
    ],
    ids=lambda given: getattr(given, "level", None),
)
def test_groups_are_dealt_to_steps_and_their_package_is_what_is_measured(
    wanted: Personalization, trained: list[str], bench: Any, project: Callable[..., Any]
) -> None:
    plain = project()
    graph = bench.compile(replace(plain, model=replace(plain.model, personalization=wanted)))
    made = {step_id: step for step_id, step in graph.steps.items() if step_id.startswith("personalize")}
    assert sorted(made) == (["personalize", *trained] if trained else [])
    if not trained:
        assert graph.steps == bench.compile(plain).steps
        return
    readers = {
        step_id
        for step_id, step in graph.steps.items()
        if "personalize" in {read.step for read in step.inputs.values()}
    }
    assert readers == {"predict", "evaluate", "measure.latency", "measure.size"}
    columns = {entry["name"] for entry in graph.steps["prepare.linear"].params["columns"]}
    assert ("job" in columns) == (wanted.level == "group"), "the one model reads who a user is"
    assert "test" not in {
        read.output for step_id in (*trained, "personalize") for read in made[step_id].inputs.values()
    }
