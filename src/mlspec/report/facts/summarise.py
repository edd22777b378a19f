"""Graph and Run -> RunFacts, pages and the exported model in the run's folder."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mlspec import paths
from mlspec.diagnostics import Place
from mlspec.engine.run import run_record
from mlspec.engine.run.run_record import Run
from mlspec.graph.graph import Graph
from mlspec.machine import json_values
from mlspec.plugins.verdict import Verdict
from mlspec.report.facts import collect, collect_evaluation, evidence_lines
from mlspec.report.facts.collect_requirements import requirement_facts
from mlspec.report.facts.run import FailureFact, HoldoutFact, MemoryFact, Outcome, RunFacts, StepFact
from mlspec.report.runs import stored
from mlspec.spec import Project
from mlspec.steps.serving import package_format, reference
from mlspec.store import files
from mlspec.store.store import Store

PARTS = ("train", "validation", "test")
ACTIONS: dict[str, Any] = {"done": "ran", "cached": "cached", "failed": "failed", "not reached": "skipped"}


def facts(graph: Graph, run: Run, *, profile: str | None = None, overrides: Sequence[str] = ()) -> RunFacts:
    """All that a run shows. Reads small JSON results from the store, nothing else."""
    store = Store(paths.store(paths.home(graph.facts.root)))

    def digest(step_id: str, output: str) -> str | None:
        step = graph.find(step_id)
        ran = None if step is None else run.steps.get(step.id)
        return None if ran is None else ran.outputs.get(output)

    def read(step_id: str, output: str) -> Any:
        found = digest(step_id, output)
        return None if found is None else json_values.read(store.path(found))

    def seconds(step_id: str) -> float | None:
        return run.steps[step_id].seconds if step_id in run.steps else None

    gates = tuple(collect.gates(graph, run.gates))
    selection = read("select", "selection") or {}
    scores = tuple(collect.scores(graph, run.metrics))
    checks = tuple(collect.checks(graph, read, scores))
    project, whole = graph.project, run_record.folded(run, graph)
    folder = None if run.folder is None else Path(run.folder)
    return RunFacts(
        id=run.id,
        project=project.project.name,
        goal=project.project.goal,
        owners=project.project.owners,
        decision=project.project.users.decision,
        license=project.project.license,
        task=project.project.task,
        target=project.data.columns.target,
        spec=run.spec.get("file", ""),
        profile=profile,
        overrides=tuple(overrides),
        started=run.started,
        seconds=run.seconds,
        outcome=outcome(run, gates),
        requirements=tuple(requirement_facts(graph, gates, run)),
        holdout=None if run.holdout is None else msgspec.convert(msgspec.to_builtins(run.holdout), HoldoutFact),
        counts=dict(Counter(ACTIONS[step.action] for step in whole.steps.values())),
        gates=gates,
        scores=scores,
        unmeasured=tuple(collect.unmeasured(run.metrics)),
        selected=selection.get("candidate"),
        selected_on=_selected_on(project),
        selected_by=selection.get("metric") or project.model.select.metric,
        candidates=tuple(collect.candidates(graph, read, seconds)),
        final=collect.final(graph, read),
        data=collect.data(graph, read, digest),
        checks=checks,
        leaks=collect.leaks(checks),
        evaluation=collect_evaluation.evaluation(graph, run.metrics, read),
        tradeoff=collect_evaluation.tradeoff(graph, read),
        scaling=collect_evaluation.scaling(read),
        latency=read("measure.latency", "latency"),
        size=read("measure.size", "size"),
        failures=tuple(
            FailureFact(
                step=failure.step,
                cause=failure.cause,
                place=None
                if failure.place is None
                else Place(failure.place.file, failure.place.line, failure.place.column),
                log=failure.log,
            )
            for failure in run.failures
        ),
        steps=tuple(
            StepFact(
                id=step_id,
                kind=step.kind,
                action=ACTIONS[step.action],
                seconds=step.seconds,
                cpu_seconds=step.record.get("cpu_seconds"),
                memory=step.record.get("peak_memory"),
                memory_over_time=MemoryFact(**seen) if (seen := step.record.get("memory")) else None,
                fingerprint=step.fingerprint,
                outputs=step.outputs,
            )
            for step_id, step in whole.steps.items()
        ),
        memory_limit=graph.project.backend.memory,
        environment=run.environment,
        folder="" if folder is None else str(folder),
        report=None if folder is None else str(folder / stored.PAGE),
        model=None if folder is None or digest(graph.package, "model") is None else str(folder / stored.MODEL),
    )


def outcome(run: Run, gates: Sequence[Verdict]) -> Outcome:
    """How a run ended: a gate without a verdict is never taken for one that holds."""
    if run.status == "interrupted":
        return "interrupted"
    if run.failures:
        return "error"
    verdicts = {gate.verdict for gate in gates if not gate.waived}
    if "fail" in verdicts:
        return "failed"
    undecided = any(step.kind == "gate" and not step.outputs for step in run.steps.values())
    return "unknown" if undecided or "unknown" in verdicts else "passed"


def save(graph: Graph, run: Run, found: RunFacts, spec_text: str) -> None:
    """Write facts, evidence, page, summary and the exported model with its card into the run's folder, where it has
    one."""
    from mlspec.graph.show.svg import svg
    from mlspec.report.card.card import card
    from mlspec.report.markdown import markdown
    from mlspec.report.page.page import page
    from mlspec.spec.dump import resolved

    if run.folder is None:
        return
    folder = Path(run.folder)
    export(graph, run, folder / stored.MODEL)
    _add_reference(graph, run, folder / stored.MODEL)
    files.replace(folder / stored.EVIDENCE, evidence_lines.encode(evidence_lines.evidence(graph, run, found)))
    found = _with_profile(graph, run, found)
    texts = {
        stored.PAGE: page(found, spec_text, svg(graph.folded)),
        stored.SUMMARY: markdown(found),
        stored.RESOLVED: resolved(graph.project),
    }
    if (folder / stored.MODEL).is_dir():
        package_format.add(folder / stored.MODEL, stored.CARD, card(found))
    stored.save(found, folder, texts)


def _with_profile(graph: Graph, run: Run, found: RunFacts) -> RunFacts:
    """Looking at rows takes a data engine: it is done when something was, not when there was nothing to do."""
    step = run.steps.get("split")
    if step is None or "train" not in step.outputs:
        return found
    from mlspec.report.facts import profile

    store = Store(paths.store(paths.home(graph.facts.root)))
    parts = {part: store.path(step.outputs[part]) for part in PARTS}
    target = graph.project.data.columns.target
    unseen = frozenset(entry.column for entry in found.data.personal if entry.action)
    data = msgspec.structs.replace(
        found.data,
        rows={part: rows for part, path in parts.items() if (rows := profile.row_count(path))},
        columns=profile.profiled(parts["train"], found.data.columns, unseen),
        balance=() if found.task == "regression" else profile.balance(parts, target),
    )
    return msgspec.structs.replace(found, data=data)


def export(graph: Graph, run: Run, folder: Path) -> None:
    """Copy the selected model out of the store."""
    step = run.steps.get(graph.package)
    digest = None if step is None else step.outputs.get("model")
    if digest is not None and not folder.exists():
        store = Store(paths.store(paths.home(graph.facts.root)))
        files.copy(store.path(digest), folder)


def _add_reference(graph: Graph, run: Run, folder: Path) -> None:
    """Put the sketch of the test rows into the exported model, with the time at which the run began."""
    step = run.steps.get("reference")
    digest = None if step is None else step.outputs.get("reference")
    if digest is None or not folder.is_dir():
        return
    data = Store(paths.store(paths.home(graph.facts.root))).path(digest).read_bytes()
    made = reference.decoded(data)
    text = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(made, made=run.started)), indent=1)
    package_format.add(folder, reference.FILE, text.decode())


def _selected_on(project: Project) -> str:
    folds = project.model.cross_validation
    if folds is None:
        return "validation rows"
    return f"held-out rows of {folds.folds} folds" + (f", {folds.repeats} times" if folds.repeats > 1 else "")
