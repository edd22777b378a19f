"""Plan -> Run: carries a graph out and gives what came of it."""

import hashlib
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from mlspec import paths
from mlspec.diagnostics import Span, StoreError
from mlspec.document import Path as SpecPath
from mlspec.engine import backend as backends
from mlspec.engine import events, fitting
from mlspec.engine.backend import Backend, Progress, RunTimeoutError, Setting, UnusableError
from mlspec.engine.budget_meter import Meter
from mlspec.engine.events import Listener
from mlspec.engine.run import data_summary, dvc_results, holdout_ledger, holdout_verdicts, step_history
from mlspec.engine.run import lockfile as locks
from mlspec.engine.run.run_folder import Journal
from mlspec.engine.run.run_record import Failure, HoldoutUse, RanStep, Run
from mlspec.engine.schedule import Result, Watch, schedule
from mlspec.engine.usage import now
from mlspec.graph import fingerprint as fp
from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS, Kind
from mlspec.graph.show import dvc
from mlspec.graph.step import Step
from mlspec.machine import json_values
from mlspec.machine.environment import device_kind, machine, processor, python_version
from mlspec.plugins.verdict import Verdict
from mlspec.spec import pinned
from mlspec.spec.requirements import Requirement, requirements
from mlspec.store import shared
from mlspec.store.errors import FULL, DamagedError, describe
from mlspec.store.store import Store

MENDINGS = 3


def run(
    graph: Graph,
    *,
    listener: Listener | None = None,
    force: Container[str] = (),
    lock: bool = True,
    renew: bool = False,
    overlays: tuple[str, ...] | None = (),
    home: Path | None = None,
    share: bool = True,
    kinds: Mapping[str, Kind] = KINDS,
) -> Run:
    """Do what is left to do of a graph, on the engine and device that its project's ``backend`` names.

    ``listener`` receives the events, ``force`` are the ids of steps to be done even if their results are stored.
    ``lock``: write ``mlspec.lock`` beside the spec when all is done; to be left out for a part of a graph and for
    passing overrides; ``renew``: what it pins of columns' spreads is as it is now. ``overlays``: the options that were
    applied to the spec, for engines that write them down; None for a part of a graph, which they do not record.
    ``home`` is the folder of all results, ``.mlspec`` beside the spec if left out; ``share``: read and fill the shared
    store, if the spec names one. ``kinds``: what is known of the kinds of steps.

    A step that fails is part of the run that is returned. Raises MlspecError when there is no such engine, StoreError
    when the disk is full, OSError when the folder can't be written to. KeyboardInterrupt goes through when everything
    has been ended and written down.
    """
    own = home is None
    home = home or paths.home(graph.facts.root)
    try:
        written = overlays if own else None
        running = _Running(graph, home, listener, force, kinds, renew=renew, share=share, overlays=written, own=own)
        return running.run(lock)
    except OSError as error:
        if error.errno in FULL:
            raise StoreError(f"{describe(error)}; free some space and run again: results so far are kept") from None
        raise


class _BudgetSpentError(Exception):
    """Raised while a run goes on: which step showed it, the bound's place in the spec, and by how much."""

    def __init__(self, step: str, path: SpecPath, cause: str) -> None:
        super().__init__(cause)
        self.step, self.path, self.cause = step, path, cause


