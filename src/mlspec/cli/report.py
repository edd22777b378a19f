"""``mlspec report``: the page of a run."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result


@click.command(name="report")
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project, if not the one here.")
@_options.formats("html", "markdown", "json")
@_options.output
def command(run: str | None, spec: str | None, form: str, output: str | None) -> None:
    """Print the report of the last run, or of the run whose id begins with RUN: one page that needs nothing else."""
    from mlspec import api

    result(api.report(spec, run, form=form), output)
