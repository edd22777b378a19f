"""``mlspec validate``: diagnostics, nothing else."""

import click

from mlspec.cli import _options
from mlspec.cli._validate import validate


@click.command(name="validate")
@click.argument("specs", nargs=-1, metavar="[SPEC]...", type=click.Path())
@_options.overlays
@_options.allow_outside
@click.option("--requirements", is_flag=True, help="List what is required of the model, and what each is bound to.")
@click.option(
    "--schema",
    is_flag=True,
    help="Check the structure by the published JSON Schema first, a second, independent reader.",
)
@_options.formats("text", "json", "github")
def command(
    specs: tuple[str, ...],
    profile: str | None,
    sets: tuple[str, ...],
    backend: str | None,
    large: bool,
    allow_outside: bool,
    requirements: bool,
    schema: bool,
    form: str,
) -> int:
    """Check specs and say everything that is wrong with them.

    Reads the specs and the headers of the data they name, of files in the spec's repository alone; runs nothing, writes
    nothing.
    """
    return validate(
        specs,
        profile=profile,
        sets=sets,
        backend=backend,
        large=large,
        allow_outside=allow_outside,
        form=form,
        listing=requirements,
        schema=schema,
    )
