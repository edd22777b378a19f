"""``mlspec contract``: data contracts of other tools, in and out."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result, talk
from mlspec.diagnostics import printable
from mlspec.specfile import find

FORMS = ("odcs", "croissant", "pandera", "great_expectations")


@click.group(name="contract")
def command() -> None:
    """Convert a data contract of another tool to YAML of a spec, or a spec's expectations to such a contract."""


@command.command(name="import")
@click.argument("file", type=click.Path())
@click.option("--write", "spec", type=click.Path(), metavar="SPEC", help="Add it to a spec instead of printing it.")
@_options.output
def import_(file: str, spec: str | None, output: str | None) -> None:
    """Print the types, personal columns and expectations of a contract as YAML for the data section.

    FILE is an Open Data Contract Standard document (version 3), a Great Expectations suite, a pandera schema, a
    Croissant description, a Frictionless table schema or data package, or a Hugging Face dataset's card or
    dataset_infos.json; the format is detected from its content. Entries that the language cannot express are listed in
    comments. Existing entries of a spec are not changed.
    """
    from mlspec import api
    from mlspec.contracts import reading

    found = api.import_contract(file)
    if spec is not None:
        if output is not None:
            raise click.UsageError("--write and --output cannot be combined")
        text, left = api.add_contract(found, spec)
        result(text, find(spec), form="data")
        for one in (*left, *found.unmapped):
            talk(printable(f"not added: {one}"))
        talk("next: mlspec validate")
        return
    result(reading.as_yaml(found, file), output, file, form="data")
    if found.unmapped:
        talk(f"{len(found.unmapped)} entries could not be mapped: see the comments at the end")


@command.command(name="export")
@_options.spec
@_options.allow_outside
@_options.formats(*FORMS)
@_options.output
def export(spec: str | None, allow_outside: bool, form: str, output: str | None) -> None:
    """Print a spec's columns and expectations as a contract of another tool.

    In an Open Data Contract, expectations that the standard cannot express become custom quality rules of the engine
    mlspec; other formats leave them out and list them on stderr.
    """
    from mlspec import api

    text, lacking = api.export_contract(form, spec, allow_outside=allow_outside)
    result(text, output, find(spec), form="data")
    for one in lacking:
        talk(printable(f"not mapped: {one}"))
