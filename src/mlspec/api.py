"""mlspec for notebooks and scripts: what the commands do, as plain functions.

    from mlspec import api

    run = api.run("specs/penguins")
    run.scores

Whatever is wrong with a spec is raised as ``SpecError``; a step that fails is told in the run, not raised.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mlspec.diagnostics import Diagnostic, SourceError, SpecError
from mlspec.specfile import find

if TYPE_CHECKING:
    import polars as pl

    from mlspec.diff.change import Diff
    from mlspec.document import Document
    from mlspec.engine.events import Listener
    from mlspec.engine.package import Package
    from mlspec.graph.build import Change
    from mlspec.graph.graph import Graph
    from mlspec.graph.plan import Plan
    from mlspec.report.comparison import Comparison
    from mlspec.report.facts import RunFacts
    from mlspec.report.series import Series
    from mlspec.report.table_profile import TableProfile
    from mlspec.rules.context import Facts
    from mlspec.spec import Project
    from mlspec.store.action import Action
    from mlspec_backends._dvc_files import Written


class Fetching(msgspec.Struct, frozen=True):
    """How sources that are fetched are brought up to date: ``offline``, from their last snapshots alone; ``tell`` is
    told what goes on; ``accept``: what has changed since mlspec.lock pinned it is taken as it is."""

    offline: bool = False
    accept: bool = False
    tell: Callable[[str], None] = lambda _text: None


FETCHING = Fetching()


class Checked(msgspec.Struct, frozen=True):
    """A spec without mistakes. ``project`` has everything filled in that follows from the task; ``diagnostics`` holds
    warnings alone."""

    path: str
    root: Path
    project: "Project"
    document: "Document"
    facts: "Facts"
    diagnostics: tuple[Diagnostic, ...] = ()


def validate(
    spec: str | os.PathLike[str] | None = None,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    running: bool = False,
    fetching: "Fetching | None" = None,
) -> Checked:
    """Read a spec and check it against the language, the data's headers and the rules.

    ``running``: what this machine lacks to run it is a mistake too. ``fetching``: bring the sources that are fetched up
    to date first; without, nothing is connected to or run. Raises SpecError with everything that is wrong, SourceError
    where it is a source that can't be had.
    """
    from mlspec.rules.check import check, facts
    from mlspec.spec.read import read
    from mlspec.spec.resolve import resolve

    path = find(spec)
    settings = [*sets, *([] if backend is None else [_backend(backend)])]
    try:
        project, document = read(path, profile=profile, sets=settings, large=large)
    except SpecError as error:
        error.texts |= {f"--set {key}": value for key, _, value in (setting.partition("=") for setting in settings)}
        raise
    root = Path(path).parent
    warnings: list[Diagnostic] = []
    if fetching is not None:
        from mlspec.engine.snapshots import refresh

        warnings = refresh(project, document, root, offline=fetching.offline, tell=fetching.tell)
    known, found = facts(project, document, root)
    if fetching is not None and fetching.accept:
        known = msgspec.structs.replace(known, accepted=True)
    found += warnings
    project = resolve(project, known.schemas, known.target_levels)
    found += check(project, document, known, running=running)
    if any(diagnostic.severity == "error" for diagnostic in found):
        raise SpecError(found, document.texts)
    return Checked(path, root, project, document, known, tuple(found))


def _backend(name: str) -> str:
    from mlspec.spec.backend import PRESETS
    from mlspec.spec.units import engines

    return f"backend.engine={name}" if name in engines() and name not in PRESETS else f"backend={name}"


class Compiled(msgspec.Struct, frozen=True):
    """A compiled spec: the graph of its steps in ``plan.graph``, what would become of each, what each pass changed.

    ``profile`` and ``overrides`` were laid over the spec; ``whole`` is false for a part of its graph.
    ``renew``: what mlspec.lock pins of the data is to be as it is now.
    """

    checked: Checked
    plan: "Plan"
    changes: tuple["Change", ...] = ()
    profile: str | None = None
    overrides: tuple[str, ...] = ()
    whole: bool = True
    renew: bool = False


def compile(  # noqa: A001 (the verb of the command)
    spec: str | os.PathLike[str] | None = None,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    only: Sequence[str] = (),
    running: bool = False,
    fetching: Fetching | None = None,
) -> Compiled:
    """Check a spec and compile it: its steps, which of them would run, and why. Runs nothing.

    ``only``: these steps and what they need; ``running`` and ``fetching``: as for ``validate``. Raises SpecError with
    everything that is wrong.
    """
    from mlspec.engine.changes import changed
    from mlspec.engine.planning import plan_graph
    from mlspec.graph.build import compile_graph

    checked = validate(
        spec, profile=profile, sets=sets, backend=backend, large=large, running=running, fetching=fetching
    )
    changes: list[Change] = []
    graph = compile_graph(checked.project, checked.facts, checked.document, changes.append)
    renew = fetching is not None and fetching.accept
    other = [] if renew else changed(graph)
    if any(diagnostic.severity == "error" for diagnostic in other):
        raise SourceError([*checked.diagnostics, *other], checked.document.texts)
    checked = msgspec.structs.replace(checked, diagnostics=(*checked.diagnostics, *other))
    if only:
        graph = _part(graph, only)
    overrides = (*sets, *([] if backend is None else [f"backend={backend}"]))
    return Compiled(checked, plan_graph(graph), tuple(changes), profile, overrides, not only, renew)


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
    ``listener`` is told each event. Writes the run's folder with its report, unless there was nothing to do. Raises
    SpecError where the spec is wrong; a step that fails, or a constraint that does not hold, is told in the result.
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
    from mlspec.engine.run import run as carry_out
    from mlspec.report import stored, summarise

    graph = compiled.plan.graph
    named = {step.id for name in forced if (step := graph.find(name)) is not None}
    overlays = _overlays(compiled)
    ran = carry_out(
        graph,
        listener=listener,
        force=(named or graph.steps.keys()) if force else (),
        lock=compiled.whole and not overlays,
        renew=compiled.renew,
        overlays=tuple(overlays) if compiled.whole else None,
    )
    found = summarise.facts(graph, ran, profile=compiled.profile, overrides=compiled.overrides)
    if ran.folder is None:
        before = stored.with_results_of(compiled.checked.root, found)
        return found if before is None else msgspec.structs.replace(found, report=before.report, model=before.model)
    document = compiled.checked.document
    summarise.save(graph, ran, found, document.texts[document.file])
    if graph.project.report.mlflow is None:
        return found
    return msgspec.structs.replace(found, tracked=track(compiled.checked.root, graph.project, found.id).tracked)


def track(root: Path, project: "Project", run: str | None = None) -> "RunFacts":
    """Log a run (the last one, or the one whose id begins with ``run``) on the MLflow server that a project states.

    What goes wrong is told in the run's facts. Raises SpecError when there is no such run, or no server stated.
    """
    from mlspec.report import stored, tracking

    wanted = project.report.mlflow
    if wanted is None:
        note = "state it as report.mlflow.tracking_uri"
        raise SpecError([Diagnostic(code="no-server", message="the spec states no MLflow server", notes=(note,))])
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
    from mlspec.engine import one_step
    from mlspec_backends import _dvc_files

    graph = compiled.plan.graph
    _part(graph, [name])
    found = graph.find(name)
    assert found is not None
    _dvc_files.check_step(graph, found)
    return one_step.do(graph, found)


def write_dvc(compiled: Compiled) -> "Written":
    """Write the stages of a compiled spec into ``dvc.yaml`` beside it, and the values that they track.

    Raises SpecError where they can't be added to what is there.
    """
    from mlspec_backends import _dvc_files

    return _dvc_files.write(compiled.plan.graph, Path(compiled.checked.path).name, _overlays(compiled))


def init_dvc(spec: str | os.PathLike[str] | None = None) -> bool:
    """Make a DVC repository of a spec's folder where it is in none; whether one was made."""
    from mlspec.rules import library_not_installed
    from mlspec_backends import dvc

    path = find(spec)
    library_not_installed.demand_dvc()
    return dvc.init(Path(path).parent)


