"""``mlspec runs``: the runs of a project, in a list or side by side."""

import sys
from pathlib import Path

import click

from mlspec.cli import _options, _origin
from mlspec.cli._output import colored, form_of, result, talk


@click.command(name="runs")
@click.argument("names", nargs=-1, metavar="[RUN|REVISION]...")
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project; the one in this folder if left out.")
@_options.formats("text", "json")
def command(names: tuple[str, ...], spec: str | None, form: str) -> None:
    """List the runs of a project, newest first; or compare the first with each of the others.

    RUN is a run's id or its first characters; a single run is compared with the last one. A comparison shows metrics
    with intervals, whether their difference is more than noise (paired on the same test rows), constraints with a
    different verdict, changes of spec, data and environment, and times.

    Two git revisions instead of runs compare what their mlspec.lock say: `mlspec runs main HEAD`; a single one is
    compared with the working tree.
    """
    if not names:
        _list(spec, form)
    elif len(names) == 1 and spec is None and Path(names[0]).exists():
        _list(names[0], form)
    elif _are_runs(names, spec):
        _compare(names, spec, form)
    else:
        _compare_locks(names, spec, form)


def _are_runs(names: tuple[str, ...], spec: str | None) -> bool:
    """Whether names are those of runs, or at least no revisions."""
    import os

    from mlspec.diff.git import is_commit
    from mlspec.machine.git import opened
    from mlspec.report.runs import stored
    from mlspec.specfile import find

    root = Path(find(spec)).parent
    known = stored.names(root)
    if len(names) > 2 or any(run.startswith(name) for run in known for name in names):
        return True
    repository = opened(root if os.fspath(root) else Path())
    return repository is None or not all(is_commit(repository, name) for name in names)


def _compare_locks(names: tuple[str, ...], spec: str | None, form: str) -> None:
    from mlspec import api
    from mlspec.diff import change
    from mlspec.diff.show import text

    found = api.diff(*names, spec=spec)
    color = colored(sys.stdout)
    result(change.encode(found) if form == "json" else text.results(found, color=color), form=form_of(form))


def _compare(names: tuple[str, ...], spec: str | None, form: str) -> None:
    from mlspec import api
    from mlspec.report.runs import comparison
    from mlspec.report.terminal import comparison_text

    found = api.compare(*names, spec=spec)
    _origin.tell(spec, [run.id for run in found.runs])
    if form == "json":
        result(comparison.encode(found), form="json")
    else:
        result(comparison_text.text(found, color=colored(sys.stdout)))


def _list(spec: str | None, form: str) -> None:
    from mlspec import api, formatting
    from mlspec.diagnostics import printable
    from mlspec.report import sentences
    from mlspec.report.terminal import paint
    from mlspec.report.terminal import run as terminal

    found = api.runs(spec)
    _origin.tell(spec, [run.id for run in found])
    if form == "json":
        import msgspec

        listed = msgspec.json.encode({"format_version": 1, "runs": found})
        result(msgspec.json.format(listed, indent=2).decode(), form="json")
        return
    if not found:
        talk("there are no runs here yet: mlspec run")
        return
    rows = [("run", "started", "took", "outcome", "model", "score")]
    for run in found:
        score = next((score for score in run.scores if score.metric == run.selected_by), None)
        message = "" if score is None else f"{score.metric} {sentences.score_value(score)}"
        rows.append(
            (
                run.id,
                formatting.moment(run.started),
                formatting.seconds(run.seconds),
                run.outcome,
                run.selected or "",
                message,
            )
        )
    result(paint.joined(terminal.aligned([tuple(map(printable, row)) for row in rows])))
