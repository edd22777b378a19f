"""What identifies a step apart from its environment and the content of its inputs: the spec, its files and the code.

A lock keeps these digests, so that it can be held against a spec on a machine without the data engine, the learning
libraries, the device or the keys of the one that ran. What follows from those, or from an earlier lock, is left out.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from mlspec import registry
from mlspec.graph import fingerprint as fp
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step
from mlspec.plugins.source import AVAILABILITY
from mlspec.spec.requirements import Requirement, requirements

# The order of columns follows from the data, and so from its digest.
UNORDERED = frozenset({"columns", "features", "worst_slice", "masked", "ids", "dates"})
PINNED = frozenset({"before", "reference", "today"})


def digests(graph: Graph, files: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """By step, 64 hex digits. ``files``: the sha256 of what each step reads from outside the store, by its names."""
    checks = {f"gate.{one.id}": _check(graph, one) for one in requirements(graph.project) if one.binding == "gate"}
    return {
        step_id: hashlib.sha256(
            fp.canonical(
                [
                    step.kind,
                    step.code,
                    _plain(checks.get(step_id) or _params(graph, step)),
                    _files(step, files.get(step_id, {})),
                    {name: [read.step, read.output] for name, read in step.inputs.items()},
                ]
            )
        ).hexdigest()
        for step_id, step in graph.folded.steps.items()
    }


def _check(graph: Graph, requirement: Requirement) -> Mapping[str, Any]:
    """What a gate decides by; how often test rows may judge is decided apart from the step."""
    allowed = graph.project.evaluation.holdout
    judged = allowed is not None and registry.constraint(requirement.check["of"]).on_test_rows
    return {**requirement.check, "max_uses": allowed.max_uses} if judged and allowed else requirement.check


def _params(graph: Graph, step: Step) -> dict[str, Any]:
    """The params without what this machine adds to them."""
    params = dict(step.params)
    if "device" in params:
        params |= {"device": graph.project.backend.device, "processes": graph.project.backend.processes}
    if "keys" in params:
        params["keys"] = sorted(params["keys"])
    if step.kind == "check_groups":
        params["positive"] = graph.project.data.columns.positive
    if step.kind == "expect":
        params["expectations"] = [
            {key: value for key, value in one.items() if key not in PINNED} for one in params["expectations"]
        ]
    if step.kind == "source":
        use = graph.project.data.sources[step.id.removeprefix("source.")]
        settings = msgspec.json.decode(msgspec.json.encode(use.plugin))
        # Moved data is the same data; a snapshot is what its source asked for.
        own = {} if "://" in str(settings.get("path", "")) else {"path": None}
        kept = {key: value for key, value in (settings | own).items() if key not in AVAILABILITY}
        params = {key: value for key, value in params.items() if key != "treated"} | {"source": [use.name, kept]}
    return params


def _files(step: Step, files: Mapping[str, str]) -> Any:
    if step.kind != "source":
        return sorted(files.values()) if step.kind == "previous" else dict(files)
    if len(files) <= 1:
        return list(files.values())
    above = os.path.commonpath(list(files))
    return {os.path.relpath(name, above): digest for name, digest in files.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: sorted(map(_plain, item), key=fp.canonical)
            if key in UNORDERED and isinstance(item, list | tuple)
            else _plain(item)
            for key, item in value.items()
        }
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