def write_dvc_params(compiled: Compiled) -> tuple[str, ...]:
    """Write the values that the stages of a compiled spec track, and nothing else; the files that were not yet so.

    Raises SpecError where ``dvc.yaml`` holds other stages.
    """
    from mlspec_backends import _dvc_files

    graph = compiled.plan.graph
    _dvc_files.check(graph, Path(compiled.checked.path).name, _overlays(compiled))
    return _dvc_files.write_params(graph)


def _overlays(compiled: Compiled) -> list[str]:
    """What was laid over a spec and changes its results, as options of the command line: a backend does where it is of
    another device, and does not where others carry the same steps out."""
    from mlspec.spec.read import read

    profile = [] if compiled.profile is None else ["--profile", compiled.profile]
    backend = [value for value in compiled.overrides if value.startswith("backend=")]
    sets = [value for value in compiled.overrides if value not in backend]
    if backend:
        own = read(compiled.checked.path, profile=compiled.profile, sets=sets, large=True)[0].backend
        now = compiled.checked.project.backend
        if all(getattr(own, name, None) == getattr(now, name, None) for name in ("device", "precision", "compile")):
            backend = []
    return [*profile, *(word for value in (*sets, *backend) for word in ("--set", value))]


def _part(graph: "Graph", only: Sequence[str]) -> "Graph":
    """The part of a graph that these steps need. Raises SpecError where there is no such step."""
    try:
        return graph.leading_to(only)
    except KeyError as error:
        from mlspec.spec.suggest import nearest

        name = str(error.args[0])
        guess = nearest(name, graph.steps)
        note = f"did you mean '{guess}'?" if guess else "mlspec compile lists them"
        raise SpecError(
            [Diagnostic(code="unknown-step", message=f"there is no step '{name}'", notes=(note,))]
        ) from None


