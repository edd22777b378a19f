"""Which models compete, by which metric, and how a quick try differs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlspec.draft import candidates
from mlspec.draft.split import Split
from mlspec.draft.table import Table
from mlspec.draft.task import RARE, Task
from mlspec.spec.resolve import METRICS

LINEAR = {
    "binary_classification": "logistic_regression",
    "multiclass_classification": "logistic_regression",
    "regression": "ridge",
}
QUICK_ROWS, MOST_QUICK, QUICK_EACH, FOR_A_TENTH, WIDE = 2_000, 20_000, 50, 96, 300
QUICK_TIME = "5s"
MANY = 1_000  # levels of a category
FEW_EACH = 3  # rows of a class among the validation rows


class Models(NamedTuple):
    """Candidates with comments, the metric that gates and selects, comments on the gate, all metrics, baselines,
    further keys of ``model`` with a comment each."""

    candidates: dict[str, dict[str, Any]]
    comments: dict[str, str]
    gate: str
    why: str
    lines: tuple[str, ...]
    select: str | None
    metrics: tuple[str, ...]
    baselines: tuple[str, ...]
    keys: dict[str, tuple[Any, str]]


def wide(table: Table, steps: Mapping[str, tuple[list[Any], str]]) -> tuple[str, ...]:
    """The categories whose levels are so many that CatBoost, where it is installed, should see them as they are."""
    if not candidates.installed("catboost"):
        return ()
    encoded = (name for name, (listed, _why) in steps.items() if "target_encode" in listed[0])
    return tuple(name for name in encoded if table.column(name).distinct >= MANY)


def of(
    table: Table,
    task: Task,
    split: Split,
    features: int,
    wide: Sequence[str] = (),
    *,
    train_time: float | None = None,
) -> Models:
    """The models for a task; ``wide``: categories with many levels, which are left to each model's own preparation;
    ``train_time``: the portfolio, trained for so many seconds."""
    gate, why = _gate(task)
    metrics = METRICS[task.kind] if gate in METRICS[task.kind] else (gate, *METRICS[task.kind])
    linear: dict[str, Any] = {"type": LINEAR[task.kind]}
    comments = {}
    if features > table.rows:
        linear |= {"alpha": 100} if task.kind == "regression" else {"C": 0.01}
        comments["linear"] = f"{features:,} columns, {table.rows:,} rows: a strong penalty"
    contest = candidates.of(table, task, split, features, wide)
    comments |= contest.comments
    lines: list[str] = []
    if _is_rare(task):
        for use in (linear, *contest.trees.values()):
            use["class_weight"] = "balanced"
        comments["linear"] = "balanced: rare rows weigh as much; probabilities are then no frequencies"
        if task.kind == "binary_classification":
            lines += _verdict(table, task)
    baselines = ("mean", "median") if task.log else ()
    select = gate if task.log or _is_rare(task) else None
    if task.kind == "binary_classification" and "cross_validation" not in contest.keys and _by_chance(table, task):
        select = "log_loss"  # the others are not defined where the validation rows have one class
    every, keys = {"linear": linear, **contest.trees}, contest.keys
    if train_time is not None:
        keys = candidates.portfolio(table, task, split, features, train_time)
    return Models(every, comments, gate, why, tuple(lines), select, metrics, baselines, keys)


def _by_chance(table: Table, task: Task) -> bool:
    """Whether the validation rows may have one class alone."""
    return task.rare is not None and 0.1 * task.rare * table.rows < FEW_EACH


def _is_rare(task: Task) -> bool:
    if task.rare is None or task.kind == "regression":
        return False
    return task.rare < (RARE if task.kind == "binary_classification" else RARE / max(len(task.classes) / 2, 1.0))


def _gate(task: Task) -> tuple[str, str]:
    often = "or at_least / at_most, once you know what is needed"
    if task.kind == "regression":
        return ("rmse_log", f"the target is above zero and skewed: relative errors count; {often}") if task.log else (
            "rmse", often)  # fmt: skip
    if _is_rare(task) and task.kind == "binary_classification":
        return "average_precision", f"{task.rare:.1%} of the rows have the rarer class: accuracy says little; {often}"
    if task.kind == "binary_classification":
        return "roc_auc", often
    if _is_rare(task) or (task.rare is not None and task.rare < 0.5 / max(len(task.classes), 1)):
        return "balanced_accuracy", f"classes are of unequal size, each counts alike; {often}"
    return "accuracy", often


def _verdict(table: Table, task: Task) -> list[str]:
    """How many rows of the rarer class the test part will have, and what that means."""
    rows = round(0.2 * table.rows * (task.rare or 0))
    wide = 0.98 / max(rows, 1) ** 0.5
    enough = "enough for a verdict" if rows >= FOR_A_TENTH else f"{FOR_A_TENTH} are needed for 0.1"
    known = f"recall will be known to +-{min(wide, 0.5):.2f}; {enough}"
    return [f"about {rows:,} of the test rows will have the rarer class: {known}"]


def quick(table: Table, task: Task, models: Models, features: int) -> dict[str, Any]:
    """The profile for a quick try: few rows, few trees, few resamples."""
    found: dict[str, Any] = {}
    wanted = QUICK_ROWS
    if task.rare:
        wanted = min(MOST_QUICK, max(wanted, round(QUICK_EACH / task.rare)))
    if table.rows > wanted:
        found["data"] = {"sample": wanted}
    settings = candidates.quick(models.candidates)
    found["model"] = {"candidates": settings} if settings else {}
    if "time" in models.keys:
        found["model"] = {"time": QUICK_TIME}
    if "cross_validation" in models.keys:
        found["model"]["cross_validation"] = {"folds": 2}
    if features > WIDE:
        found["model"]["checks"] = "off"
    found["evaluation"] = {"confidence": {"resamples": 200}}
    return {key: value for key, value in found.items() if value}
