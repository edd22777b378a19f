"""Carries compiled specs out."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mlspec.api.checking import FETCHING, Compiled, Fetching, compile, overlays, step_named  # noqa: A004
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.plugins.verdict import Verdict as Verdict

if TYPE_CHECKING:
    from mlspec.engine.events import Listener
    from mlspec.engine.run.run_record import Run
    from mlspec.report.facts.delivery_facts import Figures
    from mlspec.report.facts.run import RunFacts
    from mlspec.spec import Project
    from mlspec.store.action import Action


def run(
    spec: str | os.PathLike[str] | None = None,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    only: Sequence[str] = (),
    force: bool = False,
    listener: "Listener | None" = None,
    fetching: Fetching = FETCHING,
) -> "RunFacts":
    """Run what is needed of a spec, and give what came of it.

    ``only``: these steps and what they need; ``force``: do them (or all) even if their results are stored.
    ``listener`` receives each event. Writes the run's folder with its report, unless there was nothing to do and a
    report on the same results is here. Raises SpecError where the spec is wrong; a failed step or constraint is
    reported in the result.
    """
    compiled = compile(
        spec,
        profile=profile,
        sets=sets,
        backend=backend,
        large=large,
        only=only,
        running=True,
        fetching=fetching,
    )
    return execute(compiled, force=force, forced=only, listener=listener)


def execute(
    compiled: Compiled, *, force: bool = False, forced: Sequence[str] = (), listener: "Listener | None" = None
) -> "RunFacts":
    """Run a compiled spec: ``run`` behind its compilation. ``force``: do the steps in ``forced``, or all, anyway."""
    from mlspec import paths
    from mlspec.engine.run import run_record
    from mlspec.engine.run.run import run as carry_out
    from mlspec.report.facts import summarise
    from mlspec.report.runs import stored
    from mlspec.spec.dump import resolved

    graph = compiled.plan.graph
    named = {step.id for name in forced if (step := graph.find(name)) is not None}
    laid = overlays(compiled)
    ran = carry_out(
        graph,
        listener=listener,
        force=(named or graph.steps.keys()) if force else (),
        lock=compiled.whole and not laid,
        renew=compiled.renew,
        overlays=tuple(laid) if compiled.whole else None,
    )
    found = summarise.facts(graph, ran, profile=compiled.profile, overrides=compiled.overrides)
    if ran.folder is None:
        _prune(compiled, ran)
        before = stored.with_results_of(compiled.checked.root, found, resolved(graph.project))
        if before is not None:
            return msgspec.structs.replace(found, report=before.report, model=before.model)
        if not compiled.whole:
            return found
        # The run that made the results was ended before it could write its report, was somebody else's, or one of a
        # spec that said other things which change no result, but its report.
        ran = run_record.write(paths.home(compiled.checked.root), ran)
        found = summarise.facts(graph, ran, profile=compiled.profile, overrides=compiled.overrides)
    found = msgspec.structs.replace(found, delivery=_delivery(compiled.checked.root, graph.project, found.started))
    document = compiled.checked.document
    summarise.save(graph, ran, found, document.texts[document.file])
    if graph.project.report.mlflow is not None:
        tracked = track(compiled.checked.root, graph.project, found.id).tracked
        found = msgspec.structs.replace(found, tracked=tracked)
    _prune(compiled, ran)
    return found


def _delivery(root: Path, project: "Project", started: str) -> "tuple[Figures, ...]":
    """DORA's figures of the project's registry, where it has one."""
    from mlspec.spec.operation.release import REGISTRY

    release = None if project.operation is None else project.operation.release
    folder = root / Path(REGISTRY if release is None else release.registry).expanduser()
    if not (folder / "ledger.jsonl").exists():
        return ()
    from mlspec.release import dora

    return dora.of_registry(folder, datetime.fromisoformat(started))


def _prune(compiled: Compiled, ran: "Run") -> None:
    """Remove the runs that need not stay, once one has succeeded."""
    keep = compiled.checked.project.storage.keep
    if keep is not None and ran.status == "done":
        from mlspec.engine.run import retention
        from mlspec.spec.storage import kept

        retention.prune(compiled.checked.root, *kept(keep))


def track(root: Path, project: "Project", run: str | None = None) -> "RunFacts":
    """Log a run (the last one, or the one whose id begins with ``run``) on the MLflow server that a project states.

    Errors are reported in the run's facts. Raises SpecError when there is no such run, or no server stated.
    """
    from mlspec.report import tracking
    from mlspec.report.runs import stored

    wanted = project.report.mlflow
    if wanted is None:
        note = "set report.mlflow.tracking_uri"
        raise SpecError([Diagnostic(code="no-server", message="the spec names no MLflow server", notes=(note,))])
    found = stored.find(root, run)
    folder = root / stored.RUNS / found.id
    found = msgspec.structs.replace(found, tracked=tracking.track(found, folder, wanted))
    stored.save(found, folder, {})
    return found


def step(compiled: Compiled, name: str) -> "tuple[Action, bool]":
    """Do one step of a compiled spec on what the steps before it have left in ``mlspec.results``: a stage of DVC.

    Gives what it gave, and whether it was done now. Raises SpecError when there is no such step, or DVC looked at other
    values than these, and StepError when it fails.
    """
    from mlspec.engine import run_single
    from mlspec_backends import _dvc_files

    graph = compiled.plan.graph
    found = step_named(graph, name)
    _dvc_files.check_step(graph, found)
    return run_single.do(graph, found)
