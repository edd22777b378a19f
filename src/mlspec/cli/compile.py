"""``mlspec compile``: the graph of a spec, what would run, and why."""

import sys

import click

from mlspec.api import find
from mlspec.cli import _memo, _options
from mlspec.cli._output import colored, result

FORMATS = ("tree", "json", "mermaid", "dot", "svg", "html")
PENDING = 4


@click.command(name="compile")
@_options.spec
@_options.overlays
@_options.formats(*FORMATS)
@click.option("--resolved", is_flag=True, help="Print the spec with all its defaults instead.")
@click.option("--trace", is_flag=True, help="Print what each pass of the compiler changed instead.")
@click.option("--explain", "step", metavar="STEP", help="Print what one step reads, is made of and gives instead.")
@_options.output
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 4 when there is work to do, 0 when there is none.")
def command(
    spec: str | None,
    profile: str | None,
    sets: tuple[str, ...],
    backend: str | None,
    large: bool,
    form: str,
    resolved: bool,
    trace: bool,
    step: str | None,
    output: str | None,
    detailed_exitcode: bool,
) -> int:
    """Print the steps of a spec, which of them would run, and why. Runs nothing.

    With --detailed-exitcode: 0 nothing to do, 2 the spec or the command is wrong, 4 there is work to do.
    """
    if sum((resolved, trace, step is not None)) > 1:
        raise click.UsageError("--resolved, --trace and --explain exclude one another")
    what = "resolved" if resolved else "trace" if trace else f"explain {step}" if step is not None else form
    color = output is None and what == "tree" and colored(sys.stdout)
    path = find(spec)
    request = (profile, sets, backend, large, what, color)
    answer = _memo.recall(path, request)
    if answer is None:
        answer = _make(path, profile, sets, backend, large, what, color)
    result(answer.text, output)
    return PENDING if detailed_exitcode and answer.pending else 0


def _make(
    path: str, profile: str | None, sets: tuple[str, ...], backend: str | None, large: bool, what: str, color: bool
) -> _memo.Answer:
    import os

    from mlspec import api
    from mlspec.cli._compiled import text
    from mlspec.cli._output import show_diagnostics

    found = api.compile(path, profile=profile, sets=sets, backend=backend, large=large)
    checked = found.checked
    show_diagnostics(checked.diagnostics, checked.document.texts)
    answer = _memo.Answer(text(found, what, color), found.plan.pending())
    if not checked.diagnostics:
        files = [os.path.join(checked.root, name) for step in found.plan.graph.steps.values() for name in step.files]
        _memo.remember(path, (profile, sets, backend, large, what, color), files, answer)
    return answer
