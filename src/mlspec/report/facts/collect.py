"""Graph and results -> RunFacts: reads the small JSON results of a run, never a table."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from mlspec import formatting, registry
from mlspec.diagnostics import Place
from mlspec.graph import uses
from mlspec.graph.graph import Graph
from mlspec.graph.passes.cross_validation import bagged
from mlspec.graph.passes.refitting import NAME as REFIT
from mlspec.graph.passes.refitting import kept
from mlspec.graph.step import Step
from mlspec.plugins.source import Source
from mlspec.plugins.verdict import Verdict
from mlspec.report.facts.collect_expectations import expectations
from mlspec.report.facts.run import (
    Candidate,
    CheckFact,
    ColumnFact,
    DataFacts,
    Difference,
    FinalFact,
    LeftOut,
    PersonalFact,
    Score,
    Search,
    SourceFact,
    Unmeasured,
)
from mlspec.spec import Project
from mlspec.spec.requirements import requirements

Read = Callable[[str, str], Any]
"""The JSON result of a step by the step's id and the output's name; None where there is none."""

UNINFORMED = ("majority", "mean", "median", "random")
ROUNDS = {"epochs": "epoch", "iterations": "iteration"}


def place(graph: Graph, path: tuple[str | int, ...]) -> Place | None:
    """Where a path is in the spec."""
    if graph.document is None or not path:
        return None
    span = graph.document.span(path)
    return Place(span.file, span.line, span.column)


def gates(graph: Graph, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts there are, in the spec's order, each with its unit and its place in the spec."""
    stated = {f"gate.{one.id}": one for one in requirements(graph.project)}
    for verdict in verdicts:
        step, requirement = graph.find(verdict.gate), stated.get(verdict.gate)
        path = requirement.path if requirement is not None else () if step is None else step.path
        unit = "" if step is None else registry.constraint(step.params["of"]).unit(step.params)
        yield msgspec.structs.replace(verdict, unit=unit, place=place(graph, path))


def scores(graph: Graph, measured: dict[str, Any] | None) -> Iterator[Score]:
    """The metrics of one evaluation, those that are defined, in the spec's order."""
    if measured is None:
        return
    stated = {use.name: uses.json_data(use.plugin) for use in graph.project.evaluation.metrics or ()}
    for name in dict.fromkeys([*stated, *measured["metrics"]]):
        found = measured["metrics"].get(name)
        if found is None or found["value"] is None:
            continue
        baselines = {who: values.get(name) for who, values in measured.get("baselines", {}).items()}
        differences = {who: values.get(name) for who, values in measured.get("differences", {}).items()}
        yield Score(
            metric=name,
            value=found["value"],
            low=found["low"],
            high=found["high"],
            level=found["level"],
            n=found["n"],
            reason=found.get("reason", ""),
            greater_is_better=found["greater_is_better"],
            settings=stated.get(name, {}),
            threshold=found.get("threshold"),
            seeds=tuple(value for value in measured.get("seeds", {}).get(name, ()) if value is not None),
            baselines={who: value for who, value in baselines.items() if value is not None},
            differences={
                who: Difference(value["value"], value["low"], value["high"])
                for who, value in differences.items()
                if value is not None and value["value"] is not None
            },
        )


def unmeasured(measured: dict[str, Any] | None) -> Iterator[Unmeasured]:
    """The metrics of one evaluation that are not defined."""
    for name, found in ({} if measured is None else measured["metrics"]).items():
        if found["value"] is None:
            yield Unmeasured(metric=name, reason=found.get("reason", ""))


