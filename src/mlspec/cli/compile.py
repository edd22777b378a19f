"""``mlspec compile``: the graph of a spec, what would run, and why."""

import click

from mlspec.cli import _options
from mlspec.cli._compile import show

FORMATS = ("tree", "json", "mermaid", "dot", "svg", "html", "codeowners", "dvc", "dvc-params")


@click.command(name="compile")
@_options.spec
@_options.overlays
@_options.allow_outside
@_options.formats(*FORMATS)
@click.option("--resolved", is_flag=True, help="Print the spec with all defaults instead.")
@click.option("--trace", is_flag=True, help="Print what each pass of the compiler changed instead.")
@click.option("--explain", "step", metavar="STEP", help="Print the inputs, parameters and outputs of one step instead.")
@_options.output
@click.option("--init", is_flag=True, help="With --format dvc: create a DVC repository here if there is none.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 4 if there are steps to run, 0 if there are none.")
def command(
    spec: str | None,
    profile: str | None,
    sets: tuple[str, ...],
    backend: str | None,
    large: bool,
    allow_outside: bool,
    form: str,
    resolved: bool,
    trace: bool,
    step: str | None,
    output: str | None,
    init: bool,
    detailed_exitcode: bool,
) -> int:
    """Print the steps of a spec, which of them would run, and why. Runs no step.

    --format dvc writes the steps as stages into dvc.yaml next to the spec, for `dvc repro`; dvc-params writes only the
    values that the stages track.

    With --detailed-exitcode: 0 nothing to run, 2 the spec or the command is invalid, 4 there are steps to run.
    """
    if sum((resolved, trace, step is not None)) > 1:
        raise click.UsageError("--resolved, --trace and --explain cannot be combined")
    if form in ("dvc", "dvc-params"):
        from mlspec.cli import _dvc

        if resolved or trace or step is not None or detailed_exitcode:
            raise click.UsageError(f"--format {form} cannot be combined with other options")
        if output is not None:
            raise click.UsageError(f"--format {form} writes its files next to the spec, so it takes no --output")
        if form == "dvc-params":
            return _dvc.params(
                spec, profile=profile, sets=sets, backend=backend, large=large, allow_outside=allow_outside
            )
        return _dvc.write(
            spec, init, profile=profile, sets=sets, backend=backend, large=large, allow_outside=allow_outside
        )
    what = "resolved" if resolved else "trace" if trace else f"explain {step}" if step is not None else form
    return show(
        spec,
        what,
        profile=profile,
        sets=sets,
        backend=backend,
        large=large,
        allow_outside=allow_outside,
        output=output,
        detailed_exitcode=detailed_exitcode,
    )
