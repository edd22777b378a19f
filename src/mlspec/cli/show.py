"""``mlspec show``: what a run showed, or a plot of a metric or a candidate."""

import sys
from typing import TYPE_CHECKING

import click

from mlspec.cli import _options, _origin
from mlspec.cli._output import colored, result

if TYPE_CHECKING:
    from mlspec.report.runs.series import Series


@click.command(name="show")
@click.argument("what", required=False, metavar="[RUN|METRIC|CANDIDATE]")
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project; the one in this folder if left out.")
@_options.formats("text", "json", "markdown")
def command(what: str | None, spec: str | None, form: str) -> None:
    """Show the last run of the project in this folder, or the run whose id starts with RUN.

    METRIC: plot it over the runs, with intervals. CANDIDATE: plot its training by round, and its tuning by trial.
    """
    from mlspec import api, formatting
    from mlspec.diagnostics import printable
    from mlspec.report import markdown
    from mlspec.report.facts import run as facts
    from mlspec.report.terminal import run as terminal

    found = None if not what or what[0].isdigit() else api.series(what, spec=spec)
    if found is not None:
        _plot(found, form)
        return
    run = api.last(spec, what)
    _origin.tell(spec, [run.id])
    if form == "json":
        result(facts.encode(run), form="json")
    elif form == "markdown":
        result(markdown.markdown(run), form="data")
    else:
        head = printable(f"run {run.id} of {formatting.moment(run.started)}")
        result(f"{head}\n\n{terminal.terminal(run, color=colored(sys.stdout))}")


def _plot(found: "Series", form: str) -> None:
    from shutil import get_terminal_size

    from mlspec.report.runs import series
    from mlspec.report.terminal import plot

    if form == "json":
        result(series.encode(found), form="json")
    elif form == "markdown":
        result(f"```\n{plot.plot(found, 100)}```\n", form="data")
    else:
        result(plot.plot(found, get_terminal_size((80, 24)).columns, color=colored(sys.stdout)))
