"""Trains a model in service again, on what the log and the labels say, and gives its stage the new one.

Each step can be done again without a difference, and how far it is, is kept (``monitoring/unfinished.py``): a call
after a kill, or after a person has done what was missing, goes on where the one before it ended.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from msgspec.structs import replace

from mlspec import formatting, paths
from mlspec.api import monitoring, releasing, tables
from mlspec.api.checking import Checked, validate
from mlspec.api.running import run
from mlspec.diagnostics import SpecError
from mlspec.machine import python_paths, safe_files, whole_files
from mlspec.monitoring import new_rows, retraining, unfinished
from mlspec.monitoring.errors import refused
from mlspec.monitoring.retraining import Retrained
from mlspec.monitoring.unfinished import Unfinished
from mlspec.spec.operation.retrain import ENDINGS, NEW, Retrain
from mlspec.steps.serving import package_format

if TYPE_CHECKING:
    from mlspec.engine.events import Listener
    from mlspec.monitoring.candidate import Compared
    from mlspec.plugins.base import Schema
    from mlspec.report.facts.run import RunFacts

LEAST = 100  # labelled rows to compare on, of fewer a person decides
WAITING = {"tree-not-clean", "approval-missing"}  # what a person has to do before a release
Name = str | os.PathLike[str]


class _Project(NamedTuple):
    checked: Checked
    wanted: Retrain
    stage: str
    registry: Path
    home: Path

    @property
    def root(self) -> Path:
        return self.checked.root


@python_paths.only_own()
def retrain(
    log: Name,
    labels: Name | None = None,
    *,
    spec: Name | None = None,
    now: datetime | None = None,
    registry: Name | None = None,
    key: Name | None = None,
    unsigned: bool = False,
    drop: bool = False,
    listener: "Listener | None" = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> Retrained:
    """Train the model of a stage again where ``operation.retrain`` says so, as of a time: its labelled rows become a
    new file of a source, the spec is run, the new model is compared with the one in service on rows that neither was
    trained on, released, and promoted where the spec says so.

    A retraining that has not ended is continued, as of its own time. ``drop``: it is given up, and the project is as
    before. ``key`` and ``unsigned`` are those of ``release``. Raises SpecError as ``monitor``, ``run`` and ``release``
    do, and StoreError where another process retrains this project.
    """
    project = _opened(spec, registry)
    if not unsigned and not drop:
        releasing.private_key(key)  # to be known before anything is trained
    with unfinished.alone(project.home):
        state = unfinished.read(project.home)
        if drop:
            if state is None:
                raise refused("no-retraining", "there is no retraining to give up", "mlspec retrain LOG begins one")
            return _given_up(project, state, "it was given up")
        if state is None:
            begun = _begun(project, log, labels, datetime.now(UTC) if now is None else now)
            if isinstance(begun, Retrained):
                return begun
            state = begun
            tell(f"due: {_why(state)}; {formatting.count(state.rows, 'labelled row')} in {state.file}")
        else:
            tell(f"continuing the retraining as of {formatting.moment(state.now)}")
        return _continued(project, state, (log, labels), (key, unsigned), listener, tell)


def _opened(spec: Name | None, registry: Name | None) -> _Project:
    checked = validate(spec)
    operation = checked.project.operation
    wanted = None if operation is None else operation.retrain
    if operation is None or wanted is None or wanted.source is None:
        note = "state operation.retrain with the source that gets the labelled rows"
        raise refused("no-retrain", "the spec does not say how its model is trained again", note)
    stage = wanted.stage or (operation.release.stages[-1] if operation.release is not None else "")
    folder = releasing.registry_folder(registry, checked.path)
    return _Project(checked, wanted, stage, folder, paths.home(checked.root))


def _served(project: _Project) -> str:
    from mlspec.release import registry as registries

    return registries.staged(project.registry, project.stage).name


def _begun(project: _Project, log: Name, labels: Name | None, now: datetime) -> Retrained | Unfinished:
    """A new retraining, with its rows kept; what is said where none is due."""
    from mlspec.release import refusals
    from mlspec.release import registry as registries

    served = _served(project)
    package = registries.folder_of(project.registry, served)
    given = monitoring.read(log, labels, package, now, whole=True, is_new=True)
    reference = given.packaged.reference
    check = retraining.checked(reference, monitoring.judged(package, given), given.now)
    if not check.due:
        text = "no reason to train it again"
        return Retrained(outcome="not_due", text=text, check=check, stage=project.stage, served=served)
    changed = list(refusals.tree(project.root))
    if changed:
        raise SpecError(changed)
    if given.labels is None:
        raise refused("bad-labels", "there are no labels to train on", "name a file, or state operation.labels")
    due = _due(given)
    rows = new_rows.labelled(reference, due.log, given.labels, given.packaged.digest)
    since = new_rows.boundary(rows[new_rows.TIME], project.wanted.compare) if rows.height else None
    if since is None:
        text = f"{formatting.count(rows.height, 'row')} of this model with a label that is due: too few to train on"
        raise refused("bad-labels", text)
    left = unfinished.rows(project.home, unfinished.LEFT)
    pool = new_rows.together([one for one in (left, rows) if one is not None and one.height])
    unfinished.keep(project.home, pool)
    trained = pool.filter(pl.col(new_rows.TIME) <= since)
    name = f"{given.now:%Y%m%dT%H%M%SZ}"
    lock = project.root / "mlspec.lock"
    state = Unfinished(
        id=name,
        check=check,
        stage=project.stage,
        served=served,
        now=given.now.isoformat(),
        until=_until(given).isoformat(),
        since=since.isoformat(),
        file=_file(project, name),
        rows=trained.height,
        lock=safe_files.read(lock) if lock.is_file() else None,
        missing=tuple(new_rows.missing(_columns(project), _table(project, trained))),
    )
    return unfinished.write(project.home, state)


def _continued(
    project: _Project,
    state: Unfinished,
    read: tuple[Name, Name | None],
    sign: tuple[Name | None, bool],
    listener: "Listener | None",
    tell: Callable[[str], None],
) -> Retrained:
    served = _served(project)
    if state.bundle and served == state.bundle:
        return _promoted(project, state)
    if served != state.served:
        return _given_up(project, state, f"stage '{state.stage}' has had another bundle since")
    if not state.run:
        made = _run(project, state, listener)
        if isinstance(made, Retrained):
            return made
        state = made
    if state.compared is None:
        state = unfinished.write(project.home, replace(state, compared=_compared(project, state, read)))
    assert state.compared is not None
    automatic = project.wanted.promote == "gates_and_not_worse"
    if automatic and state.compared.worse:
        return _given_up(project, state, "the new model is worse than the one in service")
    if not state.bundle:
        done = _released(project, state, sign)
        if isinstance(done, Retrained):
            return done
        state = done
        tell(f"released: {state.version} ({state.bundle[:12]})")
    why = _by_hand(project, state)
    if why:
        steps = [f"mlspec release promote {state.version} {stage}" for stage in _stages(project, state)]
        text = f"{state.version} is released, and a person promotes it: {why}"
        return _so_far(state, "waiting", text, (*steps, "or mlspec retrain --drop LOG"))
    from mlspec.release import registry as registries

    for stage in _stages(project, state):
        registries.promote(project.registry, state.bundle, stage, releasing.who(), f"retrained: {_why(state)}")
    return _promoted(project, state)


def _run(project: _Project, state: Unfinished, listener: "Listener | None") -> Unfinished | Retrained:
    pool = unfinished.rows(project.home)
    if pool is None:
        return _given_up(project, state, "the rows that were kept for it are gone")
    trained = pool.filter(pl.col(new_rows.TIME) <= datetime.fromisoformat(state.since))
    tables.write_table(_table(project, trained), project.root / state.file)
    facts = run(project.checked.path, listener=listener)
    if facts.outcome in ("error", "interrupted"):
        what = ", ".join(f"step '{one.step}': {one.cause}" for one in facts.failures) or "it was interrupted"
        return _so_far(state, "failed", f"the run did not finish: {what}")
    if facts.outcome != "passed" or facts.model is None:
        return _given_up(project, replace(state, run=facts.id), f"gates do not pass: {_failing(facts)}")
    model = Path(facts.model)
    return unfinished.write(project.home, replace(state, run=facts.id, package=package_format.digest(model)))


def _failing(facts: "RunFacts") -> str:
    return ", ".join(f"{gate.gate} ({gate.verdict})" for gate in facts.gates if gate.verdict != "pass")


def _compared(project: _Project, state: Unfinished, read: tuple[Name, Name | None]) -> "Compared":
    from mlspec.release import registry as registries
    from mlspec.report.runs import stored

    package = registries.folder_of(project.registry, state.served)
    given = _due(monitoring.read(*read, package, datetime.fromisoformat(state.now), whole=True))
    facts = stored.find(project.root, state.run)
    assert facts.model is not None
    return monitoring.compared(given, package, facts.model, datetime.fromisoformat(state.since))


def _released(project: _Project, state: Unfinished, sign: tuple[Name | None, bool]) -> Unfinished | Retrained:
    try:
        done = releasing.release(project.checked.path, registry=project.registry, key=sign[0], unsigned=sign[1])
    except SpecError as error:
        if not {one.code for one in error.diagnostics} <= WAITING:
            raise
        text = "; ".join(one.message for one in error.diagnostics)
        return _so_far(state, "waiting", text, tuple(note for one in error.diagnostics for note in one.notes))
    if package_format.digest(done.folder / "package") != state.package:
        note = "mlspec retrain --drop LOG gives this retraining up"
        raise refused("run-not-current", "the model that is released is not the one that was compared", note)
    return unfinished.write(project.home, replace(state, bundle=done.digest, version=done.bundle.version))


def _by_hand(project: _Project, state: Unfinished) -> str:
    """Why a person has to promote it; empty where nobody has to."""
    compared = state.compared
    assert compared is not None
    if project.wanted.promote == "by_hand":
        return "operation.retrain.promote is by_hand"
    if compared.doubt:
        return f"{compared.doubt}, which favours the model in service"
    if compared.rows < LEAST:
        return f"{formatting.count(compared.rows, 'labelled row')} to compare on, of {LEAST}"
    undecided = [one.metric for one in compared.differences if one.decides and one.value is None]
    return f"there is no difference in {', '.join(undecided)}" if undecided else ""


def _stages(project: _Project, state: Unfinished) -> list[str]:
    """The stages that the new bundle still has to go through, in their order."""
    from mlspec.release import ledger
    from mlspec.release import registry as registries

    operation = project.checked.project.operation
    order = operation.release.stages if operation is not None and operation.release is not None else ()
    wanted = [*order[: order.index(state.stage)], state.stage] if state.stage in order else [state.stage]
    entries = ledger.read(project.registry).entries
    now = {stage: registries.now_in(entries, stage) for stage in wanted}
    return [stage for stage, entry in now.items() if entry is None or entry.bundle != state.bundle]


def _promoted(project: _Project, state: Unfinished) -> Retrained:
    pool = unfinished.rows(project.home)
    left = pl.DataFrame() if pool is None else pool.filter(pl.col(new_rows.TIME) > datetime.fromisoformat(state.since))
    unfinished.end(project.home, left)
    return _so_far(state, "promoted", f"{state.stage} has {state.version}")


def _given_up(project: _Project, state: Unfinished, why: str) -> Retrained:
    """End it, with the project as it was before; its rows wait for the next one."""
    (project.root / state.file).unlink(missing_ok=True)
    lock = project.root / "mlspec.lock"
    if state.lock is None:
        lock.unlink(missing_ok=True)
    elif not lock.is_file() or safe_files.read(lock) != state.lock:
        whole_files.replace(lock, state.lock)
    pool = unfinished.rows(project.home)
    unfinished.end(project.home, pl.DataFrame() if pool is None else pool)
    return _so_far(state, "refused", why)


def _so_far(state: Unfinished, outcome: str, text: str, to_do: tuple[str, ...] = ()) -> Retrained:
    return Retrained(
        outcome=outcome,  # type: ignore[arg-type]
        text=text,
        to_do=to_do,
        check=state.check,
        stage=state.stage,
        served=state.served,
        file=state.file,
        rows=state.rows,
        empty=state.missing,
        run=state.run,
        compared=state.compared,
        version=state.version,
        bundle=state.bundle,
    )


def _why(state: Unfinished) -> str:
    return "; ".join(f"{one.when}: {one.text}" for one in state.check.reasons if one.holds)


def _until(given: monitoring.Given) -> datetime:
    """Rows up to this time have all the labels that they get: early ones are often of one class."""
    labels = given.packaged.reference.labels
    return given.now - timedelta(seconds=0 if labels is None or labels.within is None else labels.within)


def _due(given: monitoring.Given) -> monitoring.Given:
    rows = given.log.rows.filter(pl.col("time") <= _until(given))
    return given._replace(log=given.log._replace(rows=rows))


def _columns(project: _Project) -> "Schema":
    name, facts = project.wanted.source or "", project.checked.facts
    return facts.raw[name] if name in facts.raw else facts.of_source(name)


def _table(project: _Project, rows: "pl.DataFrame") -> "pl.DataFrame":
    split = project.checked.project.data.split
    return new_rows.as_source(rows, _columns(project), split.column if split.by == "time" else None)


def _file(project: _Project, name: str) -> str:
    """The new file of the source, from the spec's folder."""
    path = str(getattr(project.checked.project.data.sources[project.wanted.source or ""].plugin, "path", ""))
    folder = "/".join(takewhile(lambda part: not set(part) & set("*?["), path.split("/")[:-1]))
    ending = next(one for one in ENDINGS if path.endswith(one))
    return f"{folder}/{NEW.format(name)}{ending}" if folder else f"{NEW.format(name)}{ending}"
