"""``mlspec report``: the page of a run."""

import click

from mlspec.cli import _options, _origin
from mlspec.cli._exit_codes import STEP_FAILED
from mlspec.cli._output import form_of, result, talk
from mlspec.specfile import find


@click.command(name="report")
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project; the one in this folder if left out.")
@_options.formats("html", "markdown", "json", "card")
@click.option("--mlflow", is_flag=True, help="Log the run to the server that the spec names, and print nothing.")
@_options.output
def command(run: str | None, spec: str | None, form: str, mlflow: bool, output: str | None) -> int:
    """Print the report of the last run, or of the run whose id starts with RUN, as one self-contained page.

    With --format card: a model card of the selected model, with the front matter of the Hugging Face Hub.
    """
    from mlspec import api

    if not mlflow:
        _origin.tell(spec, [api.last(spec, run).id])
        result(api.report(spec, run, form=form), output, find(spec), form=form_of(form))
        return 0
    from mlspec.report.terminal.run import tracked

    checked = api.validate(spec, running=True)
    found = api.track(checked.root, checked.project, run)
    assert found.tracked is not None
    talk(tracked(found.tracked))
    return 0 if found.tracked.error is None else STEP_FAILED
