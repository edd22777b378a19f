"""``mlspec show``: what a run showed."""

import sys

import click

from mlspec.cli import _options
from mlspec.cli._output import colored, result


@click.command(name="show")
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project, if not the one here.")
@_options.formats("text", "json", "markdown")
def command(run: str | None, spec: str | None, form: str) -> None:
    """Show the last run of the project here, or the run whose id begins with RUN."""
    from mlspec import api
    from mlspec.report import facts, markdown, terminal, words

    found = api.last(spec, run)
    if form == "json":
        result(facts.encode(found))
    elif form == "markdown":
        result(markdown.markdown(found))
    else:
        result(
            f"run {found.id} of {words.moment(found.started)}\n\n{terminal.terminal(found, color=colored(sys.stdout))}"
        )
