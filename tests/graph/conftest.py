"""Projects built from their types, and a store that only pretends to run steps."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlspec import registry
from mlspec.constraints.budget import Budget
from mlspec.constraints.latency import Latency
from mlspec.constraints.quality import Quality
from mlspec.constraints.size import Size
from mlspec.graph import fingerprint as fp
from mlspec.graph.build import compile_graph
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan, plan
from mlspec.graph.step import Step
from mlspec.plugins.base import Column, PluginRef
from mlspec.rules.context import Facts
from mlspec.spec import Project
from mlspec.spec.constraints import Constraints
from mlspec.spec.data import Columns, Data, Expectation, Split
from mlspec.spec.evaluation import Evaluation
from mlspec.spec.expect import Rows
from mlspec.spec.model import ModelSection, Select
from mlspec.spec.preprocessing import Preprocessing
from mlspec.spec.project import ProjectInfo

SCHEMA = (
    Column("age", "integer"),
    Column("job", "category"),
    Column("sex", "category"),
    Column("weight", "number"),
    Column("income", "category"),
)


def use(kind: str, name: str, **settings: Any) -> PluginRef:
    return PluginRef(name, registry.plugin(kind, name)(**settings))


def project(
    *,
    name: str = "people",
    goal: str = "",
    owners: tuple[str, ...] = (),
    candidates: dict[str, PluginRef] | None = None,
    metrics: tuple[str, ...] = ("roc_auc", "log_loss"),
    select: str = "roc_auc",
    columns: dict[str, Any] | None = None,
    expect: tuple[Expectation, ...] = (Expectation(rows=Rows(at_least=10)),),
    constraints: Constraints | None = None,
    preprocessing: Preprocessing | None = None,
    split: Split | None = None,
    seed: int = 0,
    sources: dict[str, PluginRef] | None = None,
    baselines: tuple[Any, ...] = ("majority",),
    backend: Any = None,
) -> Project:
    """A resolved project with all kinds of steps; each argument replaces one part of it."""
    if candidates is None:
        candidates = {"linear": use("models", "logistic_regression"), "trees": use("models", "hist_gradient_boosting")}
    if constraints is None:
        constraints = Constraints(
            gates={
                "quality": (
                    Quality(metric="roc_auc", at_least=0.9),
                    Quality(metric="roc_auc", beats="baseline", by=0.05),
                ),
                "latency": Latency(p95=0.005),
                "size": Size(model=20_000_000),
                "budget": Budget(wall_time=600.0, gpus=0),
            }
        )
    more = {} if backend is None else {"backend": backend}
    return Project(
        project=ProjectInfo(name=name, goal=goal, owners=owners, task="binary_classification"),
        constraints=constraints,
        data=Data(
            sources=sources or {"people": use("sources", "csv", path="people.csv")},
            columns=Columns(target="income", **({"sensitive": ("sex",), "drop": ("weight",)} | (columns or {}))),
            expect=expect,
            split=split or Split(),
        ),
        preprocessing=preprocessing or Preprocessing(),
        model=ModelSection(candidates=candidates, select=Select(metric=select), seed=seed),
        evaluation=Evaluation(
            metrics=tuple(use("metrics", metric) for metric in metrics),
            baselines=tuple(use("baselines", name) for name in baselines),
        ),
        **more,
    )


@dataclass
class Bench:
    """Compiles, plans and pretends to run in one folder."""

    root: Path
    stored: dict[str, dict[str, str]] = field(default_factory=dict)
    identities: set[str] = field(default_factory=set)
    previous: dict[str, fp.Parts] = field(default_factory=dict)
    content: Callable[[Step, dict[str, str], str], str] = lambda step, digests, output: repr(
        (step.kind, step.params, step.files, sorted(digests.items()), output)
    )

    def compile(self, made: Project, schema: tuple[Column, ...] = SCHEMA) -> Graph:
        schemas = dict.fromkeys(made.data.sources, schema)
        return compile_graph(made, Facts(root=self.root, schemas=schemas, target_levels=("high", "low")))

    def plan(self, graph: Graph, *, known: bool = False, seconds: dict[str, float] | None = None) -> Plan:
        return plan(
            graph, self.stored.get, self.previous, seconds, (lambda one: one in self.identities) if known else None
        )

    def run(self, graph: Graph) -> set[str]:
        """Carries all steps out; gives the ids of those whose result was not there."""
        executed = set()
        given: dict[str, dict[str, str]] = {}
        for step_id, step in graph.steps.items():
            digests = {name: given[read.step][read.output] for name, read in step.inputs.items()}
            key = fp.fingerprint(step, digests)
            self.previous[step_id] = fp.parts(step, digests)
            if key not in self.stored:
                executed.add(step_id)
                self.identities.add(fp.identity(step))
                self.stored[key] = {
                    output: hashlib.sha256(self.content(step, digests, output).encode()).hexdigest()
                    for output in step.outputs
                }
            given[step_id] = self.stored[key]
        return executed


@pytest.fixture(name="use", scope="session")
def use_fixture() -> Callable[..., PluginRef]:
    return use


@pytest.fixture(name="project", scope="session")
def project_fixture() -> Callable[..., Project]:
    return project


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "people.csv").write_text("age,job,sex,weight,income\n1,a,m,2.0,high\n")
    return Bench(tmp_path)
