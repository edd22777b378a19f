"""A graph as stages of DVC: the text of ``dvc.yaml``, the values that its stages track, the places of their outputs.

A stage is named after its step and runs ``mlspec step ID``. Its outputs are in ``mlspec.results/ID``; its params are
the step's, by value, in ``mlspec.params/ID.json``, which the first stage writes. So DVC's idea of what has changed is
mlspec's own.
"""

import hashlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from mlspec.graph import fingerprint as fp
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import reads_records
from mlspec.graph.show import yaml_text
from mlspec.graph.step import Step
from mlspec.specfile import SPEC

RESULTS = "mlspec.results"
PARAMS = "mlspec.params"
COMPILE = "compile"
MADE = "made.json"
SCORES = "scores.json"
CURVE = "curve.json"
RELIABILITY = "reliability.json"
TEXTS = frozenset(
    {
        *("state", "verdict", "report", "metrics", "history", "selection", "best", "trials", "weights", "decision"),
        *("differences", "figures", "importance", "latency", "memory", "answers", "size", "measured", "reference"),
    }
)
CLASSES = ("binary_classification", "multiclass_classification")
# What a name may hold that DVC, a shell and YAML all take for a plain word.
PLAIN = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)


class Stage(Struct, frozen=True, kw_only=True):
    """A stage of ``dvc.yaml``: paths are relative to the spec's folder; of ``params`` every value is tracked."""

    name: str
    cmd: str
    deps: tuple[str, ...] = ()
    params: str | None = None
    outs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plots: Mapping[str, Mapping[str, str]] = {}


def stage_name(step_id: str) -> str:
    """The name of a step's stage: its id, unless a character or the ending of it means something to DVC."""
    if PLAIN.fullmatch(step_id) and not step_id.endswith((".dvc", ".yaml", ".yml")):
        return step_id
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", step_id).strip("-.") or "step"
    return f"{plain}-{hashlib.sha256(step_id.encode()).hexdigest()[:8]}"


def values(step_id: str) -> str:
    """The file of a step's params: one per step, because DVC reads it again for each stage that tracks it."""
    return f"{PARAMS}/{stage_name(step_id)}.json"


def folder(step_id: str) -> str:
    """The folder of a step's outputs."""
    return f"{RESULTS}/{stage_name(step_id)}"


def place(step: Step, output: str) -> str:
    """The path of one output."""
    ending = ".parquet" if output in step.schemas else ".json" if output in TEXTS else ""
    return f"{folder(step.id)}/{output}{ending}"


def derived(step: Step) -> tuple[tuple[str, ...], dict[str, dict[str, str]]]:
    """Files beside the outputs that say the same in a form that DVC shows: its metrics, and its plots with their axes.

    Their content follows from the outputs (``engine/run/dvc_results.py`` writes them).
    """
    metrics: tuple[str, ...] = ()
    plots: dict[str, dict[str, str]] = {}
    if step.kind in ("evaluate", "evaluate_test") or (step.kind == "gate" and not reads_records(step)):
        metrics = (SCORES,)
    if step.kind == "train" and str(step.params["model"][0]).startswith("torch."):
        plots[CURVE] = {"x": "epoch", "y": "validation_loss"}
    if step.kind == "evaluate_test" and step.params.get("task") in CLASSES:
        plots[RELIABILITY] = {"x": "predicted", "y": "observed"}
    return metrics, plots


def stages(graph: Graph, *, spec: str = SPEC, overlays: Sequence[str] = ()) -> tuple[Stage, ...]:
    """The stages of a graph, in its order, behind the one that writes the params; a graph without a file has none.

    ``spec`` is the name of the spec's file, ``overlays`` are the options of the command line that were applied to it.
    """
    made = [_stage(graph, step, spec, overlays) for step in graph.steps.values()]
    if graph.document is None:
        return tuple(made)
    read = dict.fromkeys(path for step in graph.steps.values() for path in watched(graph, step))
    cmd = command("compile", ("--format", "dvc-params", *overlays), _file(spec))
    return (Stage(name=COMPILE, cmd=cmd, deps=(spec, *read)), *made)


