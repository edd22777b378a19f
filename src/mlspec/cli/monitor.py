"""``mlspec monitor``: a model in service against its bounds."""

from typing import TYPE_CHECKING

import click

from mlspec.cli import _options
from mlspec.cli._exit_codes import HOLDS_NOT
from mlspec.cli._output import colored, form_of, result, talk, write

if TYPE_CHECKING:
    from datetime import datetime


@click.command(name="monitor")
@click.argument("log", metavar="LOG", type=click.Path())
@click.argument("labels", metavar="[LABELS]", required=False, type=click.Path())
@click.option("--package", metavar="FOLDER", required=True, type=click.Path(), help="The exported model, or a bundle.")
@click.option("--now", metavar="TIME", help="The time to look from (ISO 8601, UTC without a zone); now if left out.")
@_options.formats("text", "json", "markdown", "html")
@click.option("--prometheus", metavar="FILE", type=click.Path(), help="Also write a text file for Prometheus.")
@click.option("--webhook", metavar="URL", help="Post the failing bounds to this address, if there are any.")
@click.option(
    "--join",
    metavar="FILE",
    type=click.Path(),
    help="Also write the rows that have a label, as .parquet, .csv or .jsonl.",
)
@_options.output
def command(
    log: str,
    labels: str | None,
    package: str,
    now: str | None,
    form: str,
    prometheus: str | None,
    webhook: str | None,
    join: str | None,
    output: str | None,
) -> int:
    """Judge the newest window of a request log by the bounds of `operation.monitor`.

    LOG is the folder that `mlspec serve` writes; LABELS a table with the true outcomes (`operation.labels.source` if
    left out). Exit code 1 says that a bound fails. A bound that can't be decided is unknown, and no alarm.
    """
    import sys

    from mlspec import api
    from mlspec.monitoring import outlets, page, shown

    if webhook is not None:
        outlets.check(webhook)
    found = api.monitor(log, labels, package=package, now=moment(now), join=join)
    if join is not None:
        from mlspec.diagnostics import printable

        talk(printable(f"wrote {join}"))
        for text in found.warnings:
            talk(printable(f"warning: {text}"))
    if prometheus is not None:
        write(prometheus, outlets.prometheus(found))
    if form == "json":
        import msgspec

        said = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    elif form == "text":
        said = shown.text(found, color=output is None and colored(sys.stdout))
    else:
        said = shown.as_markdown(found) if form == "markdown" else page.page(found)
    result(said, output, form=form_of(form))
    if webhook is not None and found.alarms:
        wrong = outlets.call(webhook, found)
        if wrong:
            talk(f"warning: {wrong}")
    return HOLDS_NOT if found.alarms else 0


def moment(text: str | None, option: str = "--now") -> "datetime":
    """The stated time, or the present. Raises UsageError."""
    from datetime import UTC, datetime

    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
        if not 1970 <= found.year < 9000:
            raise ValueError
        return found
    except ValueError:
        raise click.UsageError(f"{option} takes a time like 2026-01-31T10:00:00Z, not '{text}'") from None
