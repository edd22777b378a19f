"""``mlspec show``: what a run showed."""

import sys

import click

from mlspec.cli import _options
from mlspec.cli._output import colored, result


@click.command(name="show")
@click.argument("run", required=False, metavar="[RUN|METRIC]")
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project, if not the one here.")
@_options.formats("text", "json", "markdown")
def command(run: str | None, spec: str | None, form: str) -> None:
    """Show the last run of the project here, or the run whose id begins with RUN, or a METRIC over all runs."""
    from mlspec import api, registry
    from mlspec.report import facts, markdown, terminal, words

    if run is not None and registry.has("metrics", run):
        _history(spec, run, form)
        return
    found = api.last(spec, run)
    if form == "json":
        result(facts.encode(found))
    elif form == "markdown":
        result(markdown.markdown(found))
    else:
        result(
            f"run {found.id} of {words.moment(found.started)}\n\n{terminal.terminal(found, color=colored(sys.stdout))}"
        )


def _history(spec: str | None, metric: str, form: str) -> None:
    import shutil

    from mlspec import api
    from mlspec.diagnostics import Diagnostic, SpecError
    from mlspec.report.compare_text import history

    found = [run for run in reversed(api.runs(spec)) if any(score.metric == metric for score in run.scores)]
    if not found:
        note = "mlspec show lists the metrics of the last run"
        raise SpecError([Diagnostic(code="run-not-found", message=f"no run has measured '{metric}'", notes=(note,))])
    if form == "json":
        import msgspec

        scores = [{"run": run.id, "score": score} for run in found for score in run.scores if score.metric == metric]
        result(msgspec.json.format(msgspec.json.encode({"format_version": 1, "scores": scores}), indent=2).decode())
    else:
        result(history(metric, found, width=shutil.get_terminal_size().columns, color=colored(sys.stdout)))
