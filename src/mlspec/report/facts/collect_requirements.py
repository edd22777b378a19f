"""Requirements and what became of them -> RequirementFact: the matrix of a report."""

from collections.abc import Iterator, Sequence

from mlspec import formatting
from mlspec.engine.run.run_record import Run
from mlspec.graph.budget import critical_path
from mlspec.graph.graph import Graph
from mlspec.plugins.verdict import Decision, Verdict
from mlspec.report import sentences
from mlspec.report.facts.collect import place
from mlspec.report.facts.run import RequirementFact
from mlspec.spec.requirements import Requirement, requirements

MEASURED = {"mistakes": "expected_cost"}


def requirement_facts(graph: Graph, gates: Sequence[Verdict], run: Run) -> Iterator[RequirementFact]:
    """Every requirement of the spec, in its order; one whose gate was not reached is unknown."""
    decided = {gate.gate: gate for gate in gates}
    for requirement in requirements(graph.project):
        gate = decided.get(f"gate.{requirement.id}")
        text, check, evidence, verdict = _bound(requirement, gate, run, graph)
        yield RequirementFact(
            requirement=requirement.id,
            text=text,
            binding=requirement.binding,
            check=check,
            evidence=evidence,
            verdict=verdict,
            waived=requirement.waived,
            place=place(graph, requirement.path),
        )


def _bound(
    requirement: Requirement, gate: Verdict | None, run: Run, graph: Graph
) -> tuple[str, str, str, Decision | None]:
    if requirement.binding == "gate":
        name = f"gate.{requirement.id}"
        if gate is None:
            return requirement.text or requirement.id, name, "the gate was not reached", "unknown"
        evidence = sentences.gate_value(gate) if gate.value is not None else ""
        text = f"{requirement.text.rstrip('.')}: {gate.requirement}" if requirement.text else gate.requirement
        return text, name, evidence, gate.verdict
    if requirement.binding == "compiled":
        return requirement.text, "mlspec validate", "checked before the run", "pass"
    if requirement.binding == "monitored":
        return requirement.text, "mlspec monitor", "judged in service", None
    if requirement.binding == "measured":
        check, evidence = _measured(requirement, run, graph)
        return requirement.text, check, evidence, None
    return requirement.text, "", "", None


def _measured(requirement: Requirement, run: Run, graph: Graph) -> tuple[str, str]:
    measured = run.metrics or {}
    if requirement.id == "deadline":
        taken, way = critical_path(graph, {name: step.seconds for name, step in run.steps.items()})
        return "critical path", f"{formatting.seconds(taken)}: {' -> '.join(way)}"
    if requirement.id == "approvals":
        return "mlspec release", "demanded of each release"
    if requirement.id == "abstain":
        coverage = ((measured.get("decisions") or {}).get("abstention") or {}).get("coverage") or {}
        message = (
            ""
            if coverage.get("value") is None
            else f"coverage {formatting.figure(coverage['value'])} (share of automatic decisions)"
        )
        return "evaluate", message
    name = MEASURED.get(requirement.id)
    if name is None and requirement.path[:2] == ("project", "goals"):
        name = graph.project.project.goals[int(requirement.path[2])].metric
    found = measured.get("metrics", {}).get(name) or {}
    if found.get("value") is None:
        return "evaluate", ""
    ends = (found["low"], found["high"])
    return "evaluate", f"{name} {formatting.figure(found['value'], ends)} {formatting.interval(*ends)}".rstrip()
