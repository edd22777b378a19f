"""The digests of files that steps read from outside the store. It stands behind the merge, so that each file is read
for one step, and last but one because it alone touches the disk."""

from pathlib import Path
from typing import cast

import msgspec
from msgspec.structs import replace

from mlspec import registry
from mlspec.graph.files import Digests
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step
from mlspec.graph.user_code import source_files
from mlspec.plugin import Source

UNREADABLE = "unreadable"


def files(graph: Graph) -> Graph:
    """Fills ``files``: what sources read, the user code that trains, and an accepted run's lock; remembers digests in
    ``.mlspec/cache/files.json`` beside the spec."""
    root = Path(graph.facts.root)
    digests = Digests(root / ".mlspec" / "cache" / "files.json")
    steps = dict(graph.steps)
    for step_id, step in graph.steps.items():
        snapshot = graph.facts.snapshots.get(step_id.removeprefix("source.")) if step.kind == "source" else None
        if snapshot is not None:
            steps[step_id] = replace(step, files={snapshot.file: snapshot.digest})
            continue
        read = _paths(root, step)
        if read:
            steps[step_id] = replace(step, files={name: _digest(digests, path) for name, path in read.items()})
    digests.save()
    return graph.replace(steps)


def _paths(root: Path, step: Step) -> dict[str, Path]:
    if step.kind == "source":
        kind, settings = step.params["source"]
        return cast(Source, msgspec.convert(settings, registry.plugin("sources", kind))).files(root)
    # A saved model carries its source: only training reads the user's files.
    if step.kind in ("train", "tune") and step.params["model"][0] == "python":
        return source_files(root, step.params["model"][1]["code"])
    if step.kind == "previous":
        return {step.params["lock"]: root / step.params["lock"]}
    return {}


def _digest(digests: Digests, path: Path) -> str:
    # A file that is gone is the source step's failure to tell, with its place in the spec.
    try:
        return digests.of(path)
    except OSError:
        return UNREADABLE
