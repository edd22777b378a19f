"""Rollouts: begins and ends them, and takes them further by what the log of a service says."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.machine import python_paths

if TYPE_CHECKING:
    from mlspec.monitoring.trial import Outcome
    from mlspec.release.rollout import Rollout

Name = str | os.PathLike[str]


@python_paths.only_own()
def start_rollout(bundle: str, stage: str, *, reason: str = "", registry: Name | None = None) -> "Rollout":
    """Begin to try a released bundle in a stage, as ``operation.rollout`` of its spec says. Raises SpecError."""
    from mlspec.api import releasing
    from mlspec.release import trials

    return trials.start(releasing.registry_folder(registry), bundle, stage, releasing.who(), reason)


@python_paths.only_own()
def stop_rollout(stage: str, *, reason: str = "", registry: Name | None = None) -> "Rollout":
    """End the rollout of a stage: all requests go to the bundle in service. Raises SpecError where there is none."""
    from mlspec.api import releasing
    from mlspec.release import trials

    return trials.stop(releasing.registry_folder(registry), stage, releasing.who(), reason)


def advance(registry: Path, rollout: "Rollout", log: Path, labels: Name | None, now: datetime, looked: int) -> int:
    """Judge a rollout by the log and the labels as of now, and write the step that follows to the ledger.

    ``looked``: how many looks were judged before. Returns how many are now. Raises SpecError where something can't be
    read.
    """
    from mlspec.api import releasing
    from mlspec.monitoring import labels as truths
    from mlspec.monitoring import log as logs
    from mlspec.monitoring import packaged, trial
    from mlspec.release import registry as registries
    from mlspec.release import trials
    from mlspec.steps.serving import package_format

    who = f"mlspec serve, {releasing.who()}"
    if rollout.phase == "passed":
        if rollout.plan.promote == "when_passed":
            registries.promote(registry, rollout.bundle, rollout.stage, who, "its rollout has passed")
        return looked
    opened = packaged.opened(registries.folder_of(registry, rollout.bundle))
    stated = rollout.plan.shadow if rollout.trial == "shadow" else rollout.plan.canary
    assert stated is not None
    since = datetime.fromisoformat(rollout.since).astimezone(UTC)
    asked = trial.Trial(role=rollout.trial, rows=stated.rows, guard=rollout.plan.guard, since=since)
    known = logs.read(log, opened.reference, opened.digest, since, now, only=rollout.trial)
    look = trial.looks(trial.counted(known), stated.rows)
    if look <= looked and look < len(trial.LOOKS):
        return looked
    source = opened.reference.labels.source if labels is None and opened.reference.labels is not None else labels
    there = source is not None and ("://" in str(source) or _has_files(Path(source)))
    read = truths.read(os.fspath(source), opened.reference, now) if source is not None and there else None
    outcome = trial.judged(opened, asked, known, read, now)
    event, reason = _next(rollout, outcome)
    if event is not None:
        evidence = {"rows": str(outcome.rows)}
        if rollout.trial == "shadow":
            live = package_format.digest(registries.staged(registry, rollout.stage) / packaged.INNER)
            beside = logs.read(log, opened.reference, live, since, now, only="live")
            if (same := trial.same_answers(known, beside)) is not None:
                evidence["same_answers"] = f"{same:.4f}"
        trials.step(registry, rollout, event, who, reason, evidence)  # type: ignore[arg-type]
    return look


def _next(rollout: "Rollout", outcome: "Outcome") -> tuple[str | None, str]:
    """What is to be written, and why; None where it is too early."""
    from mlspec.monitoring.trial import LOOKS

    if outcome.verdict == "fail":
        return "rollout_stopped", outcome.reason
    if outcome.look < len(LOOKS):
        return None, ""
    if rollout.trial == "shadow" and rollout.plan.canary is not None:
        return "canary_started", outcome.reason
    return ("rollout_passed", outcome.reason) if outcome.verdict == "pass" else (None, "")


def _has_files(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))
