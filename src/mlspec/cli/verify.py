"""``mlspec verify``: computes everything again and compares it with ``mlspec.lock``; or checks the stored results."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mlspec.cli import _options
from mlspec.cli._exit_codes import HOLDS_NOT, STEP_FAILED
from mlspec.cli._output import colored, result, talk
from mlspec.report.terminal.paint import paint

if TYPE_CHECKING:
    from mlspec.engine.verify import Verified

COLORS = {"identical": "1;32", "equivalent": "1;33", "different": "1;31"}
LISTED = 6
LUCK = 0.5  # of the way out of a metric's interval: rounding alone moves values far less


@click.command(name="verify")
@_options.spec
@click.option("--store", is_flag=True, help="Compare every stored result with its digest instead.")
@click.option("--adopt", is_flag=True, help="With --store: accept results computed elsewhere as if computed here.")
@click.option("--exact", is_flag=True, help="Accept only identical results, whatever the machine.")
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    metavar="METRIC=NUMBER",
    help="How far a metric may be from its value in mlspec.lock to be equivalent, instead of inside its interval; "
    "repeatable.",
)
def command(spec: str | None, store: bool, adopt: bool, exact: bool, tolerances: tuple[str, ...]) -> int:
    """Run the whole spec in an empty store and compare the results with mlspec.lock: digests, metrics, verdicts.

    Results are identical, or equivalent: other digests on a machine with another processor or other numeric kernels,
    with the same verdicts and every metric inside its interval in mlspec.lock, or its spread over seeds; or different.
    Fetched sources are read from the snapshots in mlspec.lock, and fetched if these are not here.

    Exits with 0 if identical or equivalent, 1 if different, 3 if a step failed or a source is unavailable.

    Stored results that were copied, unpacked or committed into .mlspec are not used, because anyone could have written
    them. --store lists them, --adopt accepts them.
    """
    if adopt and not store:
        raise click.UsageError("--adopt needs --store")
    if adopt:
        from mlspec import api, formatting

        talk(f"{formatting.count(api.adopt(spec), 'result')} computed elsewhere accepted")
    return _stored(spec) if store else _again(spec, exact, dict(map(_tolerance, tolerances)))


def _tolerance(text: str) -> tuple[str, float]:
    name, equals, number = text.partition("=")
    try:
        allowed = float(number)
    except ValueError:
        allowed = -1.0
    if not name or not equals or not 0 <= allowed < float("inf"):
        raise click.UsageError(f"--tolerance '{text}' is not METRIC=NUMBER, such as log_loss=0.01")
    return name, allowed


def _again(spec: str | None, exact: bool, tolerances: dict[str, float]) -> int:
    from mlspec import api
    from mlspec.cli._output import show_diagnostics
    from mlspec.cli._progress import Lines
    from mlspec.diagnostics import printable
    from mlspec.engine.verify import verify

    fetching = api.Fetching(locked=True, tell=lambda text: talk(printable(text)))
    compiled = api.compile(spec, running=True, fetching=fetching)
    show_diagnostics(compiled.checked.diagnostics, compiled.checked.document.texts)
    metrics = [metric.name for metric in compiled.checked.project.evaluation.metrics or ()]
    unknown = [name for name in tolerances if name not in metrics]
    if unknown:
        raise click.UsageError(f"--tolerance: the spec has no metric '{unknown[0]}'; it has {', '.join(metrics)}")
    found = verify(compiled.plan.graph, tolerances=tolerances, listener=Lines())
    if found.run is not None and found.run.failures:
        talk(f"{len(found.run.failures)} steps failed, so nothing was compared")
        return STEP_FAILED
    answer = "different" if exact and found.answer == "equivalent" else found.answer
    lines = list(_lines(found, exact))
    result("\n".join([f"{paint(answer, COLORS[answer], colored(sys.stdout))}: {lines[0]}", *lines[1:]]))
    return HOLDS_NOT if answer == "different" else 0


def _lines(found: "Verified", exact: bool) -> Iterator[str]:
    """What the answer rests on: the reasons, what differed most and where it began, the machines, the digests."""
    from mlspec import formatting
    from mlspec.diagnostics import printable
    from mlspec.report.terminal.run import aligned

    if found.answer == "identical":
        yield f"all {len(found.run.steps) if found.run else 0} steps gave the results in mlspec.lock"
        return
    steps = formatting.count(found.steps, "step")
    if found.reasons:
        yield printable(found.reasons[0])
        yield from (f"  {printable(reason)}" for reason in found.reasons[1 : LISTED + 1])
        if len(found.reasons) > LISTED + 1:
            yield f"  and {len(found.reasons) - LISTED - 1} more reasons"
    else:
        yield f"{steps} gave other digests on another machine; the verdicts are the same, every metric is in bounds"
        if exact:
            yield "  --exact accepts identical results alone"
    if found.first:
        more = f" and {len(found.first) - LISTED} more" if len(found.first) > LISTED else ""
        yield f"  began in: {printable(', '.join(found.first[:LISTED]))}{more} ({steps} differ)"
    moved = [shift for shift in found.shifts if shift.found != shift.locked]
    if moved:
        worst = moved[0]
        share = "" if worst.share == float("inf") else f", {100 * worst.share:.2g}% of the way out"
        bounds = f"bounds {worst.low:.4g} to {worst.high:.4g}{share}"
        yield f"  moved most: {worst.metric} from {worst.locked:.6g} to {worst.found:.6g} ({bounds})"
        if worst.share > LUCK and found.machine:
            yield f"  {worst.metric} depends on luck in training: model.repeats: 5 shows how much, over several seeds"
    for other in found.machine:
        yield f"  {other.what}: {printable(other.locked) or 'unknown'} -> {printable(other.found) or 'unknown'}"
    if found.answer == "equivalent":
        yield "  backend: {reproducible: portable} gives identical results on every x86-64 machine"
    elif found.differences:
        rows = [("what", "mlspec.lock", "now")]
        rows += [(printable(d.what), printable(d.locked) or "–", printable(d.found) or "–") for d in found.differences]
        yield from aligned(rows)


def _stored(spec: str | None) -> int:
    from pathlib import Path

    from mlspec import formatting, paths
    from mlspec.diagnostics import printable
    from mlspec.specfile import find
    from mlspec.store import upkeep
    from mlspec.store.store import Store

    store = Store(paths.store(paths.home(Path(find(spec)).parent)))
    found = upkeep.inspect(store)
    for damage in found.damaged:
        result(printable(f"{damage.entry}: {damage.problem}"))
    elsewhere = sum(damage.problem == upkeep.ELSEWHERE for damage in found.damaged)
    if len(found.damaged) > elsewhere:
        entries = formatting.count(len(found.damaged) - elsewhere, "entry").replace("entrys", "entries")
        talk(f"{entries} damaged; the next run computes them again")
    if elsewhere:
        made = f"{formatting.count(elsewhere, 'result')} computed elsewhere and not used"
        talk(f"{made}: the next run computes them here, --adopt accepts them unchanged")
    if found.damaged:
        return HOLDS_NOT
    result(f"{formatting.count(found.results, 'result')} checked, {formatting.size(found.bytes)}: none is damaged")
    return 0
