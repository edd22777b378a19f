"""``mlspec verify``: makes everything again and compares it with ``mlspec.lock``; or checks the stored results."""

import sys

import click

from mlspec.cli import _options
from mlspec.cli._exit_codes import HOLDS_NOT, STEP_FAILED
from mlspec.cli._output import colored, result, talk
from mlspec.report.terminal.paint import paint


@click.command(name="verify")
@_options.spec
@click.option("--store", is_flag=True, help="Compare every stored result with its digest instead.")
@click.option("--adopt", is_flag=True, help="With --store: accept results computed elsewhere as if computed here.")
def command(spec: str | None, store: bool, adopt: bool) -> int:
    """Run the whole spec in an empty store and compare the results with mlspec.lock: digests, metrics, verdicts.

    Exits with 0 if everything is the same, 1 if something differs, 3 if a step failed.

    Stored results that were copied, unpacked or committed into .mlspec are not used, because anyone could have written
    them. --store lists them, --adopt accepts them.
    """
    if adopt and not store:
        raise click.UsageError("--adopt needs --store")
    if adopt:
        from mlspec import api, formatting

        talk(f"{formatting.count(api.adopt(spec), 'result')} computed elsewhere accepted")
    return _stored(spec) if store else _again(spec)


def _again(spec: str | None) -> int:
    from mlspec import api
    from mlspec.cli._progress import Lines
    from mlspec.diagnostics import printable
    from mlspec.engine.verify import verify
    from mlspec.report.terminal.run import aligned

    compiled = api.compile(spec, running=True)
    found = verify(compiled.plan.graph, listener=Lines())
    if found.run.failures:
        talk(f"{len(found.run.failures)} steps failed, so nothing was compared")
        return STEP_FAILED
    if not found.differences:
        done = f"all {len(found.run.steps)} steps gave the results in mlspec.lock"
        result(f"{paint('the same', '1;32', colored(sys.stdout))}: {done}")
        return 0
    rows = [("what", "mlspec.lock", "now")]
    rows += [(printable(d.what), printable(d.locked) or "–", printable(d.found) or "–") for d in found.differences]
    result("\n".join(aligned(rows)))
    return HOLDS_NOT


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
