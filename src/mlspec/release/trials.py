"""What begins a rollout, takes it a step further, and ends it.

Each is an entry of the ledger, which is added only where the rollout is still as it was when the step was decided.
"""

from pathlib import Path

import msgspec

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.release import bundle, ledger, registry
from mlspec.release.ledger import Entry, Event
from mlspec.release.rollout import PLAN, Rollout, under_way
from mlspec.spec.operation.rollout import Rollout as Plan
from mlspec.steps.serving import package_format
from mlspec.steps.serving.package_format import PackageError

LARGEST = 1 << 24  # bytes of a spec


def start(home: Path, what: str, stage: str, who: str, reason: str = "") -> Rollout:
    """Begin the rollout of a released bundle in a stage, as its spec states it. Raises SpecError where it may not."""
    with ledger.writing(home) as known:
        verified = registry.checked(home, registry.digest_of(home, known, what))
        now, said = registry.now_in(known.entries, stage), verified.bundle
        if now is None:
            raise _refused(f"stage '{stage}' has no bundle to compare with", f"mlspec release promote {what} {stage}")
        if why := registry.not_promotable(known.entries, verified, stage, now):
            raise _refused(*why)
        if (other := under_way(known.entries, stage)) is not None:
            raise _refused(f"'{other.version}' is under way in '{stage}'", f"mlspec release stop {stage}")
        plan = _plan(registry.folder_of(home, verified.digest))
        if plan is None:
            raise _refused(
                f"the spec of '{said.version}' states no rollout", "operation.rollout, or promote it at once"
            )
        _demand_same_answers(home, now.bundle, verified.digest, said.version, now.version)
        evidence = {PLAN: msgspec.json.encode(plan).decode()}
        entry = Entry(
            event="rollout_started", project=said.name, version=said.version, bundle=verified.digest, who=who,
            stage=stage, reason=reason, evidence=evidence,
        )  # fmt: skip
        begun = under_way(ledger.append(home, known, entry).entries, stage)
        assert begun is not None
        return begun


def step(
    home: Path, rollout: Rollout, event: Event, who: str, reason: str, evidence: dict[str, str] | None = None
) -> bool:
    """Take a rollout a step further, or end it; nothing where it is no longer as it is stated here."""
    with ledger.writing(home) as known:
        if under_way(known.entries, rollout.stage) != rollout:
            return False
        project = known.entries[0].project
        entry = Entry(
            event=event, project=project, version=rollout.version, bundle=rollout.bundle, who=who, stage=rollout.stage,
            reason=reason, evidence=evidence or {},
        )  # fmt: skip
        ledger.append(home, known, entry)
        return True


def stop(home: Path, stage: str, who: str, reason: str = "") -> Rollout:
    """End the rollout of a stage: all requests go to the bundle in service. Raises SpecError where there is none."""
    now = under_way(ledger.read(home).entries, stage)
    if now is None or not step(home, now, "rollout_stopped", who, reason):
        raise _refused(f"no rollout is under way in '{stage}'", "mlspec releases")
    return now


def _plan(folder: Path) -> Plan | None:
    try:
        spec = msgspec.json.decode((folder / bundle.SPEC).read_bytes()[:LARGEST])
        stated = (spec.get("operation") or {}).get("rollout")
        return None if stated is None else msgspec.convert(stated, Plan)
    except (OSError, ValueError, AttributeError) as error:
        raise bundle.damaged(folder, f"{bundle.SPEC}: {error}") from None


def _demand_same_answers(home: Path, live: str, candidate: str, version: str, other: str) -> None:
    """Raises SpecError where clients would get answers of another kind."""
    try:
        one, two = (
            package_format.read_about(registry.folder_of(home, digest) / bundle.PACKAGE) for digest in (live, candidate)
        )
    except PackageError as error:
        raise SpecError([Diagnostic(code=error.code, message=str(error), notes=error.notes)]) from None
    if (one.task, one.target, one.classes) != (two.task, two.target, two.classes):
        raise _refused(f"'{version}' predicts another target than '{other}', or other classes")


def _refused(message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code="rollout-refused", message=message, notes=notes)])
