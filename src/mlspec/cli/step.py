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
    """Run one step on the results of earlier steps in mlspec.results, and add its result there.

    The stages in dvc.yaml run this command (see mlspec compile --format dvc). A stored result is reused. Exits with 2
    if the spec is invalid or differs from the one that dvc.yaml was written from, 3 if the step failed.
    """
    from mlspec import api
    from mlspec.diagnostics import printable

    compiled = api.compile(spec, profile=profile, sets=sets, backend=backend, large=large, running=True)
    checked = compiled.checked
    show_diagnostics(checked.diagnostics, checked.document.texts)
    done, made = api.step(compiled, step)
    took = done.record["seconds"]
    talk(printable(f"{step}: done in {took:.1f} s" if made else f"{step}: result was stored already"))
    return 0
