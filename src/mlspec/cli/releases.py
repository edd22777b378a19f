"""``mlspec releases``: what a registry has, what happened to it, and how often that went wrong."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mlspec.cli import _options
from mlspec.cli._output import result, talk
from mlspec.cli.release import registry

if TYPE_CHECKING:
    from mlspec.release.ledger import Entry
    from mlspec.release.rollout import Rollout

Row = tuple[str, ...]


@click.command(name="releases")
@registry
@click.option("--ledger", "whole", is_flag=True, help="List every entry of the ledger.")
@click.option("--dora", is_flag=True, help="The four figures of DORA for each stage, and how each is computed.")
@_options.formats("text", "json")
def command(registry: str | None, whole: bool, dora: bool, form: str) -> None:
    """List the releases of a project with the stages that have them; check the chain of the ledger."""
    from mlspec import api
    from mlspec.diagnostics import printable
    from mlspec.report.terminal import paint
    from mlspec.report.terminal import run as terminal

    if whole and dora:
        raise click.UsageError("--ledger and --dora cannot be combined")
    entries = api.releases(registry)
    if form == "json":
        result(_json(entries, dora=dora), form="json")
        return
    if not entries:
        talk("there are no releases here yet: mlspec release")
        return
    rows = _dora(entries) if dora else _ledger(entries) if whole else _releases(entries, registry)
    result(paint.joined(terminal.aligned([tuple(map(printable, row)) for row in rows])))
    if dora:
        from mlspec.report.facts.delivery_facts import COMPUTED

        result("\n" + "\n".join(f"{name}: {text}" for name, text in COMPUTED.items()))


def _json(entries: "Sequence[Entry]", *, dora: bool) -> str:
    import msgspec

    from mlspec.release import registry as registries
    from mlspec.release.dora import Dora, figures

    said = Dora(stages=tuple(figures(entries, datetime.now(UTC)))) if dora else registries.listed(entries)
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode()


def _releases(entries: "Sequence[Entry]", registry: str | None) -> Iterator[Row]:
    from mlspec import api, formatting
    from mlspec.release import registry as registries
    from mlspec.release import rollout

    folder = api.registry_folder(registry)
    stages = {stage: registries.now_in(entries, stage) for stage in registries.stages(entries)}
    trials = {stage: rollout.under_way(entries, stage) for stage in stages}
    yield ("version", "released", "stages", "approved by", "run", "bundle")
    for entry in reversed(entries):
        if entry.event == "released":
            live = [stage for stage, now in stages.items() if now is not None and now.bundle == entry.bundle]
            live += [_tried(trial) for trial in trials.values() if trial is not None and trial.bundle == entry.bundle]
            approved = registries.approved_by(folder, entries, entry.bundle)
            time, run = formatting.moment(entry.time), entry.evidence.get("run", "")
            yield entry.version, time, ", ".join(live), ", ".join(approved), run, entry.bundle[:12]


def _tried(trial: "Rollout") -> str:
    """A candidate, beside what its stage has."""
    said = "passed, ready to promote" if trial.phase == "passed" else trial.phase
    return f"{trial.stage} ({said})"


def _ledger(entries: "Sequence[Entry]") -> Iterator[Row]:
    from mlspec import formatting

    yield ("", "time", "event", "version", "stage", "who", "reason")
    for entry in entries:
        event = entry.event.replace("_", " ")
        yield (
            str(entry.number),
            formatting.moment(entry.time),
            event,
            entry.version,
            entry.stage,
            entry.who,
            entry.reason,
        )


def _dora(entries: "Sequence[Entry]") -> Iterator[Row]:
    from mlspec.release.dora import figures
    from mlspec.report.facts.delivery_facts import HEADS, cells

    yield HEADS
    yield from map(cells, figures(entries, datetime.now(UTC)))
