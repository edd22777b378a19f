"""``dvc.yaml`` and ``mlspec.params`` beside a spec: written from its graph, between whatever else is there.

A stage that mlspec wrote says so (``meta: {mlspec: project.yaml}``); no other is touched.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from mlspec.diagnostics import Diagnostic, Span, SpecError
from mlspec.engine.run import dvc_results
from mlspec.graph.graph import Graph
from mlspec.graph.show import dvc, yaml_text
from mlspec.graph.step import Step
from mlspec.machine import json_values
from mlspec.store import files

FILE = "dvc.yaml"
AGAIN = "mlspec compile --format dvc"


class Written(Struct, frozen=True):
    """The stages that are mlspec's and those that are not, by name, and the files that were not yet so."""

    own: tuple[str, ...]
    others: tuple[str, ...]
    changed: tuple[str, ...]


def write(graph: Graph, spec: str, overlays: Sequence[str] = ()) -> Written:
    """Write all files, each whole or not at all, where they say something new.

    Raises SpecError where stages can't be added to the ``dvc.yaml`` that is there.
    """
    root = Path(graph.facts.root)
    own, others, text = _merged(graph, spec, overlays)
    dvc_results.prepare(root)
    changed = [FILE] if _put(root / FILE, text.encode()) else []
    return Written(own, others, (*changed, *write_params(graph)))


def write_params(graph: Graph) -> tuple[str, ...]:
    """Write the values that the stages track; the files that were not yet so. Those of steps that are gone go too."""
    root, wanted = Path(graph.facts.root), dvc.params(graph)
    (root / dvc.PARAMS).mkdir(exist_ok=True)
    for path in (root / dvc.PARAMS).iterdir():
        if f"{dvc.PARAMS}/{path.name}" not in wanted and path.suffix == ".json":
            files.remove(path)
    return tuple(name for name, content in wanted.items() if _put(root / name, content))


def check(graph: Graph, spec: str, overlays: Sequence[str] = ()) -> None:
    """Raises SpecError where ``dvc.yaml`` is not what would be written now: the graph has other steps by now."""
    if _merged(graph, spec, overlays)[2] != _read(Path(graph.facts.root) / FILE):
        raise _outdated(f"the stages in {FILE} are not the steps of {spec}")


def check_step(graph: Graph, step: Step) -> None:
    """Raises SpecError where the values that DVC has looked at for this step are not those that it would run with."""
    name = dvc.values(step.id)
    try:
        values = json_values.decode((Path(graph.facts.root) / name).read_bytes())
    except (OSError, ValueError):
        values = None
    now = msgspec.json.decode(msgspec.json.encode(dvc.tracked(graph, step)))
    if values != now:
        raise _outdated(f"{name} says something else of the step than the spec does")


def _put(path: Path, content: bytes) -> bool:
    """Write a file where it says something new; whether it does."""
    if path.is_file() and path.read_bytes() == content:
        return False
    files.replace(path, content)
    return True


def _merged(graph: Graph, spec: str, overlays: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    path = Path(graph.facts.root) / FILE
    stages = dvc.stages(graph, spec=spec, overlays=overlays)
    entries = dvc.text(stages, spec)
    try:
        text = _read(path)
        found = yaml_text.mapping(text, "stages")
        there = {} if found is None else found.entries
        own = [name for name, entry in there.items() if _owner(entry.plain()) == spec]
        others = tuple(name for name in there if name not in own)
        taken = [name for name in others if name in entries]
        if taken:
            raise SpecError([_taken(path, name, there[name], spec) for name in taken])
        return tuple(entries), others, yaml_text.merged(text, "stages", entries, own)
    except ValueError as error:
        message = f"no stages can be added to '{path}': {error}"
        note = "write its stages as an indented mapping; `dvc stage list` shows the error"
        raise SpecError([Diagnostic(code="dvc-yaml-unusable", message=message, notes=(note,))]) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None


def _owner(stage: object) -> object:
    meta = stage.get("meta") if isinstance(stage, dict) else None
    return meta.get("mlspec") if isinstance(meta, dict) else None


def _taken(path: Path, name: str, entry: yaml_text.Entry, spec: str) -> Diagnostic:
    owner = _owner(entry.plain())
    whose = "mlspec did not write it" if owner is None else f"it is of {owner}"
    return Diagnostic(
        code="dvc-stage-taken",
        message=f"{FILE} has a stage '{name}' already, and so would {spec}",
        span=Span(str(path), entry.line, entry.column, entry.line, entry.column + len(name)),
        label=whose,
        notes=("rename that stage, or put the spec into a folder of its own",),
    )


def _outdated(message: str) -> SpecError:
    return SpecError([Diagnostic(code="dvc-out-of-date", message=message, notes=(f"write it again: {AGAIN}",))])
