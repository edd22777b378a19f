"""``mlspec run``: runs what is needed and says whether every constraint holds."""

import sys
from typing import TYPE_CHECKING

import click

from mlspec.cli import _options
from mlspec.cli._exit_codes import HOLDS_NOT, STEP_FAILED
from mlspec.cli._output import colored, result, show_diagnostics, talk

if TYPE_CHECKING:
    from mlspec.cli._progress import Bars, JsonLines, Lines
    from mlspec.report.facts.run import RunFacts

CODES = {"passed": 0, "failed": HOLDS_NOT, "unknown": HOLDS_NOT, "error": STEP_FAILED}


@click.command(name="run")
@_options.spec
@_options.overlays
@click.option("--only", multiple=True, metavar="STEP", help="Only this step and what it needs; repeatable.")
@click.option("--force", is_flag=True, help="Run steps even if their results are stored (with --only: the named ones).")
@click.option("--offline", is_flag=True, help="Open no connections: use the last snapshots of fetched sources.")
@click.option(
    "--accept-data", is_flag=True, help="Accept the current data even if it differs from what mlspec.lock has pinned."
)
@click.option("--init", is_flag=True, help="Create a DVC repository here if there is none (engine dvc).")
@click.option("--dry-run", is_flag=True, help="Show what would run, and why, without running it.")
@_options.formats("text", "json")
def command(
    spec: str | None,
    profile: str | None,
    sets: tuple[str, ...],
    backend: str | None,
    large: bool,
    only: tuple[str, ...],
    force: bool,
    offline: bool,
    accept_data: bool,
    init: bool,
    dry_run: bool,
    form: str,
) -> int:
    """Run the steps of a spec that are needed, and report whether its constraints hold.

    Runs the code that the spec names. Exits with 0 if every constraint holds, 1 if one fails or cannot be decided, 2 if
    the spec is invalid, 3 if a step failed or a source is unavailable. With --format json: events as JSON lines, and
    the run as the last line (schema/run.schema.json).
    """
    from mlspec import api
    from mlspec.diagnostics import printable

    if dry_run and force:
        raise click.UsageError("--dry-run shows what the store lacks, --force ignores the store")
    if init and not dry_run and api.init_dvc(spec):
        talk("created a DVC repository here")
    fetching = None if dry_run else api.Fetching(offline, accept_data, lambda text: talk(printable(text)))
    compiled = api.compile(
        spec,
        profile=profile,
        sets=sets,
        backend=backend,
        large=large,
        only=only,
        running=True,
        fetching=fetching,
    )
    document = compiled.checked.document
    show_diagnostics(compiled.checked.diagnostics, document.texts)
    plan = compiled.plan
    pending = force or plan.pending()
    if dry_run:
        from mlspec.graph.show import as_json
        from mlspec.graph.show.tree import tree

        if form == "json":
            result(as_json.encode(as_json.as_json(plan.graph, plan)), form="json")
        else:
            result(tree(plan, color=colored(sys.stdout)))
        return 0
    if form == "text" and not pending:
        talk(f"nothing to do: the results of all {len(plan.folded.steps):,} steps are stored")
    listener = _listener(form, pending, {step: planned.seconds for step, planned in plan.steps.items()})
    from mlspec.engine import events

    ended: list[events.RunFinished] = []

    def follow(event: events.AnyEvent) -> None:
        if isinstance(event, events.RunFinished):
            ended.append(event)
        listener(event)

    try:
        with listener.live():
            found = api.execute(compiled, force=force, forced=only, listener=follow)
    except KeyboardInterrupt:
        if ended:
            kept = ended[-1].done + ended[-1].cached
            talk(
                f"stopped: results of {kept:,} of {len(plan.steps):,} steps are kept, and checkpoints of trainings; "
                "the same command goes on from there"
            )
        raise
    if form == "json":
        import msgspec

        result(msgspec.json.encode(found).decode(), form="json")
    else:
        _show(found)
    return CODES[found.outcome]


def _listener(form: str, pending: bool, seconds: "dict[str, float | None]") -> "Bars | JsonLines | Lines":
    from mlspec.cli import _progress

    if form == "json":
        return _progress.JsonLines()
    if pending and sys.stderr.isatty():
        return _progress.Bars(seconds)
    return _progress.Lines()


def _show(found: "RunFacts") -> None:
    from mlspec.diagnostics import printable
    from mlspec.report.terminal.run import terminal, tracked

    for fact in found.data.expectations:
        if not fact.holds and fact.severity == "warn":
            talk(printable(f"warning[not-as-expected]: {'; '.join(fact.faults)}"))
            if fact.place is not None:
                talk(printable(f"  --> {fact.place.file}:{fact.place.line}:{fact.place.column}"))
    for failure in found.failures:
        talk(printable(f"error[step-failed]: step '{failure.step}' failed: {failure.cause}"))
        if failure.place is not None:
            talk(printable(f"  --> {failure.place.file}:{failure.place.line}:{failure.place.column}"))
        if failure.log is not None:
            talk(printable(f"  = log: {failure.log}"))
    result(terminal(found, color=colored(sys.stdout)))
    if found.tracked is not None:
        talk(tracked(found.tracked))
