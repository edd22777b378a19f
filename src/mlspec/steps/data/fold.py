"""Cuts training and validation rows into folds and holds one of them out."""

from typing import Any

import numpy as np
import polars as pl

from mlspec import formatting
from mlspec.diagnostics import StepError
from mlspec.steps.data import by_parts, parquet, split, splitters
from mlspec.steps.job import Job

Array = np.ndarray[Any, Any]

ROW = "__row__"
PARTS = ("train", "validation", "heldout")


def run(job: Job) -> None:
    """``train``, ``validation`` -> ``train``, ``validation`` (for stopping early), ``heldout``; rows keep their order.

    ``rows``, where it is asked for: the place of each held-out row among the rows of both.

    A class that would have no row to train on is not held out. Raises StepError when a fold has no rows, and where
    groups or time keep a class from being trained on.
    """
    if by_parts.gathered(job):
        return
    frames, chosen = divided(job)
    count = parquet.count(frames[0])
    for code, name in enumerate(PARTS):
        split.write_chosen(frames, np.split(chosen == code, [count]), job.outputs[name])
    write_rows(job, chosen)


def write_rows(job: Job, chosen: "Array") -> None:
    """The places of the held-out rows, where they are asked for."""
    if "rows" in job.outputs:
        pl.DataFrame({ROW: np.flatnonzero(chosen == PARTS.index("heldout"))}).write_parquet(job.outputs["rows"])


def divided(job: Job) -> "tuple[list[pl.LazyFrame], Array]":
    """The training and the validation rows, and where each of them goes: its number in ``PARTS``, -1 where it is left
    out; int8 (n,). Raises StepError as ``run`` does."""
    params = job.params
    target, _kind = params["target"]
    frames = [parquet.scan(job.inputs[part]) for part in ("train", "validation")]
    reads = dict.fromkeys(name for name in (target, params["column"], params.get("stratify")) if name)
    keys = pl.concat(frames, how="vertical_relaxed").select(list(reads)).collect()
    _check_enough(keys, params)
    held, before = _held(keys, params)
    if not held.any() or not before.any():
        raise StepError(f"fold {params['fold']} of {params['folds']} has no rows: use fewer folds")
    found = np.full(keys.height, splitters.LEFT_OUT, dtype=np.int8)
    found[held] = PARTS.index("heldout")
    del held
    # Training rows and those to stop by are cut as the split would cut them.
    random = np.random.Generator(np.random.PCG64([params["seed"], params["fold"]]))
    found[before] = split.assign(keys.filter(before), {**params, "test": 0.0}, random)
    if not (found == 0).any():
        raise StepError(f"fold {params['fold']} of {params['folds']} has no training rows: use fewer folds")
    if params["task"] != "regression":
        lacking = set(keys[target].unique()) - _values(keys[target], found == 0)
        if lacking:
            rows = keys[target].is_in(list(lacking)).to_numpy()
            name = min(map(str, lacking))
            if params["by"] not in ("random", "stratified"):
                count = formatting.count(int((keys[target].cast(pl.String) == name).sum()), "row")
                raise StepError(
                    f"no training row of fold {params['fold']} has the class '{name}' ({count}): use fewer folds, "
                    "fold by stratified, or leave the class out with data.filter"
                )
            count = formatting.count(int(rows.sum()), "row")
            print(f"{count} of classes with no other row to train on, '{name}', not held out")
            found[rows] = PARTS.index("train")
    return frames, found


def _values(column: "pl.Series", chosen: "Array") -> set[Any]:
    """The values in chosen rows; some rows at a time, each of which takes as much again."""
    pieces = range(0, len(column), parquet.ROW_GROUP)
    return {
        value
        for at in pieces
        for value in column[at : at + parquet.ROW_GROUP].filter(chosen[at : at + parquet.ROW_GROUP]).unique()
    }


def _check_enough(keys: "pl.DataFrame", params: dict[str, Any]) -> None:
    """Raises StepError where there are fewer rows, groups or moments than folds."""
    by, column = params["by"], params["column"]
    apart = by in ("group", "time")
    units, needed = keys[column].n_unique() if apart else keys.height, params["folds"] + (by == "time")
    if units < needed:
        what = f"'{column}' has {formatting.count(units, 'value')}" if apart else f"there are {units:,} rows"
        because = ", and time needs one more than folds" if by == "time" else ""
        raise StepError(f"{what} for {params['folds']} folds{because}: use fewer folds")


def _held(keys: "pl.DataFrame", params: dict[str, Any]) -> "tuple[Array, Array]":
    """Which rows are held out, and which may be trained on; bool (n,)."""
    fold, folds, by = params["fold"] - 1, params["folds"], params["by"]
    if by == "time":
        block = _blocks(keys[params["column"]], folds + 1)
        if "gap" not in params:
            return block == fold + 1, block <= fold
        sides = np.where(block == fold + 1, 2, np.where(block <= fold, 0, splitters.LEFT_OUT))
        sides = splitters.apart(keys[params["column"]], sides, params["gap"])
        return sides == 2, sides == 0
    random = np.random.Generator(np.random.PCG64(params["seed"]))
    number = np.empty(keys.height, dtype=np.int8)
    if by == "group" and "stratify" in params:
        even = [1 / folds] * folds
        strata = splitters.strata(keys[params["stratify"]])
        number = splitters.even_groups(split.groups(keys[params["column"]]), strata, even, random).astype(np.int8)
    elif by == "group":
        filled = np.zeros(folds, dtype=np.int64)
        order, sizes = split.by_value(keys[params["column"]])
        fold_of = np.zeros(len(sizes), dtype=np.int8)
        for index in random.permutation(len(sizes)):
            fold_of[index] = filled.argmin()
            filled[fold_of[index]] += sizes[index]
        number = split.of_rows(order, sizes, fold_of)
    else:
        # Four bytes a row; the order is the same whatever their width.
        width = np.uint32 if keys.height < 2**32 else np.int64
        parts = split.groups(keys[params["column"]]) if by == "stratified" else [np.arange(keys.height, dtype=width)]
        dealt = 0
        for rows in parts:
            # Each class goes on where the last one ended, so that folds differ by a row at most.
            turns = np.roll(np.arange(folds, dtype=np.int8), -dealt % -folds)
            number[random.permutation(rows)] = np.resize(turns, len(rows))
            dealt += len(rows)
    return number == fold, number != fold


def _blocks(column: "pl.Series", count: int) -> "Array":
    """Rows in blocks of about the same length, in the order of time; rows of one moment stay together."""
    if column.null_count():
        raise StepError(f"'{column.name}' is missing in {column.null_count():,} rows, they have no place in time")
    moment = column.rank("dense").to_numpy().astype(np.int64)
    order = np.sort(moment)
    n = len(order)
    edges = [order[min(n - 1, round(n * k / count))] for k in range(1, count)]
    found: Array = np.searchsorted(np.asarray(edges), moment, side="right")
    return found