def runs(spec: str | os.PathLike[str] | None = None) -> "list[RunFacts]":
    """The runs of a project that can be read, the latest first."""
    from mlspec.report import stored

    return list(stored.every(Path(find(spec)).parent))


def last(spec: str | os.PathLike[str] | None = None, run: str | None = None) -> "RunFacts":
    """The last run of a project, or the one whose id begins with ``run``. Raises SpecError when there is none."""
    from mlspec.report import stored

    return stored.find(Path(find(spec)).parent, run)


def compare(*names: str, spec: str | os.PathLike[str] | None = None) -> "Comparison":
    """Runs of a project side by side, the first with each of the others; one name alone: with the last run.

    ``names`` are runs' ids or their beginnings. Differences of metrics come from paired bootstrap replicates where both
    runs' predictions of the same test rows are in the store. Raises SpecError when there is no such run, or only one.
    """
    from functools import partial

    from mlspec.report import comparison, stored
    from mlspec.report.paired import paired

    root = Path(find(spec)).parent
    found = [stored.find(root, name) for name in names]
    if len(found) < 2:
        found.append(stored.find(root))
    if len({run.id for run in found}) < len(found):
        raise SpecError([Diagnostic(code="same-run", message=f"run '{found[-1].id}' can't be compared with itself")])
    return comparison.compare(found, [stored.resolved(root, run) for run in found], partial(paired, root))


