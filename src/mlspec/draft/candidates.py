"""Which models compete for how many rows, and what becomes of the selected one."""

import importlib.util
from collections.abc import Sequence
from typing import Any, NamedTuple

from mlspec.draft.split import Split
from mlspec.draft.table import Table
from mlspec.draft.task import Task

FEW_ROWS, BAGGED_ROWS, MOST_CELLS, MOST_BAGGED_CELLS = 200, 20_000, 20_000_000, 2_000_000
FOLDS, FEWER_FOLDS = 8, 5
BAGGED_EACH_SECOND = 40  # rows, where a portfolio has a limited time: on one core it is then fitted to all folds
BAGGED_LATER, LATER = 15, 60  # the same for the seconds after a minute: where there are more, networks take them
KEPT = 0.7  # of the rows of a class or group, at least, are no test rows
QUICK = {
    "lightgbm": {"trees": 30},
    "catboost": {"trees": 30},
    "hist_gradient_boosting": {"max_iter": 20},
    "random_forest": {"trees": 20},
}


class Contest(NamedTuple):
    """The candidates that are trees, by name, comments on them, and how one is made of them: keys of ``model``, each
    with its comment."""

    trees: dict[str, dict[str, Any]]
    comments: dict[str, str]
    keys: dict[str, tuple[Any, str]]


def of(table: Table, task: Task, split: Split, features: int, wide: Sequence[str]) -> Contest:
    """Trees of the libraries that are installed; a blend of all candidates; a bag where rows are few.

    ``wide``: categories with so many levels that CatBoost is worth its time whatever the size of the table.
    """
    cells = table.rows * max(1, features)
    comments = {}
    if table.rows < FEW_ROWS:
        trees = {"forest": {"type": "random_forest"}}
        comments["forest"] = "boosting needs more rows"
    elif installed("lightgbm"):
        trees = {"boost": {"type": "lightgbm"}}
    else:
        trees = {"trees": {"type": "hist_gradient_boosting"}}
    if installed("catboost") and (cells <= MOST_CELLS or wide):
        trees["cat"] = {"type": "catboost"}
        if wide:
            comments["cat"] = f"'{wide[0]}' has {table.column(wide[0]).distinct:,} levels: it learns from all of them"
    # Boosting fits trees for each of several classes.
    folds = _folds(table, task, split, cells * (len(task.classes) if len(task.classes) > 2 else 1))
    return Contest(trees, comments, _keys(table, folds))


def portfolio(table: Table, task: Task, split: Split, features: int, seconds: float) -> dict[str, tuple[Any, str]]:
    """The keys of ``model`` where all of the portfolio competes for so many seconds: a bag where they are enough for
    the fits of all folds."""
    classes = len(task.classes)
    folds = _folds(table, task, split, table.rows * max(1, features) * (classes if classes > 2 else 1))
    bagged = BAGGED_EACH_SECOND * min(seconds, LATER) + BAGGED_LATER * max(0.0, seconds - LATER)
    if table.rows * max(1.0, classes / 3) > bagged:
        folds = None
    return {"time": (f"{seconds:g}s", "for all trainings together, in wall time"), **_keys(table, folds)}


def _keys(table: Table, folds: int | None) -> dict[str, tuple[Any, str]]:
    keys: dict[str, tuple[Any, str]] = {"ensemble": ("greedy", "a blend of all; none: the best one alone")}
    if folds is not None:
        why = f"{table.rows:,} rows: few for one validation part to choose by"
        keys["cross_validation"] = ({"folds": folds}, why)
        keys["final"] = ("bag", "the mean of the folds' models; refit: fewer models, faster and smaller")
    return keys


def quick(trees: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings of a quick try."""
    return {name: QUICK[use["type"]] for name, use in trees.items() if use["type"] in QUICK}


def installed(library: str) -> bool:
    """Whether a library is there, without importing it."""
    return importlib.util.find_spec(library) is not None


def _folds(table: Table, task: Task, split: Split, cells: int) -> int | None:
    """As many folds as each class, or the groups, have rows for; None where a validation part is enough."""
    if split.stated["by"] not in ("random", "stratified", "group"):
        return None
    if table.rows > BAGGED_ROWS or cells > MOST_BAGGED_CELLS or table.rows < 4 * FEWER_FOLDS:
        return None
    fewest = min((rows for _value, rows in task.classes), default=table.rows)
    if split.group is not None:
        fewest = min(fewest, table.column(split.group).distinct)
    return next((folds for folds in (FOLDS, FEWER_FOLDS) if KEPT * fewest >= folds), None)
