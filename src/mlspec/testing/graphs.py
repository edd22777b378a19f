"""Graphs of small steps, made by hand, for tests and benchmarks of what carries graphs out."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlspec.document import Document
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import Kind
from mlspec.graph.step import Input, Resources, Step
from mlspec.rules.context import Facts
from mlspec.spec import Project
from mlspec.spec.backend import Backend
from mlspec.spec.data import Columns, Data
from mlspec.spec.model import ModelSection
from mlspec.spec.project import ProjectInfo

KINDS = {
    "act": Kind(work="mlspec.testing.work.act", version=1, outputs=("text",)),
    "join": Kind(work="mlspec.testing.work.join", version=1, outputs=("text",), trivial=True),
    "alone": Kind(work="mlspec.testing.work.alone", version=1, outputs=("text",), alone=True),
    "search": Kind(work="mlspec.testing.work.search", version=1, outputs=("text",), parts="parallel"),
}


def graph(root: Path, steps: Iterable[Step], *, document: Document | None = None, **backend: Any) -> Graph:
    """A graph of these steps, to be carried out in a folder by a backend of these settings."""
    project = Project(
        project=ProjectInfo(name="tiny"),
        data=Data(sources={}, columns=Columns(target="y")),
        model=ModelSection(candidates={}),
        backend=Backend(**backend),
    )
    return Graph(project, Facts(root=root, schemas={}), document).add(steps)


def step(
    step_id: str,
    *reads: str,
    kind: str = "act",
    outputs: tuple[str, ...] = ("text",),
    resources: Resources | None = None,
    **params: Any,
) -> Step:
    """A step that reads outputs (``step`` for its text, ``step:output`` for another), with its id as param ``text``."""
    pairs = (read.partition(":") for read in reads)
    return Step(
        id=step_id,
        kind=kind,
        params={"text": step_id, **params},
        inputs={read[0] + read[1] + read[2]: Input(read[0], read[2] or "text") for read in pairs},
        outputs=outputs,
        code={kind: "1"},
        resources=resources or Resources(),
    )
