"""Graph and results -> EvaluationFacts."""

from collections.abc import Callable
from typing import Any

import msgspec

from mlspec.graph.graph import Graph
from mlspec.report.facts.evaluation_facts import (
    Decisions,
    Estimate,
    EvaluationFacts,
    Fairness,
    GroupAnswers,
    Importance,
    PersonalFacts,
    ReliabilityBin,
    Slicing,
    WorstSlices,
)
from mlspec.report.facts.scaling_facts import ScalingFacts
from mlspec.report.facts.tradeoff_facts import Tradeoff

Read = Callable[[str, str], Any]


def evaluation(graph: Graph, measured: dict[str, Any] | None, read: Read) -> EvaluationFacts:
    """Slices, fairness, calibration, decisions, importance and the reason of the choice, as far as there are any."""
    found = measured or {}
    selection = read("select", "selection") or {}
    differences = (selection.get("differences") or {}).get("candidates", {})
    importance = read("importance", "importance")
    method = graph.project.model.calibrate
    return EvaluationFacts(
        selection_reason=selection.get("reason"),
        differences={name: msgspec.convert(value, Estimate) for name, value in differences.items()},
        calibration=None if method == "none" else method,
        personalization=_personal(read("personalize", "groups"), found.get("personalization")),
        slices=msgspec.convert(found.get("slices", ()), tuple[Slicing, ...]),
        worst_slices=_optional(found.get("worst_slice"), WorstSlices),
        fairness=msgspec.convert(found.get("fairness", ()), tuple[Fairness, ...]),
        reliability=msgspec.convert(found.get("reliability", ()), tuple[ReliabilityBin, ...]),
        decisions=_decisions(found.get("decisions"), selection.get("candidate"), read),
        importance=_optional(importance, Importance),
    )


def tradeoff(graph: Graph, read: Read) -> Tradeoff | None:
    """What mitigation costs and buys, where it was asked for."""
    found, stated = read("tradeoff", "tradeoff"), graph.project.model.mitigation
    if found is None or stated is None:
        return None
    return msgspec.convert({**found, "lawful_basis": stated.lawful_basis}, Tradeoff)


def scaling(read: Read) -> ScalingFacts | None:
    """What more training rows would buy, where that was asked for."""
    found: ScalingFacts | None = _optional(read("scaling", "curve"), ScalingFacts)
    return found


def _personal(found: Any, tested: Any) -> PersonalFacts | None:
    if found is None:
        return None
    test = {group["group"]: group for group in (tested or {}).get("groups", ())}
    groups = []
    for group in found["groups"]:
        own = test.get(group["group"])
        groups.append(
            GroupAnswers(
                **{name: group[name] for name in ("group", "answered_by", "reason", "train_rows", "validation_rows")},
                one=group["global"],
                own=group["own"],
                gain=_optional(group["gain"], Estimate),
                test=None if own is None else Estimate(own["value"], own["low"], own["high"], own["rows"]),
            )
        )
    said = ("key", "level", "strategy", "metric", "min_group_size", "confidence", "compared")
    return PersonalFacts(**{name: found[name] for name in said}, groups=tuple(groups))


def _optional(value: Any, kind: Any) -> Any:
    return None if value is None else msgspec.convert(value, kind)


def _decisions(found: Any, candidate: str | None, read: Read) -> Decisions | None:
    if found is None:
        return None
    state = read(f"prepare.{candidate}", "state") or read(f"prepare.{candidate}.fold1", "state") or {}
    classes = tuple(str(name) for name in (state.get("target") or {}).get("classes") or ())
    return msgspec.structs.replace(msgspec.convert(found, Decisions), classes=classes)
