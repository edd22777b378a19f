"""The four figures of DORA for a stage, as queries of a ledger: how often, how fast, how often wrong, how long
broken."""

import contextlib
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Literal

from msgspec import Struct

from mlspec.diagnostics import SpecError
from mlspec.release import ledger, registry
from mlspec.release.ledger import Entry
from mlspec.report.facts.delivery_facts import Figures

WEEK = 7 * 86400.0
DEPLOYED = ("promoted", "rolled_back", "incident", "restored")


class Dora(Struct, frozen=True, kw_only=True):
    """The figures of each stage of a registry."""

    format_version: Literal[1] = 1
    stages: tuple[Figures, ...]


def of_registry(folder: Path, now: datetime) -> tuple[Figures, ...]:
    """The figures of a registry; nothing of one that is not there, or whose ledger can't be trusted."""
    try:
        return tuple(figures(ledger.read(folder).entries, now))
    except SpecError:
        return ()


def figures(entries: Sequence[Entry], now: datetime) -> list[Figures]:
    """The figures of each stage, in the order in which the stages first had a bundle."""
    return [_figures(entries, stage, now) for stage in registry.stages(entries)]


def _figures(entries: Sequence[Entry], stage: str, now: datetime) -> Figures:
    own = [entry for entry in entries if entry.stage == stage and entry.event in DEPLOYED]
    promoted = [entry for entry in own if entry.event == "promoted"]
    weeks = max((now - _time(promoted[0])).total_seconds() / WEEK, 1.0)
    failed, restored = _failures(own)
    return Figures(
        stage=stage,
        deployments=len(promoted),
        deployments_per_week=len(promoted) / weeks,
        lead_time=_median(_lead_times(entries, promoted)),
        failures=len(failed),
        change_failure_rate=len(failed) / len(promoted),
        time_to_restore=_median(restored),
    )


def _lead_times(entries: Sequence[Entry], promoted: Sequence[Entry]) -> list[float]:
    committed = {}
    for entry in entries:
        with contextlib.suppress(KeyError, ValueError):
            committed[entry.bundle] = datetime.fromisoformat(entry.evidence["committed"])
    first = {entry.bundle: entry for entry in reversed(promoted)}
    return [(_time(entry) - committed[name]).total_seconds() for name, entry in first.items() if name in committed]


def _failures(own: Sequence[Entry]) -> tuple[set[int], list[float]]:
    """The numbers of the promotions that failed, and how long it took until the stage worked again, where it does."""
    failed: set[int] = set()
    restored: list[float] = []
    since: Entry | None = None  # the incident that is open
    past: list[Entry] = []  # the promotions that a rollback can take back
    for entry in own:
        if entry.event == "incident":
            since = since or entry
            failed |= {past[-1].number} if past else set()
            continue
        begun = since
        if entry.event == "rolled_back" and past:
            back = past.pop()
            failed.add(back.number)
            begun = begun or back
        elif entry.event == "promoted":
            past.append(entry)
        if begun is not None:
            restored.append((_time(entry) - _time(begun)).total_seconds())
        since = None
    return failed, restored


def _time(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.time)


def _median(values: Sequence[float]) -> float | None:
    found = [value for value in values if math.isfinite(value)]
    return median(found) if found else None