def candidates(graph: Graph, read: Read, seconds: Callable[[str], float | None]) -> Iterator[Candidate]:
    """Every candidate, as the validation rows show it."""
    chosen = (read("select", "selection") or {}).get("candidate")
    for name, use in graph.project.model.candidates.items():
        trained = [step.id for step in _trainings(graph, name)]
        histories = [read(step_id, "history") or {} for step_id in trained] or [{}]
        # One that lacks a training for want of time was not scored: that is what its history says.
        history = next((one for one in histories if "left_out" in one), histories[0])
        took = [] if "left_out" in history else [seconds(step_id) for step_id in trained]
        yield Candidate(
            name=name,
            model=use.name,
            settings=_stated(use.plugin),
            selected=name == chosen,
            place=place(graph, ("model", "candidates", name)),
            scores=tuple(scores(graph, read(f"evaluate.{name}", "metrics"))),
            seconds=sum(one for one in took if one is not None) if any(one is not None for one in took) else None,
            curves={key.replace("_", " "): tuple(values) for key, values in history.items() if _is_curve(values)},
            rounds=next((word for key, word in ROUNDS.items() if key in history), "round"),
            notes=(*(str(note) for note in history.get("warnings", ())), *formatting.promise(history.get("private"))),
            seeds=tuple(_seeds(graph, name, read)),
            search=_search(read(f"tune.{name}", "trials")),
        )
    yield from _blend(graph, read, chosen)


def _trainings(graph: Graph, name: str) -> list[Step]:
    """The training of a candidate, or those of its folds in a bag."""
    own = graph.find(f"train.{name}")
    marks = (f"train.{name}.fold{number}" for number in range(1, bagged(graph.project) + 1))
    return [own] if own is not None else [step for step in map(graph.find, marks) if step is not None]


def final(graph: Graph, read: Read) -> FinalFact | None:
    """What became of the selected model, where it was to be more than what was trained on the training rows."""
    if graph.project.model.final == "split" or read("select", "selection") is None:
        return None
    if graph.project.model.final == "bag":
        return FinalFact(folds=bagged(graph.project))
    reason = kept(graph.project)
    found = {"reason": reason} if reason else read(REFIT, "report")
    return None if found is None else msgspec.convert(found, FinalFact)


def _blend(graph: Graph, read: Read, chosen: str | None) -> Iterator[Candidate]:
    found = read("blend", "weights")
    if found is not None:
        yield Candidate(
            name="blend",
            model="weighted mean",
            settings=found["weights"],
            selected=chosen == "blend",
            scores=tuple(scores(graph, read("evaluate.blend", "metrics"))),
        )


def _seeds(graph: Graph, name: str, read: Read) -> Iterator[float]:
    """The selecting metric of each seed's training, the first one's first; nothing where there is one seed."""
    model = graph.project.model
    if model.repeats < 2 or model.select.metric is None:
        return
    further = (f"evaluate.{name}.seed{model.seed + number}" for number in range(1, model.repeats))
    for step_id in (f"evaluate.{name}", *further):
        found = (read(step_id, "metrics") or {}).get("metrics", {}).get(model.select.metric)
        if found is not None and found["value"] is not None:
            yield found["value"]


def _search(found: Any) -> Search | None:
    return None if found is None else msgspec.convert(found, Search)


def _stated(plugin: msgspec.Struct) -> dict[str, Any]:
    """The settings that differ from the defaults."""
    found = {}
    for field in msgspec.structs.fields(plugin):
        value = getattr(plugin, field.name)
        default = (
            field.default_factory()
            if field.default is msgspec.NODEFAULT and callable(field.default_factory)
            else field.default
        )
        if value != default:
            found[field.encode_name] = msgspec.to_builtins(value)
    return found


def _is_curve(values: Any) -> bool:
    return isinstance(values, list) and len(values) > 1 and all(isinstance(value, int | float) for value in values)


def checks(graph: Graph, read: Read, measured: Iterable[Score] = ()) -> Iterator[CheckFact]:
    """What the checks of data and networks found, in the graph's order; no finding where the test rows refute it."""
    refuted = _better_than_chance(measured)
    for step in graph.steps.values():
        if step.kind in ("check_data", "check_network"):
            for entry in (read(step.id, "report") or {"checks": ()})["checks"]:
                found = msgspec.convert({"step": step.id, **entry}, CheckFact)
                if found.fails and found.check == "labels" and refuted:
                    text = f"{found.measured}; the test rows show more: {refuted}"
                    found = msgspec.structs.replace(found, fails=False, measured=text, advice="")
                yield found


