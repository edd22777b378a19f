"""A rollout: a candidate that is tried in a stage beside the bundle in service. What is under way follows from the
ledger alone."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import json_values
from mlspec.release.ledger import Entry
from mlspec.spec.operation.rollout import Rollout as Plan

Phase = Literal["shadow", "canary", "passed"]
PLAN = "rollout"  # of an entry's evidence
ENDS = ("promoted", "rolled_back", "rollout_stopped")


class Rollout(Struct, frozen=True, kw_only=True):
    """A candidate under way, and since when it is in its trial; one that has passed stays in its last trial."""

    stage: str
    version: str
    bundle: str
    phase: Phase
    trial: Literal["shadow", "canary"]
    since: str
    plan: Plan


def under_way(entries: Sequence[Entry], stage: str) -> Rollout | None:
    """The rollout of a stage, by what the ledger says. Raises SpecError where an entry has no plan."""
    now: Rollout | None = None
    for entry in entries:
        if entry.stage != stage:
            continue
        if entry.event == "rollout_started":
            plan = _plan(entry)
            trial: Literal["shadow", "canary"] = "canary" if plan.shadow is None else "shadow"
            now = Rollout(
                stage=stage, version=entry.version, bundle=entry.bundle, phase=trial, trial=trial, since=entry.time,
                plan=plan,
            )  # fmt: skip
        elif now is not None and entry.event == "canary_started":
            now = replace(now, phase="canary", trial="canary", since=entry.time)
        elif now is not None and entry.event == "rollout_passed":
            now = replace(now, phase="passed")
        elif entry.event in ENDS:
            now = None
    return now


def _plan(entry: Entry) -> Plan:
    try:
        return json_values.decode(entry.evidence.get(PLAN, "").encode(), Plan)
    except ValueError as error:
        message = f"the ledger is damaged: line {entry.number} has no plan of a rollout: {error}"
        raise SpecError([Diagnostic(code="ledger-damaged", message=message)]) from None