def params(graph: Graph) -> dict[str, bytes]:
    """The texts of the params' files, by path: of each step all that decides what it does, inputs and files apart."""
    return {values(step.id): _text(tracked(graph, step)) for step in graph.steps.values()}


def tracked(graph: Graph, step: Step) -> dict[str, Any]:
    """A step's values: its params, and what code and libraries work on them."""
    own: dict[str, Any] = _named(fp.plain(step.params))
    made_by: dict[str, Any] = {"kind": step.kind, "code": dict(step.code), "environment": dict(step.environment)}
    seen = watched(graph, step)
    files = {name: digest for name, digest in step.files.items() if name not in seen}
    return {**own, "made_by": made_by | ({"files": files} if files else {})}


def watched(graph: Graph, step: Step) -> list[str]:
    """The files that a step reads and DVC can watch.

    An accepted run's lock is written by the run itself: it is no dependency, its content is a value.
    """
    if step.kind == "previous":
        return []
    return [name for name in step.files if os.path.exists(os.path.join(graph.facts.root, name))]


def command(verb: str, options: Sequence[str], arguments: Sequence[str]) -> str:
    """A command of mlspec as a line for a shell."""
    # What comes from a spec may look like an option; behind `--` it is none.
    guard = ["--"] if any(word.startswith("-") for word in arguments) else []
    return " ".join(shlex.quote(word) for word in ("mlspec", verb, *options, *guard, *arguments))


def text(found: Sequence[Stage], spec: str = SPEC) -> dict[str, str]:
    """The stages as written in ``dvc.yaml``, by name, each as lines without indentation."""
    return {stage.name: "\n".join(_lines(stage, spec)) for stage in found}


def _stage(graph: Graph, step: Step, spec: str, overlays: Sequence[str]) -> Stage:
    metrics, plots = derived(step)
    home = folder(step.id)
    read = {place(graph.steps[one.step], one.output): None for one in step.inputs.values()}
    return Stage(
        name=stage_name(step.id),
        cmd=command("step", overlays, (step.id, *_file(spec))),
        deps=(*read, *watched(graph, step)),
        params=values(step.id),
        outs=(*(place(step, output) for output in step.outputs), f"{home}/{MADE}"),
        metrics=tuple(f"{home}/{name}" for name in metrics),
        plots={f"{home}/{name}": axes for name, axes in plots.items()},
    )


def _file(spec: str) -> tuple[str, ...]:
    return () if spec == SPEC else (spec,)


def _text(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2) + b"\n"


def _named(value: Any) -> Any:
    """A plug-in's name and settings, a pair in a step's params, as one mapping: DVC shows its values one by one."""
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict) and "type" not in value[1]:
            return {"type": value[0], **_named(value[1])}
        return [_named(item) for item in value]
    return value


def _lines(stage: Stage, spec: str) -> Iterator[str]:
    yield f"cmd: {_word(stage.cmd)}"
    if stage.deps:
        yield "deps:"
        yield from (f"- {_word(path)}" for path in stage.deps)
    if stage.params is not None:
        yield from ("params:", f"- {_word(stage.params)}:")
    if stage.name == COMPILE:
        yield from ("outs:", f"- {PARAMS}:", "    cache: false", "    persist: true")
    elif stage.outs:
        yield "outs:"
        yield from (f"- {_word(path)}" for path in stage.outs)
    if stage.metrics:
        yield "metrics:"
        yield from (f"- {_word(path)}" for path in stage.metrics)
    if stage.plots:
        yield "plots:"
        for path, axes in stage.plots.items():
            yield f"- {_word(path)}:"
            yield from (f"    {axis}: {_word(name)}" for axis, name in axes.items())
    yield from ("meta:", f"  mlspec: {_word(spec)}")


def _word(value: str) -> str:
    """Text as written in ``dvc.yaml``, where ``${`` would begin a reference."""
    return yaml_text.scalar(value.replace("${", "\\${"))
