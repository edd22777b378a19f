"""A small project in a scratch folder, compiled once, for what is next to a spec: lock, store, snapshots, results."""

import functools
import shutil
from pathlib import Path
from typing import Any

import projects
from inputs import shown

from mlspec.document import Document, parse
from mlspec.engine.planning import plan_graph
from mlspec.engine.source_changes import changed
from mlspec.graph.build import compile_graph
from mlspec.graph.graph import Graph
from mlspec.machine import allowed_reads
from mlspec.rules.check import check, facts
from mlspec.spec import Project
from mlspec.spec.load import load
from mlspec.spec.resolve import resolve

SPEC = """\
mlspec: 1
project: {name: p, goal: g}
constraints: {quality: [{metric: balanced_accuracy, at_least: 0.5}]}
data:
  sources: {birds: {path: data/penguins.csv, on_change: warn}}
  columns: {target: species}
  expect:
    - {column: year, drift: {psi: 0.1}}
    - {column: island, drift: {psi: 0.1}}
    - {rows: {change: {at_most: 0.2}}}
    - {column: island, unseen: {at_most: 0.1}}
model: {candidates: {linear: {type: logistic_regression}}}
"""
STATE = (".mlspec", "mlspec.lock", "mlspec.results", "dvc.yaml", "dvc.lock")


def fresh(scratch: Path, name: str) -> Path:
    """The project's folder with nothing beside its spec and data."""
    root = scratch / name
    if not root.exists():
        shutil.copytree(projects.small(scratch)["penguins"] / "data", root / "data")
        (root / "project.yaml").write_text(SPEC)
    for state in STATE:
        path = root / state
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return root


@functools.cache
def _read(text: str) -> tuple[Document, Project]:
    document = parse(text, "project.yaml")
    return document, load(document)


def compiled(root: Path, text: str = SPEC) -> tuple[Graph, str]:
    """The graph of the project with what is next to it, planned, and the codes of what was found."""
    document, project = _read(text)
    known, found = facts(project, document, root, allowed_reads.around(root))
    project = resolve(project, known.schemas, known.target_levels)
    found += check(project, document, known)
    if any(one.severity == "error" for one in found):
        return _none(), shown(found, dict(document.texts))
    graph = compile_graph(project, known, document, lambda _change: None)
    found += changed(graph)
    plan_graph(graph)
    return graph, shown(found, dict(document.texts))


def _none() -> Any:
    return None


@functools.cache
def steps(scratch: Path) -> dict[str, str]:
    """The fingerprints that a plan of the bare project knows, by step."""
    graph, _ = compiled(fresh(scratch, "steps"))
    plan = plan_graph(graph)
    return {name: step.fingerprint for name, step in plan.steps.items() if step.fingerprint is not None}