def _better_than_chance(measured: Iterable[Score]) -> str:
    """A metric of the selected model whose interval excludes that of an uninformed one, in words; empty for none."""
    for score in measured:
        for name in UNINFORMED:
            gained = score.differences.get(name)
            if gained is not None and gained.low is not None and gained.low > 0:
                value = formatting.figure(score.value, (score.low, score.high))
                return f"{score.metric} {value}, {name} {formatting.figure(score.baselines.get(name))}"
    return ""


def leaks(found: Iterable[CheckFact]) -> tuple[str, ...]:
    """The leaks that nobody has accepted, each once."""
    return tuple(dict.fromkeys(check.leak for check in found if check.fails and check.leak))


def data(graph: Graph, read: Read, digests: Callable[[str, str], str | None]) -> DataFacts:
    """Sources, columns with their roles, expectations with what was measured, rows of each part."""
    project = graph.project
    return DataFacts(
        sources=tuple(
            SourceFact(
                name=name,
                path=use.plugin.where() if isinstance(use.plugin, Source) else "",
                format=use.name,
                part=getattr(use.plugin, "part", None),
                digest=digests(f"source.{name}", "table"),
            )
            for name, use in project.data.sources.items()
        ),
        columns=tuple(_columns(graph)),
        personal=tuple(_personal(project)),
        expectations=tuple(
            expectations(read("expect", "report"), lambda index: place(graph, ("data", "expect", index)))
        ),
        split=_split(project),
        rows=_rows(graph, read),
        left_out=_left_out(project, read("split", "report")),
    )


def _left_out(project: Project, counts: dict[str, int] | None) -> LeftOut | None:
    target = project.data.columns.target
    bounded = any(one.column == target and one.missing is not None for one in project.data.expect)
    return None if counts is None else LeftOut(**counts, bounded=bounded)


def _split(project: Project) -> str:
    split = project.data.split
    if split.by == "given":
        text = "as given" if split.column is None else f"as '{split.column}' says"
    elif split.by == "random":
        text = "at random"
    elif split.by == "time":
        text = f"by time: the last rows by '{split.column}' are the test rows"
        if split.gap is not None:
            text += f", without rows less than {split.gap} before the validation or test rows"
    elif split.by == "hash":
        text = f"whole groups by a keyed hash of '{split.column}'"
    elif split.by == "group":
        text = f"whole groups by '{split.column}'"
        if split.stratify is not None:
            text += f", stratified by '{split.stratify}' as far as possible"
    else:
        text = f"at random, stratified by '{split.column or project.data.columns.target}'"
    if project.data.sample is not None:
        text += f"; a sample of {formatting.count(project.data.sample, 'row')}"
    return text


def _columns(graph: Graph) -> Iterator[ColumnFact]:
    from mlspec.graph.tables import table

    known = {column.name: column for column in table(graph)}
    seen = set()
    for name in sorted(graph.facts.schemas):
        for column in graph.facts.schemas[name]:
            if column.name not in seen:
                seen.add(column.name)
                shown = known.get(column.name)
                yield ColumnFact(column.name, (shown or column).type, shown.role if shown is not None else "dropped")


def _personal(project: Project) -> Iterator[PersonalFact]:
    for name, stated in project.data.personal.items():
        use, message, reason = stated.action, "", ""
        if use is not None:
            settings = {key: value for key, value in msgspec.to_builtins(use.plugin).items() if value is not None}
            reason = str(settings.pop("reason", ""))
            message = " ".join([use.name.replace("_", " "), *(f"{key}: {value}" for key, value in settings.items())])
        yield PersonalFact(column=name, kind=stated.kind.replace("_", " "), action=message, reason=reason)


def _rows(graph: Graph, read: Read) -> dict[str, int]:
    first = next(iter(graph.project.model.candidates))
    validation, test = read(f"evaluate.{first}", "metrics"), read("evaluate", "metrics")
    rows = {"validation": validation, "test": test}
    return {part: measured["rows"] for part, measured in rows.items() if measured is not None}
