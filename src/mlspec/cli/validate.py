"""``mlspec validate``: diagnostics, nothing else."""

import click

from mlspec.cli import _options
from mlspec.cli._validate import validate


@click.command(name="validate")
@click.argument("specs", nargs=-1, metavar="[SPEC]...", type=click.Path())
@_options.overlays
@_options.allow_outside
@click.option("--requirements", is_flag=True, help="List the requirements, and the check of each.")
@click.option(
    "--schema",
    is_flag=True,
    help="Check the structure by the published JSON Schema first, a second, independent reader.",
)
@click.option("--fix", is_flag=True, help="Apply the fixes that leave nothing to decide, and write the specs.")
@_options.formats("text", "json", "github", "markdown")
def command(
    specs: tuple[str, ...],
    profile: str | None,
    sets: tuple[str, ...],
    backend: str | None,
    large: bool,
    allow_outside: bool,
    requirements: bool,
    schema: bool,
    fix: bool,
    form: str,
) -> int:
    """Check specs and report every error.

    Reads the specs and the headers of their data files, only inside the spec's repository; runs nothing, writes
    nothing. With --fix, mistyped names and the like are corrected where one correction alone is possible; comments and
    layout stay, and each changed line is shown.
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
        fix=fix,
    )
