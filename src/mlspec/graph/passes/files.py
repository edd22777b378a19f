"""The digests of files that steps read from outside the store. It runs after the merge, so that each file is read for
one step, and late because it alone touches the disk."""

from pathlib import Path
from typing import cast

import msgspec
from msgspec.structs import replace

from mlspec import registry
from mlspec.diagnostics import SpecError
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step
from mlspec.graph.user_code import source_files
from mlspec.machine import allowed_reads
from mlspec.machine.file_digests import Digests
from mlspec.plugins.source import Source
from mlspec.rules import _look

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
        read = _paths(graph, step)
        if read:
            _allowed(graph, step, read)
            steps[step_id] = replace(step, files={name: _digest(digests, path) for name, path in read.items()})
    digests.save()
    return graph.replace(steps)


def _allowed(graph: Graph, step: Step, files: dict[str, Path]) -> None:
    """Raises SpecError where one of these files may not be read."""
    reads = graph.facts.reads
    found = None if reads is None else allowed_reads.refused(reads, files.values())
    if found is not None:
        texts = {} if graph.document is None else graph.document.texts
        name = _look.shown(Path(graph.facts.root), found[0])
        raise SpecError([_look.refused(graph.document, step.path, name, found[1])], texts)


def _paths(graph: Graph, step: Step) -> dict[str, Path]:
    root = Path(graph.facts.root)
    if step.kind in ("source", "source_part"):
        kind, settings = step.params["source"]
        return cast(Source, msgspec.convert(settings, registry.plugin("sources", kind))).files(root)
    # A saved model carries its source: only training reads the user's files.
    if step.kind in ("train", "tune") and step.params["model"][0] == "python":
        return source_files(root, step.params["model"][1]["code"], graph.facts.reads)
    if step.kind == "previous":
        return {step.params["lock"]: root / step.params["lock"]}
    return {}


def _digest(digests: Digests, path: Path) -> str:
    # A missing file is reported by the source step, with its place in the spec.
    try:
        return digests.of(path)
    except OSError:
        return UNREADABLE
