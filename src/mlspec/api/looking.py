"""Looks at what is there: runs, changes, data."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mlspec.api.checking import validate
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import python_paths
from mlspec.specfile import SPEC, find

if TYPE_CHECKING:
    from mlspec.diff.change import Diff, Overview
    from mlspec.report.facts.run import RunFacts
    from mlspec.report.facts.table_profile import TableProfile
    from mlspec.report.runs.comparison import Comparison
    from mlspec.report.runs.series import Series


def runs(spec: str | os.PathLike[str] | None = None) -> "list[RunFacts]":
    """The runs of a project that can be read, the latest first."""
    from mlspec.report.runs import stored

    return list(stored.every(Path(find(spec)).parent))


def last(spec: str | os.PathLike[str] | None = None, run: str | None = None) -> "RunFacts":
    """The last run of a project, or the one whose id begins with ``run``. Raises SpecError when there is none."""
    from mlspec.report.runs import stored

    return stored.find(Path(find(spec)).parent, run)


def compare(*names: str, spec: str | os.PathLike[str] | None = None) -> "Comparison":
    """Runs of a project side by side, the first with each of the others; one name alone: with the last run.

    ``names`` are runs' ids or their beginnings. Differences of metrics come from paired bootstrap replicates where both
    runs' predictions of the same test rows are in the store. Raises SpecError when there is no such run, or only one.
    """
    from functools import partial

    from mlspec.report.runs import comparison, stored
    from mlspec.report.runs.paired import paired

    root = Path(find(spec)).parent
    found = [stored.find(root, name) for name in names]
    if len(found) < 2:
        found.append(stored.find(root))
    if len({run.id for run in found}) < len(found):
        raise SpecError([Diagnostic(code="same-run", message=f"run '{found[-1].id}' can't be compared with itself")])
    return comparison.compare(found, [stored.resolved(root, run) for run in found], partial(paired, root))


@python_paths.only_own()
def diff(
    base: str | None = None,
    head: str | None = None,
    *,
    spec: str | None = None,
    profile: str | None = None,
    sets: Sequence[str] = (),
    allow: Sequence[str] = (),
    fail_on: Sequence[str] = (),
    count_notes: bool = True,
    large: bool = False,
    paired: bool = False,
    allow_outside: bool = False,
) -> "Diff":
    """What the change from one version of a spec to another means; by default, from the last commit to what is here.

    Versions are files, git revisions, or REVISION:PATH. ``allow``: changes to accept, as ``WHAT=REASON``; ``fail_on``:
    classes and severities whose changes count as ``failing`` unless accepted; ``count_notes``: notes in the spec accept
    changes too; ``paired``: compare metrics by the predictions in the store; ``allow_outside``: as for ``validate``.
    Raises SpecError where a version can't be read: that is no clean result.
    """
    from mlspec.diff.between import Options, between
    from mlspec.diff.version import versions
    from mlspec.machine import allowed_reads
    from mlspec.spec.read import refuse_outside

    one, other = versions(base, head, spec, large=large)
    for version in () if allow_outside else (one, other):
        if version.commit is None:
            refuse_outside(str(version.path), allowed_reads.around(version.root))
    options = Options(
        profile=profile,
        sets=tuple(sets),
        allow=tuple(allow),
        fail_on=tuple(fail_on),
        count_notes=count_notes,
        large=large,
        allow_outside=allow_outside,
    )
    if not paired:
        return between(one, other, options)
    from mlspec.report.runs.stored_pairs import pairing

    return between(one, other, options, pairing(other.root))


@python_paths.only_own()
def diff_all(
    base: str | None = None,
    head: str | None = None,
    *,
    spec: str | None = None,
    profile: str | None = None,
    sets: Sequence[str] = (),
    allow: Sequence[str] = (),
    fail_on: Sequence[str] = (),
    count_notes: bool = True,
    large: bool = False,
    paired: bool = False,
    allow_outside: bool = False,
) -> "Overview":
    """What the change from one revision to another means for every spec of the repository, or of the folder ``spec``.

    Options are those of ``diff``. A spec that can't be read is in the result, with the reason. Raises SpecError where a
    revision can't be read.
    """
    from mlspec.diff.between import Options
    from mlspec.diff.overview import overview

    options = Options(
        profile=profile,
        sets=tuple(sets),
        allow=tuple(allow),
        fail_on=tuple(fail_on),
        count_notes=count_notes,
        large=large,
        allow_outside=allow_outside,
        draw=False,
    )
    if not paired:
        return overview(base, head, spec, options)
    from mlspec.report.runs.stored_pairs import pairing

    return overview(base, head, spec, options, lambda version: pairing(version.root))


def series(what: str, *, spec: str | os.PathLike[str] | None = None) -> "Series":
    """A metric of a project's selected models over its runs, or how the last run that has a candidate trained it.

    Raises SpecError when no run has such a metric or candidate.
    """
    from mlspec.report.runs import series, stored

    found = list(stored.every(Path(find(spec)).parent))
    wanted = series.of_metric(what, found) or series.of_candidate(what, found)
    if wanted is None:
        from mlspec.spec.suggest import nearest

        names = [score.metric for run in found for score in run.scores]
        names += [candidate.name for run in found for candidate in run.candidates]
        guess = nearest(what, names)
        note = f"did you mean '{guess}'?" if guess else "mlspec runs lists the runs, mlspec show the last one's metrics"
        message = f"no run has a metric or a candidate '{what}'" if found else "there are no runs here yet"
        raise SpecError([Diagnostic(code="nothing-to-plot", message=message, notes=(note if found else "mlspec run",))])
    return wanted


def report(spec: str | os.PathLike[str] | None = None, run: str | None = None, *, form: str = "html") -> str:
    """The report of the last run of a project, or of the one whose id begins with ``run``.

    ``form``: html, markdown, json, or card.

    Raises SpecError when there is no such run, and for a model card when it selected no model.
    """
    from mlspec.report.card.card import card
    from mlspec.report.facts import run as facts
    from mlspec.report.runs import stored

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
    return stored.page(root, found, name)


def profile(
    data: str | os.PathLike[str] | None = None,
    *,
    source: str | None = None,
    target: str | None = None,
    settings: Mapping[str, Any] | None = None,
    allow_outside: bool = False,
) -> "TableProfile":
    """What a file holds, or the stacked sources of a spec (``source``: one of them). Fetches nothing.

    ``settings``: how the file is read, by the keys of its format; the rest is found out from its beginning.
    ``allow_outside``: of a spec, as for ``validate``. Raises SpecError where it can't be read, and StepError for a
    value that does not fit its column.
    """
    import polars as pl

    from mlspec.plugins.source import Source
    from mlspec.report.facts import table_profile
    from mlspec.rules import _roles
    from mlspec.rules._roles import roles
    from mlspec.spec.units import source_at
    from mlspec.steps.data import raw_rows

    is_spec = data is None or os.path.exists(os.path.join(data, SPEC))
    if data is not None and not is_spec and source_at(os.fspath(data)) is not None:
        reader, columns, notes = raw_rows.looked_at(os.fspath(data), settings or {})
        raw_rows.demand_even(columns)
        _known(target, [column.name for column in columns])
        with raw_rows.reading(os.fspath(data), Path(), reader):
            rows = reader.scan(Path(), columns)
            notes += tuple(filter(None, (reader.blanks(Path()),)))
            return table_profile.profiled(rows, columns, Path(data).name, target=target, notes=notes)
    if settings:
        message = "how a file is read is stated in the spec: name a file, or change the spec"
        raise SpecError([Diagnostic(code="bad-source", message=message)])
    checked = validate(data, allow_outside=allow_outside, all_rows=True)
    project, facts = checked.project, checked.facts
    if source is not None:
        _known(source, list(project.data.sources), "source")
    names = [source] if source is not None else [n for n in project.data.sources if n in facts.schemas]
    schema = roles(project, facts.of_source(names[0]))
    said = project.data.columns
    of = {column.name: column.role for column in schema}
    hidden = _roles.hidden(project, facts.of_source(names[0]))
    readers = [cast(Source, project.data.sources[name].plugin) for name in names]
    with raw_rows.reading(", ".join(names), checked.root, *readers):
        frames = [
            raw_rows.rows(checked.root, name, facts.reads_of(name, project.data.sources[name]), schema)
            for name in names
        ]
        rows = pl.concat(frames, how="vertical_relaxed")
        read = rows.collect_schema()
        return table_profile.profiled(
            rows,
            tuple(column for column in schema if column.name in read),
            ", ".join(names),
            target=said.target if said.target in of else None,
            roles={name: role for name, role in of.items() if role != "feature"},
            hidden=hidden,
            notes=tuple(note for name in names for note in raw_rows.hints(facts.raw.get(name, ()), hidden)),
        )


def _known(name: str | None, names: Sequence[str], what: str = "column") -> None:
    """Raises SpecError for a name that is none of these."""
    from mlspec.spec import suggest

    if name is not None and name not in names:
        label = suggest.label(name, list(names)).text
        message = f"there is no {what} '{name}'"
        raise SpecError([Diagnostic(code=f"unknown-{what}", message=message, notes=(label,))])
