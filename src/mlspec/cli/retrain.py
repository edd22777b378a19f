"""``mlspec retrain``: trains a model in service again, where it is due, and compares the new one with it."""

from typing import TYPE_CHECKING, Any

import click

from mlspec.cli import _options
from mlspec.cli import release as _release
from mlspec.cli._exit_codes import HOLDS_NOT, PENDING, STEP_FAILED
from mlspec.cli._output import form_of, result, talk

if TYPE_CHECKING:
    from mlspec.monitoring.candidate import Compared
    from mlspec.monitoring.retraining import Retraining

SAID = {True: "yes", False: "no", None: "unknown"}
CODES = {"not_due": 0, "promoted": 0, "refused": HOLDS_NOT, "failed": STEP_FAILED, "waiting": PENDING}


@click.command(name="retrain")
@click.argument("log", metavar="LOG", type=click.Path())
@click.argument("labels", metavar="[LABELS]", required=False, type=click.Path())
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project; the one in this folder if left out.")
@_release.registry
@_release.key
@click.option("--unsigned", is_flag=True, help="Do not sign the bundle.")
@click.option("--drop", is_flag=True, help="Give up a retraining that has not ended.")
@click.option("--check", is_flag=True, help="Only say whether the model of --package is to be trained again, and why.")
@click.option("--candidate", metavar="MODEL|SPEC", type=click.Path(), help="Only compare a model with --package.")
@click.option(
    "--package",
    metavar="FOLDER",
    type=click.Path(),
    help="For --check and --candidate: the exported model in service, or a bundle.",
)
@click.option("--since", metavar="TIME", help="Compare on later rows, which the candidate was not trained on.")
@click.option("--now", metavar="TIME", help="The time to look from (ISO 8601, UTC without a zone); now if left out.")
@_options.formats("text", "json")
def command(
    log: str,
    labels: str | None,
    spec: str | None,
    registry: str | None,
    key: str | None,
    unsigned: bool,
    drop: bool,
    check: bool,
    candidate: str | None,
    package: str | None,
    since: str | None,
    now: str | None,
    form: str,
) -> int:
    """Train the model of a stage again where `operation.retrain` says so: quality, age, number of labels. Drift is
    never a reason; `mlspec monitor` raises an alarm for it.

    The labelled rows of the log become a new file of a source; the spec is run; the new model is compared with the one
    in service on the newest rows, which neither was trained on; it is released, and promoted where the spec says so.
    Exit code 0: not due, or promoted. 1: the new model is refused, and the project is as before. 4: a person has to do
    what is said (commit, approve, promote); the same command then continues, as it does after a kill.

    With --check, say whether the model of --package is due (4) or not (0). With --candidate and --since, compare a
    model with it: each metric's difference with its paired interval; exit code 1 says that it is worse by a metric of
    `operation.monitor.quality`.
    """
    if check or candidate is not None or package is not None or since is not None:
        if any((spec, registry, key, unsigned, drop)):
            raise click.UsageError("--check and --candidate train nothing: they take --package, --since and --now")
        found, lines, code = _looked_at(log, labels, check, candidate, package, since, now)
    else:
        if key is not None and unsigned:
            raise click.UsageError("--key and --unsigned cannot be combined")
        found, lines, code = _retrained(log, labels, spec, registry, key, unsigned, drop, now, form)
    if form == "json":
        import msgspec

        result(msgspec.json.format(msgspec.json.encode(found), indent=2).decode(), form=form_of(form))
    else:
        from mlspec.diagnostics import printable

        result("\n".join(map(printable, lines)))
    return code


Shown = tuple[Any, list[str], int]


def _looked_at(
    log: str,
    labels: str | None,
    check: bool,
    candidate: str | None,
    package: str | None,
    since: str | None,
    now: str | None,
) -> Shown:
    from mlspec import api
    from mlspec.cli.monitor import moment

    if check == (candidate is not None) or (candidate is None) != (since is None) or package is None:
        raise click.UsageError("mlspec retrain takes either --check, or --candidate with --since; both need --package")
    if candidate is not None:
        times = {"since": moment(since, "--since"), "now": moment(now)}
        compared = api.compare_candidate(log, labels, package=package, candidate=candidate, **times)
        return compared, _compared(compared), HOLDS_NOT if compared.worse else 0
    found = api.retrain_check(log, labels, package=package, now=moment(now))
    return found, _checked(found), PENDING if found.due else 0


def _retrained(
    log: str,
    labels: str | None,
    spec: str | None,
    registry: str | None,
    key: str | None,
    unsigned: bool,
    drop: bool,
    now: str | None,
    form: str,
) -> Shown:
    from mlspec import api
    from mlspec.cli import _progress
    from mlspec.cli.monitor import moment
    from mlspec.diagnostics import printable

    found = api.retrain(
        log,
        labels,
        spec=spec,
        now=None if now is None else moment(now),
        registry=registry,
        key=key,
        unsigned=unsigned,
        drop=drop,
        listener=_progress.Lines() if form == "text" else None,
        tell=lambda text: talk(printable(text)),
    )
    lines = _checked(found.check) if found.outcome == "not_due" else []
    lines += [f"missing in the new rows: {', '.join(found.empty)}"] if found.empty else []
    lines += [] if found.compared is None else _compared(found.compared)
    lines += [] if found.outcome == "not_due" else [f"{found.outcome}: {found.text}"]
    return found, [*lines, *(f"  {step}" for step in found.to_do)], CODES[found.outcome]


def _checked(found: "Retraining") -> list[str]:
    lines = [f"{SAID[one.holds]:<7}  {one.when:<7}  {one.text}" for one in found.reasons]
    lines += [f"warning: {text}" for text in found.warnings]
    return [*lines, "Train it again" if found.due else "No reason to train it again"]


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
