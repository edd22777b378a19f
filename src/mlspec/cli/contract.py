"""``mlspec contract``: data contracts of other tools, in and out."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result, talk
from mlspec.diagnostics import printable
from mlspec.specfile import find

FORMS = ("odcs", "croissant", "pandera", "great_expectations")


@click.group(name="contract")
def command() -> None:
    """Read a data contract of another tool as YAML of a spec, or write what a spec expects as such a contract."""


@command.command(name="import")
@click.argument("file", type=click.Path())
@click.option("--write", "spec", type=click.Path(), metavar="SPEC", help="Add it to a spec in place of printing it.")
@_options.output
def import_(file: str, spec: str | None, output: str | None) -> None:
    """Print the types, personal columns and expectations that a contract states, as they belong under data.

    FILE is an Open Data Contract Standard document (version 3), a Great Expectations suite, a pandera schema, a
    Croissant description, a Frictionless table schema or data package, or a Hugging Face dataset's card or
    dataset_infos.json; its content tells which. What the language has no place for is listed in comments. Added to a
    spec, what that says already stays as it is.
    """
    from mlspec import api
    from mlspec.contracts import reading

    found = api.import_contract(file)
    if spec is not None:
        if output is not None:
            raise click.UsageError("--write and --output are two places: give one of them")
        text, left = api.add_contract(found, spec)
        result(text, find(spec), form="data")
        for one in (*left, *found.unmapped):
            talk(printable(f"not added: {one}"))
        talk("next: mlspec validate")
        return
    result(reading.as_yaml(found, file), output, file, form="data")
    if found.unmapped:
        talk(f"{len(found.unmapped)} of what it says could not be mapped: see the comments at the end")


@command.command(name="export")
@_options.spec
@_options.allow_outside
@_options.formats(*FORMS)
@_options.output
def export(spec: str | None, allow_outside: bool, form: str, output: str | None) -> None:
    """Print a spec's columns and expectations as a contract of another tool.

    In an Open Data Contract what the standard has no words for stands as custom quality of the engine mlspec; the other
    forms leave it out, and it is told.
    """
    from mlspec import api

    text, lacking = api.export_contract(form, spec, allow_outside=allow_outside)
    result(text, output, find(spec), form="data")
    for one in lacking:
        talk(printable(f"not mapped: {one}"))
