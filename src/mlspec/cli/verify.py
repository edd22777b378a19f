"""``mlspec verify``: makes everything again and compares it with ``mlspec.lock``; or checks the stored results."""

import sys

import click

from mlspec.cli import HOLDS_NOT, STEP_FAILED, _options
from mlspec.cli._output import colored, result, talk
from mlspec.report.paint import paint


@click.command(name="verify")
@_options.spec
@click.option("--store", is_flag=True, help="Read every stored result and compare it with its digest instead.")
def command(spec: str | None, store: bool) -> int:
    """Run the whole spec in an empty store and compare what comes out with mlspec.lock: digests, metrics, verdicts.

    Exits with 0 when everything is the same, 1 when something differs, 3 when a step failed.
    """
    return _stored(spec) if store else _again(spec)


def _again(spec: str | None) -> int:
    from mlspec import api
    from mlspec.cli._progress import Lines
    from mlspec.diagnostics import printable
    from mlspec.engine.verify import verify
    from mlspec.report.terminal import aligned

    compiled = api.compile(spec, running=True)
    found = verify(compiled.plan.graph, listener=Lines())
    if found.run.failures:
        talk(f"{len(found.run.failures)} steps failed; nothing was compared")
        return STEP_FAILED
    if not found.differences:
        done = f"all {len(found.run.steps)} steps gave what mlspec.lock says"
        result(f"{paint('the same', '1;32', colored(sys.stdout))}: {done}")
        return 0
    rows = [("what", "mlspec.lock", "now")]
    rows += [(printable(d.what), printable(d.locked) or "–", printable(d.found) or "–") for d in found.differences]
    result("\n".join(aligned(rows)))
    return HOLDS_NOT


def _stored(spec: str | None) -> int:
    from pathlib import Path

    from mlspec.diagnostics import printable
    from mlspec.engine import places
    from mlspec.report import words
    from mlspec.specfile import find
    from mlspec.store import upkeep
    from mlspec.store.store import Store

    store = Store(places.store(places.home(Path(find(spec)).parent)))
    damaged = upkeep.verify(store)
    for damage in damaged:
        result(printable(f"{damage.entry}: {damage.problem}"))
    if damaged:
        talk(
            f"{words.count(len(damaged), 'entry').replace('entrys', 'entries')} damaged; the next run makes them again"
        )
        return HOLDS_NOT
    count = words.count(sum(1 for _action in store.actions()), "result")
    result(f"{count} checked, {words.size(upkeep.size(store))}: none is damaged")
    return 0