class _Running:
    """One run, from its first event to its last."""

    def __init__(
        self,
        graph: Graph,
        home: Path,
        listener: Listener | None,
        force: Container[str],
        kinds: Mapping[str, Kind],
        *,
        renew: bool,
        share: bool,
        overlays: tuple[str, ...] | None,
        own: bool,
    ) -> None:
        self.renew = renew
        self.graph, self.home, self.force, self.kinds = graph, home, force, kinds
        self.overlays, self.own = overlays, own
        self.opened = False
        self.settings = graph.project.backend
        self.device = self.settings.device if self.settings.device != "auto" else device_kind("auto")
        self.store = Store(paths.store(home))
        self.journal = Journal(home, listener)
        self.before = step_history.read(home)
        self.results: dict[str, Result] = {}
        self.failures: dict[str, Failure] = {}
        self.carrier: Backend | None = None
        self.stack = ExitStack()
        self.again = False
        self.began = time.monotonic()
        self.shared = self.settings.store if share else None
        self.notes: set[str] = set()
        self.meter = Meter(graph)
        self.holdout: holdout_ledger.Holdout | None = None

    def run(self, lock: bool) -> Run:
        started, began = now(), time.monotonic()
        project = self.graph.project.project.name
        with self.journal:
            self.journal.tell(
                events.RunStarted(time=started, run=self.journal.id, project=project, steps=len(self.graph.steps))
            )
            try:
                with self.stack:
                    metrics, gates = self._carry_out()
            except KeyboardInterrupt:
                self._finish("interrupted", started, began, None, ())
                raise
            except _BudgetSpentError as spent:
                self._end_at(spent.step, spent.path, spent.cause)
                metrics, gates = None, ()
            except RunTimeoutError as over:
                self._end_at(over.step, ("backend", "run_timeout"), str(over))
                metrics, gates = None, ()
            run = self._finish("failed" if self.failures else "done", started, began, metrics, gates)
        if lock and run.status == "done":
            uses = () if self.holdout is None else self.holdout.uses
            beside = locks.beside(self.graph.facts.root)
            pins = locks.spreads(
                self.graph, self._report(), pinned.locked_references(self.graph.facts.root), renew=self.renew
            )
            tables = {
                name.removeprefix("source."): self.results[name].stored.outputs["table"]  # type: ignore[union-attr]
                for name, step in self.graph.steps.items()
                if step.kind == "source"
            }
            rows = self._test_rows(locks.whole(beside))
            known = data_summary.summaries(self.graph, tables, self.store.path)
            locks.write(beside, locks.of(self.graph, run, self.kinds, uses, pins, rows, self._selection(), known))
        return run

    def _end_at(self, step: str, path: SpecPath, cause: str) -> None:
        """The run is over, because of what is at that place."""
        place = None if self.graph.document is None else self.graph.document.span(path)
        self.failures[step] = Failure(step=step, cause=cause, place=place)
        self.journal.tell(events.StepFailed(time=now(), step=step, cause=cause, place=place))

    def _carry_out(self) -> tuple[dict[str, Any] | None, tuple[Verdict, ...]]:
        """Schedule until every result of the run is readable: damaged ones are computed again."""
        taken = dvc_results.take_over(Path(self.graph.facts.root), self.store, self._write) if self.own else []
        if taken:
            self.journal.open()
            text = f"results of {len(taken)} steps were computed elsewhere and are used from {dvc.RESULTS}"
            self.journal.tell(events.Noted(time=now(), text=text))
        for _attempt in range(MENDINGS):
            schedule(
                self.graph,
                self.store,
                self._start,
                Watch(self._started, self._ended, self._progress),
                kinds=self.kinds,
                force=() if self.again else self.force,
                seconds={step: was.seconds for step, was in self.before.items() if was.seconds is not None},
                device=self.device,
            )
            try:
                found = self._read()
                self._keep()
                return found
            except DamagedError:
                self.store.forget()
                self.again = True
        raise StoreError("stored results are damaged repeatedly: check the disk")

    def _start(self) -> Backend:
        """The backend, the run's folder, and the store open for writing: there is something to do."""
        if self.carrier is None:
            self._write()
            setting = Setting(
                root=self.graph.facts.root.absolute(),
                home=self.home.absolute(),
                logs=self.journal.logs.absolute(),
                steps=self.settings.workers,
                memory=self.settings.memory,
                step_timeout=self.settings.step_timeout,
                until=None if self.settings.run_timeout is None else self.began + self.settings.run_timeout,
                shared=None if self.shared is None else shared.located(self.shared, self.graph.facts.root),
                shared_folder=self.settings.shared_folder,
                encrypt=self.graph.project.storage.encrypt or "",
                accumulate=self.settings.on_out_of_memory == "accumulate",
                portable=self.settings.reproducible == "portable",
                partition=self.settings.partition,
                account=self.settings.account,
                qos=self.settings.qos,
                options=self.settings.options,
                address=self.settings.address,
                accelerator=self.settings.accelerator,
                resources=self.settings.resources,
                versions=environment(self.graph),
            )
            try:
                self.carrier = backends.start(self.settings.engine, setting, self.store)
            except UnusableError as error:
                raise fitting.refused(self.graph, error) from None
            self.stack.callback(self.carrier.close)
            fitting.demand(self.graph, self.carrier.capacity, self.results)
            self.journal.open()
        return self.carrier

    def _write(self) -> Store:
        """The store, open for writing."""
        if not self.opened:
            paths.prepare(self.home)
            self.stack.enter_context(self.store.writing())
            self.opened = True
        return self.store

    def _keep(self) -> None:
        """Let the engine hold the results where it holds them too."""
        if self.overlays is None:
            return
        results = {step: result.stored for step, result in self.results.items() if result.stored is not None}
        keeping = backends.Keeping(
            graph=self.graph,
            results=results,
            home=self.home.absolute(),
            overlays=self.overlays,
            write=self._write,
            note=lambda text: self.journal.tell(events.Noted(time=now(), text=text)),
        )
        backends.keep(self.settings.engine, keeping)

    def _started(self, step: Step, fingerprint: str) -> None:
        self.meter.started(step.id)
        was = self.before.get(step.id)
        expected = None if was is None else was.seconds
        self.journal.tell(events.StepStarted(time=now(), step=step.id, fingerprint=fingerprint, expected=expected))

    def _progress(self, report: Progress) -> None:
        self._stop_if_spent(report.step)
        self.journal.tell(
            events.StepProgress(
                time=now(), step=report.step, what=report.what, share=report.share, figures=report.figures
            )
        )

    def _ended(self, step: Step, result: Result) -> None:
        known = self.results.get(step.id)
        if known is not None and result.action == "cached":
            # Looked up a second time, because something else was damaged.
            return
        self.results[step.id] = result
        self.meter.ended(step.id, None if result.stored is None else result.stored.record.get("seconds"))
        self.failures.pop(step.id, None)
        if result.note and result.note not in self.notes:
            self.notes.add(result.note)
            self.journal.tell(events.Noted(time=now(), text=result.note))
        if result.stored is not None:
            key = result.stored.fingerprint
            if result.action == "done":
                seconds, outputs = result.stored.record["seconds"], result.stored.outputs
                self.journal.tell(
                    events.StepFinished(time=now(), step=step.id, fingerprint=key, seconds=seconds, outputs=outputs)
                )
            else:
                self.journal.tell(events.StepCached(time=now(), step=step.id, fingerprint=key))
            if step.kind == "evaluate_test":
                self._count_use()
        elif result.action == "failed":
            log = result.log if result.log is not None and Path(result.log).exists() else None
            failure = Failure(step=step.id, cause=result.cause, place=_place(self.graph, step, result), log=log)
            self.failures[step.id] = failure
            self.journal.tell(
                events.StepFailed(time=now(), step=step.id, cause=failure.cause, place=failure.place, log=log)
            )
        else:
            self.journal.tell(events.StepNotReached(time=now(), step=step.id, because=result.because))
        if result.action == "done":
            self._stop_if_spent(step.id)

    def _stop_if_spent(self, step: str) -> None:
        """End the run when its budget is gone; what is done, and what running steps have written down, is kept."""
        gone = self.meter.gone()
        if gone is not None:
            what, text = gone
            raise _BudgetSpentError(step, ("constraints", "budget", what), f"the budget is spent: {text}")

    def _count_use(self) -> None:
        """The test rows have judged a model: recorded before the verdict is shown."""
        digests = {step: result.stored.outputs for step, result in self.results.items() if result.stored is not None}
        use = holdout_ledger.use_of(self.graph, digests)
        if use is not None:
            lock = locks.read(locks.beside(self.graph.facts.root))
            holdout_ledger.record(self.home, use, run=self.journal.id, time=now())
            known = [*(() if lock is None else lock.holdout), *holdout_ledger.read(self.home)]
            allowed = self.graph.project.evaluation.holdout
            self.holdout = holdout_ledger.count(use, known, None if allowed is None else allowed.max_uses)

    def _read(self) -> tuple[dict[str, Any] | None, tuple[Verdict, ...]]:
        """The metrics of the final evaluation, with those of further seeds, and the verdict on each requirement that a
        gate decides on."""
        metrics: dict[str, Any] | None = None
        gates: list[Verdict] = []
        stated: dict[str, list[Requirement]] = {}
        for requirement in requirements(self.graph.project):
            gate = self.graph.find(f"gate.{requirement.id}") if requirement.binding == "gate" else None
            if gate is not None:
                stated.setdefault(gate.id, []).append(requirement)
        for step in self.graph.steps.values():
            stored = self.results[step.id].stored
            if stored is not None and step.kind == "evaluate_test":
                metrics = self._json(stored.outputs["metrics"])
            elif stored is not None and step.kind == "seeds" and metrics is not None:
                found = self._json(stored.outputs["seeds"])
                # Where the model was fitted again, that of the first seed is among the others.
                lacks = len(found["seeds"]) < self.graph.project.model.repeats
                first = {name: [one["value"]] if lacks else [] for name, one in metrics["metrics"].items()}
                every = {name: [*first[name], *values] for name, values in found["metrics"].items()}
                metrics = {**metrics, "seeds": every}
            elif stored is not None and step.kind == "gate":
                decided = json_values.read(self.store.path(stored.outputs["verdict"]), Verdict)
                name = step.id.removeprefix("gate.")
                alone = [Requirement(id=name, path=step.path, binding="gate", check=step.params)]
                gates += [holdout_verdicts.seen(decided, one, self.holdout) for one in stated.get(step.id, alone)]
        return metrics, tuple(gates)

    def _selection(self) -> Any:
        """The candidates' scores on the validation rows, where one was selected."""
        found = (result.stored for name, result in self.results.items() if self.graph.steps[name].kind == "select")
        stored = next(found, None)
        return None if stored is None else self._json(stored.outputs["selection"])

    def _report(self) -> Any:
        """What the check of the data has measured, where there is one."""
        result = self.results.get("expect")
        return None if result is None or result.stored is None else self._json(result.stored.outputs["report"])

    def _test_rows(self, before: locks.Lock | None) -> pinned.LockedRows | None:
        """What identifies the test rows; as the lock has it where nothing was done."""
        split = self.graph.steps.get("split")
        stored = None if split is None else self.results[split.id].stored
        if split is None or stored is None or "target" not in split.params:
            return None
        digest = stored.outputs["test"]
        known = None if before is None else before.steps.get(split.id)
        same = known is not None and known.outputs.get("test") == digest
        if before is not None and before.test_rows is not None and same and not self.journal.opened:
            return before.test_rows
        from mlspec.steps.data import table_digest

        return table_digest.rows(self.store.path(digest), tables.measured(self.graph))

    def _json(self, digest: str) -> Any:
        return json_values.read(self.store.path(digest))

    def _finish(
        self,
        status: Literal["done", "failed", "interrupted"],
        started: str,
        began: float,
        metrics: dict[str, Any] | None,
        gates: tuple[Verdict, ...],
    ) -> Run:
        self._remember()
        run = Run(
            id=self.journal.id,
            folder=str(self.journal.folder) if self.journal.opened else None,
            status=status,
            project=self.graph.project.project.name,
            spec=_spec(self.graph),
            started=started,
            finished=now(),
            seconds=round(time.monotonic() - began, 3),
            engine=self.settings.engine,
            device=self.device,
            steps={step_id: _ran(self.graph.steps[step_id], self.results[step_id]) for step_id in self._known()},
            failures=tuple(self.failures[step_id] for step_id in self.graph.steps if step_id in self.failures),
            gates=gates,
            metrics=metrics,
            environment=environment(self.graph),
            holdout=None
            if self.holdout is None
            else HoldoutUse(uses=len(self.holdout.uses), place=self.holdout.place, allowed=self.holdout.allowed),
        )
        self.journal.tell(
            events.RunFinished(
                time=run.finished,
                run=run.id,
                status=status,
                seconds=run.seconds,
                done=run.count("done"),
                cached=run.count("cached"),
                failed=run.count("failed"),
                not_reached=run.count("not reached"),
            )
        )
        self.journal.write(run)
        return run

    def _known(self) -> Iterator[str]:
        return (step_id for step_id in self.graph.steps if step_id in self.results)

    def _remember(self) -> None:
        """What the steps with a result were made of, for the next plan."""
        steps = {}
        for step_id in self._known():
            stored = self.results[step_id].stored
            if stored is not None:
                parts = fp.parts(self.graph.steps[step_id], stored.inputs)
                steps[step_id] = step_history.Before(parts, stored.record.get("seconds"))
        step_history.write(self.home, self.before, steps)


