"""The facts of a run, as ``runs``, ``show``, ``report`` and comparisons read them."""

import json
from pathlib import Path
from random import Random

import beside
import wild

from mlspec import api
from mlspec.engine.run import run_record
from mlspec.report.runs import comparison, stored
from mlspec.report.terminal import comparison_text

SHARE, TRACED = 20, True
KEYS = (
    "id",
    "outcome",
    "scores",
    "metric",
    "value",
    "low",
    "high",
    "candidates",
    "steps",
    "selected",
    "started",
    "seconds",
    "gates",
)


def seeds() -> list[bytes]:
    """None but those of the corpus, which a run has written."""
    return []


def mutate(data: bytes, chance: Random) -> bytes:
    """Values, or bytes."""
    return wild.json_of(data, chance, KEYS)


def one(data: bytes, scratch: Path) -> str:
    """Read it as every command does that shows runs."""
    from mlspec.report.card.card import card

    root = beside.fresh(scratch, "runs")
    folder = root / stored.RUNS / "20200101T000000000Z-aaaa"
    folder.mkdir(parents=True)
    (folder / stored.FACTS).write_bytes(data)
    (folder / run_record.FILE).write_bytes(data)
    spec = root / "project.yaml"
    found = api.runs(spec)
    if not found:
        return "unreadable"
    api.report(spec, form="json")
    if found[0].selected is not None:
        card(found[0])
    for score in found[0].scores[:2]:
        api.series(score.metric, spec=spec)
    made = comparison.compare([found[0], found[0]], [None, None], lambda _one, _other: "no")
    comparison_text.text(made)
    json.loads(comparison.encode(made))
    return f"run {found[0].outcome}"
