"""``mlspec profile``: what a table holds."""

import click

from mlspec.cli import _options
from mlspec.cli._output import form_of, result
from mlspec.specfile import find


@click.command(name="profile")
@click.argument("data", required=False, type=click.Path(), metavar="[DATA|SPEC]")
@click.option("--source", metavar="NAME", help="Of a spec: only this source.")
@click.option("--target", metavar="COLUMN", help="Of a file: the column to predict.")
@_options.allow_outside
@_options.formats("text", "json", "html")
@_options.output
def command(
    data: str | None, source: str | None, target: str | None, allow_outside: bool, form: str, output: str | None
) -> None:
    """Show what a file, or the sources of a spec, hold: types, missing values, quantiles, frequent values, numbers that
    go together, duplicates, the balance of the target.

    Values of columns that a spec calls sensitive, and of its id, are not shown. A source that is fetched is its last
    snapshot.
    """
    from mlspec import api
    from mlspec.report.terminal import table_profile_text

    found = api.profile(data, source=source, target=target, allow_outside=allow_outside)
    if form == "text":
        text = table_profile_text.text(found)
    elif form == "html":
        text = table_profile_text.page(found)
    else:
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    result(text, output, find(data), form=form_of(form))
