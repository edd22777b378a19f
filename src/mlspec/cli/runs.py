"""``mlspec runs``: the runs of a project."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result, talk


@click.command(name="runs")
@_options.spec
@_options.formats("text", "json")
def command(spec: str | None, form: str) -> None:
    """List the runs of a project, newest first."""
    from mlspec import api
    from mlspec.report import terminal, words

    found = api.runs(spec)
    if form == "json":
        import msgspec

        result(msgspec.json.format(msgspec.json.encode({"format_version": 1, "runs": found}), indent=2).decode())
        return
    if not found:
        talk("nothing has been run here yet: mlspec run")
        return
    rows = [("run", "started", "took", "outcome", "model", "score")]
    for run in found:
        score = next((score for score in run.scores if score.metric == run.selected_by), None)
        told = "" if score is None else f"{score.metric} {words.score_value(score)}"
        rows.append(
            (run.id, words.moment(run.started), words.seconds(run.seconds), run.outcome, run.selected or "", told)
        )
    result("\n".join(terminal.aligned(rows)))
