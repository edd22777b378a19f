"""``mlspec step``: does one step of a spec, as a stage of DVC does."""

import click

from mlspec.cli import _options
from mlspec.cli._output import show_diagnostics, talk


@click.command(name="step")
@click.argument("step", metavar="STEP")
@_options.spec
@_options.overlays
def command(
    step: str, spec: str | None, profile: str | None, sets: tuple[str, ...], backend: str | None, large: bool
) -> int:
    """Do one step on what the steps before it have left in mlspec.results, and lay its result beside theirs.

    This is what the stages in dvc.yaml run (see mlspec compile --format dvc). Finds the result in the store where it is
    known. Exits with 2 when the spec is wrong or is not the one that dvc.yaml was written from, 3 when the step failed.
    """
    from mlspec import api
    from mlspec.diagnostics import printable

    compiled = api.compile(spec, profile=profile, sets=sets, backend=backend, large=large, running=True)
    checked = compiled.checked
    show_diagnostics(checked.diagnostics, checked.document.texts)
    done, made = api.step(compiled, step)
    took = done.record["seconds"]
    talk(printable(f"{step}: done in {took:.1f} s" if made else f"{step}: its result was stored"))
    return 0
