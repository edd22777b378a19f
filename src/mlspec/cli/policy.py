"""``mlspec policy``: what an organisation requires of specs, and whether they fulfil it."""

import sys

import click

from mlspec.cli import _options
from mlspec.cli._exit_codes import WRONG
from mlspec.cli._output import colored, result, show_diagnostics, talk
from mlspec.diagnostics import printable


@click.command(name="policy")
@click.argument("folder", required=False, type=click.Path())
@_options.allow_outside
@_options.formats("text", "json", "github", "markdown")
def command(folder: str | None, allow_outside: bool, form: str) -> int:
    """List the policies in force for the specs in FOLDER and below it, and check these specs, with each of their
    profiles.

    FOLDER is a folder or a spec; the current folder if left out. A policy is a policy.yaml beside a spec or above it,
    up to the repository's root. Nothing is run or written.
    """
    from mlspec import api
    from mlspec.cli._validate import Found, github
    from mlspec.report.terminal.paint import paint

    found = api.policies(folder, allow_outside=allow_outside)
    if form == "json":
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(Found(1, found.diagnostics)), indent=2).decode()
        result(text, form="json")
    elif form == "github":
        for wrong in found.diagnostics:
            result(github(wrong), form="commands")
    elif form == "markdown":
        from mlspec.diff.show.findings import findings

        result(findings(found.diagnostics, ()), form="data")
    else:
        for file, entries in found.policies.items():
            result(paint(printable(file), "1", colored(sys.stdout)))
            width = max((len(str(one.line)) for one in entries), default=0)
            for one in entries:
                result(printable(f"  {one.line:>{width}}  {one.name} {one.value}: {one.reason}"))
        if not found.policies and not found.diagnostics:
            talk("no policy is in force here")
        show_diagnostics(found.diagnostics, found.texts)
        if not found.diagnostics:
            count = len(found.specs)
            talk(f"{count} spec{'' if count == 1 else 's'} checked, with all profiles: no violation")
    return WRONG if found.diagnostics else 0
