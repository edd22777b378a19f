"""``mlspec retrain``: whether a model in service is to be trained again, and whether a candidate is better."""

from typing import TYPE_CHECKING, Any

import click

from mlspec.cli import _options
from mlspec.cli._exit_codes import HOLDS_NOT, PENDING
from mlspec.cli._output import form_of, result

if TYPE_CHECKING:
    from mlspec.monitoring.candidate import Compared

SAID = {True: "yes", False: "no", None: "unknown"}


@click.command(name="retrain")
@click.argument("log", metavar="LOG", type=click.Path())
@click.argument("labels", metavar="[LABELS]", required=False, type=click.Path())
@click.option("--package", metavar="FOLDER", required=True, type=click.Path(), help="The exported model, or a bundle.")
@click.option("--check", is_flag=True, help="Say whether it is to be trained again, and why.")
@click.option("--candidate", metavar="MODEL|SPEC", type=click.Path(), help="A model to compare with it.")
@click.option("--since", metavar="TIME", help="Compare on later rows, which the candidate was not trained on.")
@click.option("--now", metavar="TIME", help="The time to look from (ISO 8601, UTC without a zone); now if left out.")
@_options.formats("text", "json")
def command(
    log: str,
    labels: str | None,
    package: str,
    check: bool,
    candidate: str | None,
    since: str | None,
    now: str | None,
    form: str,
) -> int:
    """With --check, say whether a model in service is to be trained again, by `operation.retrain`: quality, age, number
    of labels. Exit code 4 says that it is, 0 that it is not. Drift is never a reason; `mlspec monitor` raises an alarm
    for it.

    With --candidate and --since, compare a new model with the one in service on the same labelled rows of the log: the
    difference of each metric with its paired interval. Exit code 1 says that the candidate is worse by a metric of
    `operation.monitor.quality`.
    """
    from mlspec import api
    from mlspec.cli.monitor import moment
    from mlspec.diagnostics import printable

    if check == (candidate is not None) or (candidate is None) != (since is None):
        raise click.UsageError("mlspec retrain takes either --check, or --candidate with --since")
    if candidate is not None:
        times = {"since": moment(since, "--since"), "now": moment(now)}
        found: Any = api.compare_candidate(log, labels, package=package, candidate=candidate, **times)
        lines, code = _compared(found), HOLDS_NOT if found.worse else 0
    else:
        found = api.retrain_check(log, labels, package=package, now=moment(now))
        lines = [f"{SAID[one.holds]:<7}  {one.when:<7}  {one.text}" for one in found.reasons]
        lines += [f"warning: {text}" for text in found.warnings]
        lines.append("Train it again" if found.due else "No reason to train it again")
        code = PENDING if found.due else 0
    if form == "json":
        import msgspec

        result(msgspec.json.format(msgspec.json.encode(found), indent=2).decode(), form=form_of(form))
    else:
        result("\n".join(map(printable, lines)))
    return code


def _compared(found: "Compared") -> list[str]:
    from mlspec import formatting

    lines = [f"{formatting.count(found.rows, 'labelled row')} since {formatting.moment(found.since)}"]
    for one in found.differences:
        ends = (one.low, one.high)
        values = f"{formatting.figure(one.candidate, ends)}, in service {formatting.figure(one.served, ends)}"
        apart = f"{formatting.figure(one.value, ends)} {formatting.interval(*ends)}".rstrip()
        mark = "" if one.decides else " (no bound)"
        lines.append(f"{one.verdict:<7}  {one.metric}{mark}  {values}, difference {apart}".rstrip())
    lines += [f"warning: {text}" for text in found.warnings]
    return [*lines, "The candidate is worse" if found.worse else "The candidate is not shown to be worse"]