def diff(
    base: str | None = None,
    head: str | None = None,
    *,
    spec: str | None = None,
    profile: str | None = None,
    sets: Sequence[str] = (),
    allow: Sequence[str] = (),
    fail_on: Sequence[str] = (),
    large: bool = False,
    paired: bool = False,
) -> "Diff":
    """What the change from one version of a spec to another means; by default, from the last commit to what is here.

    Versions are files, git revisions, or REVISION:PATH. ``allow``: changes to accept, as ``WHAT=REASON``; ``fail_on``:
    classes and severities whose changes count as ``failing`` unless accepted; ``paired``: tell metrics apart by the
    predictions in the store. Raises SpecError where a version can't be read: that is no clean result.
    """
    from mlspec.diff.between import Options, between
    from mlspec.diff.version import versions

    one, other = versions(base, head, spec, large=large)
    options = Options(profile=profile, sets=tuple(sets), allow=tuple(allow), fail_on=tuple(fail_on), large=large)
    if not paired:
        return between(one, other, options)
    from mlspec.report.stored_pairs import pairing

    return between(one, other, options, pairing(other.root))


def series(what: str, *, spec: str | os.PathLike[str] | None = None) -> "Series":
    """A metric of a project's selected models over its runs, or how the last run that has a candidate trained it.

    Raises SpecError when no run has such a metric or candidate.
    """
    from mlspec.report import series as plotted
    from mlspec.report import stored

    found = list(stored.every(Path(find(spec)).parent))
    wanted = plotted.of_metric(what, found) or plotted.of_candidate(what, found)
    if wanted is None:
        from mlspec.spec.suggest import nearest

        names = [score.metric for run in found for score in run.scores]
        names += [candidate.name for run in found for candidate in run.candidates]
        guess = nearest(what, names)
        note = f"did you mean '{guess}'?" if guess else "mlspec runs lists the runs, mlspec show the last one's metrics"
        message = f"no run has a metric or a candidate '{what}'" if found else "nothing has been run here yet"
        raise SpecError([Diagnostic(code="nothing-to-plot", message=message, notes=(note if found else "mlspec run",))])
    return wanted


def profile(
    data: str | os.PathLike[str] | None = None, *, source: str | None = None, target: str | None = None
) -> "TableProfile":
    """What a file holds, or the stacked sources of a spec (``source``: one of them). Fetches nothing.

    Raises SpecError where it can't be read, and StepError for a value that does not fit its column.
    """
    import polars as pl

    from mlspec.engine import raw
    from mlspec.report import table_profile
    from mlspec.rules.check import roles
    from mlspec.spec.units import source_of

    if data is not None and not os.path.isdir(data) and source_of(os.fspath(data)) is not None:
        reader, columns = raw.opened(os.fspath(data))
        _known(target, [column.name for column in columns])
        return table_profile.profiled(reader.scan(Path(), columns), columns, Path(data).name, target=target)
    checked = validate(data)
    project, facts = checked.project, checked.facts
    if source is not None:
        _known(source, list(project.data.sources), "source")
    names = [source] if source is not None else [n for n in project.data.sources if n in facts.schemas]
    schema = roles(project, facts.of_source(names[0]))
    frames = [raw.rows(checked.root, name, project.data.sources[name], schema) for name in names]
    rows = pl.concat(frames, how="vertical_relaxed")
    said, read = project.data.columns, rows.collect_schema()
    of = {column.name: column.role for column in schema}
    return table_profile.profiled(
        rows,
        tuple(column for column in schema if column.name in read),
        ", ".join(names),
        target=said.target if said.target in of else None,
        roles={name: role for name, role in of.items() if role != "feature"},
        hidden=[name for name, role in of.items() if role in ("sensitive", "id")],
    )


def _known(name: str | None, names: Sequence[str], what: str = "column") -> None:
    """Raises SpecError for a name that is none of these."""
    from mlspec.spec import suggest

    if name is not None and name not in names:
        label = suggest.label(name, list(names))
        message = f"there is no {what} '{name}'"
        raise SpecError([Diagnostic(code=f"unknown-{what}", message=message, notes=(label,))])


def load_model(model: str | os.PathLike[str] | None = None, *, device: str = "cpu") -> "Package":
    """The selected model of a spec's last run, or the exported model in a folder, ready to predict.

    Raises SpecError when there is none and StepError when it can't be read.
    """
    from mlspec.engine import package

    if model is not None and (Path(model) / package.ABOUT).is_file():
        return package.load(Path(model), device)
    path = find(model)
    from mlspec.report import stored

    root = Path(path).parent
    for run in stored.every(root):
        if run.model is not None:
            return package.load(Path(run.model), device, root=root)
    note = f"mlspec run {path}"
    raise SpecError([Diagnostic(code="no-model", message="no run of this project has selected a model", notes=(note,))])


