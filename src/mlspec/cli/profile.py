"""``mlspec profile``: what a table holds."""

from typing import Any

import click

from mlspec.cli import _options
from mlspec.cli._output import form_of, result
from mlspec.specfile import find


@click.command(name="profile")
@click.argument("data", required=False, type=click.Path(), metavar="[DATA|SPEC]")
@click.option("--source", metavar="NAME", help="Only this source of the spec.")
@click.option("--target", metavar="COLUMN", help="The column to predict, for a file.")
@_options.reading
@_options.allow_outside
@_options.formats("text", "json", "html")
@_options.output
def command(
    data: str | None,
    source: str | None,
    target: str | None,
    settings: dict[str, Any],
    allow_outside: bool,
    form: str,
    output: str | None,
) -> None:
    """Describe a file, or the sources of a spec: types, missing values, quantiles, frequent values, correlations,
    duplicates, class balance.

    How a file of delimited text is read is found out from its beginning; a spec states it.

    Values of sensitive columns and of the id are not shown. For a fetched source, the last snapshot is used.
    """
    from mlspec import api
    from mlspec.report.terminal import table_profile_text

    found = api.profile(data, source=source, target=target, settings=settings, allow_outside=allow_outside)
    if form == "text":
        text = table_profile_text.text(found)
    elif form == "html":
        text = table_profile_text.page(found)
    else:
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    result(text, output, find(data), form=form_of(form))