def environment(graph: Graph) -> dict[str, str]:
    """What results depend on beside spec and data: mlspec, Python, the machine, and the libraries in use."""
    from mlspec import __version__

    found = {"mlspec": __version__, "python": python_version(), "machine": machine(), "processor": processor()}
    libraries = {name: version for step in graph.steps.values() for name, version in step.environment.items()}
    return found | {name: libraries[name] for name in sorted(libraries) if name not in found}


def _ran(step: Step, result: Result) -> RanStep:
    stored = result.stored
    return RanStep(
        kind=step.kind,
        action=result.action,
        fingerprint=result.fingerprint,
        outputs={} if stored is None else stored.outputs,
        record={} if stored is None else stored.record,
        because=result.because,
    )


def _place(graph: Graph, step: Step, failed: Result | None = None) -> Span | None:
    """The key that is to blame, the place that it is about, or what made the step."""
    path: SpecPath = step.path
    if failed is not None and failed.path:
        path = failed.path
    elif failed is not None and failed.limit:
        path = ("backend", failed.limit)
    elif failed is not None and failed.setting:
        path = (*step.path, failed.setting)
    return graph.document.span(path) if graph.document is not None and path else None


def _spec(graph: Graph) -> dict[str, str]:
    if graph.document is None:
        return {}
    text = "\0".join(graph.document.texts[file] for file in sorted(graph.document.texts))
    return {"file": graph.document.file, "sha256": hashlib.sha256(text.encode()).hexdigest()}