def predict(
    model: "Package", data: "str | os.PathLike[str] | pl.DataFrame", *, keep: Sequence[str] = ()
) -> "pl.DataFrame":
    """Predictions for new rows, from a file or a frame, in their order.

    For classes: ``prediction``, the class decided for (by the model's threshold where it has one, else the likeliest),
    ``to_person``, whether a person should decide (where the model is told when to abstain), and ``p_CLASS``, the
    probability of each. For numbers: ``prediction``.
    ``keep``: columns of the data to carry along. Raises StepError where columns are missing or hold
    something else, SpecError where the file can't be read.
    """
    import polars as pl

    frame = data if isinstance(data, pl.DataFrame) else _read_rows(os.fspath(data), model, keep)
    lacking = [name for name in keep if name not in frame.columns]
    if lacking:
        raise SpecError([Diagnostic(code="unknown-column", message=f"the data has no column '{lacking[0]}'")])
    predicted = model.predict(model.treat(frame))
    classes = model.about.classes
    kept = [frame[name] for name in keep]
    if classes is None:
        return pl.DataFrame([*kept, pl.Series("prediction", predicted)])
    decided = [pl.Series("prediction", [classes[index] for index in model.decide(predicted)])]
    if model.about.abstain_below is not None:
        decided.append(pl.Series("to_person", predicted.max(axis=1) < model.about.abstain_below))
    shares = [pl.Series(f"p_{name}", predicted[:, index]) for index, name in enumerate(classes)]
    return pl.DataFrame([*kept, *decided, *shares])


def _read_rows(path: str, model: "Package", keep: Sequence[str]) -> "pl.DataFrame":
    from typing import cast

    from mlspec.engine.raw import opened
    from mlspec.plugin import Column, ColumnType

    source, columns = opened(path)
    found = {column.name: column for column in columns}
    # The model knows the types of its columns better than a look at these rows does.
    read = {name: found[name] for name in keep if name in found}
    known = (*model.about.columns, *model.about.raw_columns())
    read |= {name: Column(name, cast(ColumnType, kind)) for name, kind in known if name in found}
    return source.scan(Path(), tuple(read.values())).collect()


def write_table(frame: "pl.DataFrame", path: str | os.PathLike[str]) -> None:
    """Write a table as its file's ending says: .csv, .parquet or .jsonl. Raises SpecError for another ending."""
    file = Path(path)
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": frame.write_csv,
        ".parquet": frame.write_parquet,
        ".jsonl": frame.write_ndjson,
    }
    if file.suffix not in writers:
        message = f"'{path}' does not end in {', '.join(writers)}"
        raise SpecError([Diagnostic(code="format-unclear", message=message)])
    aside = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        writers[file.suffix](aside)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def report(spec: str | os.PathLike[str] | None = None, run: str | None = None, *, form: str = "html") -> str:
    """The report of the last run of a project, or of the one whose id begins with ``run``.

    ``form``: html, markdown, json, or card.

    Raises SpecError when there is no such run, and for a model card when it selected no model.
    """
    from mlspec.report import facts, stored
    from mlspec.report.card import card

    root = Path(find(spec)).parent
    found = stored.find(root, run)
    if form == "json":
        return facts.encode(found)
    if form == "card":
        if found.selected is None:
            message, note = f"run '{found.id}' has selected no model", "mlspec run, or mlspec runs lists the others"
            raise SpecError([Diagnostic(code="no-model", message=message, notes=(note,))])
        return card(found)
    name = stored.PAGE if form == "html" else stored.SUMMARY
    return (root / stored.RUNS / found.id / name).read_text(encoding="utf-8")
