"""Splits rows into training, validation and test rows."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlspec import formatting
from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.data import by_parts, parquet, splitters
from mlspec.steps.data.violations import flow, other_than
from mlspec.steps.job import Job

Array = np.ndarray[Any, Any]

PARTS = ("train", "validation", "test")
FEW = 64
SPELLINGS = {"train": 0, "training": 0, "validation": 1, "valid": 1, "dev": 1, "test": 2}


def run(job: Job) -> None:
    """``table.*`` -> ``train``, ``validation``, ``test``, whose rows keep their order, and ``report``: how many there
    are, and are left out.

    Rows without a target can't be learned from or judged: they are left out. Raises StepError where a part has no rows,
    or the training rows lack a class.
    """
    if by_parts.gathered(job):
        return
    frames, of_rows, report = chosen(job)
    for code, name in enumerate(PARTS):
        write_chosen(frames, [own == code for own in of_rows], job.outputs[name])
    results.write_json(job.outputs["report"], report)


def chosen(job: Job) -> "tuple[list[pl.LazyFrame], list[Array], dict[str, int]]":
    """The tables; for each the part of every row (-1: left out), int8 (n,); and how many rows are left out."""
    params = job.params
    target, _kind = params["target"]
    names = sorted(name for name in job.inputs if name.startswith("table."))
    frames = [parquet.scan(job.inputs[name]) for name in names]
    found = [kept_rows(frame, job, name.partition(".")[2]) for frame, name in zip(frames, names, strict=True)]
    kept = [mine for mine, _without_target in found]
    rows, lacking = sum(map(len, kept)), sum(count for _mine, count in found)
    demand_targets(rows, lacking, sum(map(np.count_nonzero, kept)), target)
    by_target = target if params["by"] == "stratified" and not params["column"] else None
    reads = list(dict.fromkeys(name for name in (by_target, params["column"], params.get("stratify")) if name))
    keys = pl.concat(
        [
            _keys(frame, mine, reads, params["parts"], name)
            for frame, mine, name in zip(frames, kept, names, strict=True)
        ],
        how="vertical_relaxed",
    )
    random = np.random.Generator(np.random.PCG64(params["seed"]))
    if params["sample"] is not None and params["sample"] < keys.height:
        sample = np.sort(random.permutation(keys.height)[: params["sample"]])
        assigned = assign(keys[sample], params, random)
        parts = np.full(keys.height, -1, dtype=np.int8)
        parts[sample] = assigned
    else:
        parts = assigned = assign(keys, params, random)
    within = int((assigned == splitters.LEFT_OUT).sum())
    if within:
        print(f"{within:,} rows are within the gap and are left out")
    name = lacks_rows([int((parts == code).sum()) for code in range(len(PARTS))], params)
    if name:
        because = f"; {lacking:,} of {rows:,} rows have no '{target}'" if lacking else ""
        why = _because(params, keys, params.get(name), within)
        raise StepError(f"the split leaves no {name} rows of {keys.height:,}{why}{because}")
    del keys
    of_rows = list(_of_rows(kept, parts))
    if params.get("classes"):
        demand_classes(count_classes(frames, of_rows, target), target)
    return frames, of_rows, {"rows": rows, "without_target": lacking, "within_gap": within}


def demand_targets(rows: int, lacking: int, left: int, target: str) -> None:
    """Raises StepError where no row with a target is ``left``; ``lacking`` rows have none."""
    if lacking == rows or not left:
        raise StepError(
            f"none of {rows:,} rows has a '{target}'" if lacking == rows else f"none of {rows:,} rows is left"
        )
    if lacking:
        print(f"{lacking:,} of {rows:,} rows have no '{target}' and are left out")


def lacks_rows(counts: Sequence[int], params: Mapping[str, Any]) -> str:
    """The first of the training, validation and test rows that there are none of, though there should be."""
    wanted = (name for name, count in zip(PARTS, counts, strict=True) if not count)
    return next((name for name in wanted if name != "validation" or params["validation"] > 0), "")


def few_values(column: str) -> str:
    """Why a split by hash may leave a part empty."""
    return f": '{column}' has few values, each drawn independently; another seed or a larger share may help"


def _because(params: dict[str, Any], keys: "pl.DataFrame", share: float | None, within: int) -> str:
    if within:
        return f": {within:,} are within the gap"
    if params["by"] == "hash":
        return few_values(params["column"])
    if params["by"] in ("group", "time"):
        count = keys[params["column"]].n_unique()
        values = formatting.count(count, "value")
        return f": '{params['column']}' has {values}, and rows of one value stay in one part" if count < FEW else ""
    if share and share * keys.height < 1:
        return f": {share:g} of them is less than one; state larger shares, or use model.cross_validation"
    return ""


def count_classes(frames: "Sequence[pl.LazyFrame]", of_rows: "Sequence[Array]", target: str) -> list[dict[str, int]]:
    """How many rows there are of each class: among the training, the validation and the test rows."""
    counted: list[dict[str, int]] = [{} for _part in PARTS]
    for frame, own in zip(frames, of_rows, strict=True):
        rows = frame.select(pl.col(target).cast(pl.String)).collect().with_columns(pl.Series("part", own))
        for value, part, count in rows.filter(pl.col("part") >= 0).group_by(target, "part").len().iter_rows():
            counted[part][value] = counted[part].get(value, 0) + count
    return counted


def demand_classes(counted: Sequence[Mapping[str, int]], target: str) -> None:
    """Raises StepError where the training rows have less than two classes, or lack one that other parts have."""
    train = counted[0]
    if len(train) == 1:
        value, count = next(iter(train.items()))
        every = "the one training row has" if count == 1 else f"all {count:,} training rows have"
        raise StepError(f"{every} the '{target}' '{value}': a model needs rows of two classes")
    for part, found in reversed(list(zip(PARTS, counted, strict=True))):
        for value, count in sorted(found.items()):
            if value not in train:
                raise StepError(
                    f"no training row has the '{target}' '{value}', which {formatting.count(count, f'{part} row')} "
                    f"{'has' if count == 1 else 'have'}: nothing can be learned of it; split so that training "
                    f"rows have it, or leave it out, data.filter: {flow(other_than(target, value))}"
                )


def _keys(frame: "pl.LazyFrame", mine: "Array", reads: list[str], parts: dict[str, str], name: str) -> "pl.DataFrame":
    """What a table's rows are split by: these columns, and the part that the spec says they belong to."""
    said = parts.get(name.partition(".")[2]) or ""
    stated = pl.Series("__part__", np.full(np.count_nonzero(mine), SPELLINGS.get(said, -1), dtype=np.int8))
    if not reads:
        return stated.to_frame()
    return frame.select(reads).filter(pl.Series(mine)).collect().with_columns(stated)


def kept_rows(rows: "pl.LazyFrame", job: Job, source: str) -> "tuple[Array, int]":
    """Which rows of a source are used, bool (n,): those that have a target and that the check of the data has left; and
    how many of the latter have no target."""
    target, _kind = job.params["target"]
    known: Array = rows.select(pl.col(target).is_not_null()).collect().to_series().to_numpy()
    left = np.ones(len(known), dtype=bool)
    if "dropped" in job.inputs:
        dropped = parquet.scan(job.inputs["dropped"]).filter(pl.col("__source__") == source)
        left[dropped.select("__row__").collect().to_series().to_numpy()] = False
    return known & left, int((left & ~known).sum())


def _of_rows(kept: "list[Array]", parts: "Array") -> "Iterator[Array]":
    """The part of every row of each table, those that are left out included."""
    starts = np.cumsum([0, *(np.count_nonzero(mine) for mine in kept)])
    for mine, start, stop in zip(kept, starts, starts[1:], strict=False):
        own = np.full(len(mine), -1, dtype=np.int8)
        own[mine] = parts[start:stop]
        yield own


def write_chosen(frames: "list[pl.LazyFrame]", chosen: "list[Array]", path: Path) -> None:
    """Write the chosen rows (bool, of each table) of several stored tables, a piece at a time."""
    types = pl.concat([frame.head(0) for frame in frames], how="vertical_relaxed").collect_schema()
    size = parquet.batch(types)

    def change(piece: "pl.LazyFrame", table: int, at: int) -> "pl.LazyFrame":
        return piece.filter(pl.Series(chosen[table][at : at + size])).cast(types)

    parquet.write_pieces(frames, change, path)


def assign(keys: "pl.DataFrame", params: dict[str, Any], random: "np.random.Generator") -> "Array":
    """The part of each row (0 train, 1 validation, 2 test, -1 left out), int8 (n,)."""
    n, test, validation = keys.height, params["test"], params["validation"]
    by, column = params["by"], params["column"]
    if by == "random":
        # Four bytes a row; the order is the same whatever their width.
        return _cut(random.permutation(np.arange(n, dtype=np.uint32 if n < 2**32 else np.int64)), test, validation)
    if by == "stratified":
        parts = np.zeros(n, dtype=np.int8)
        for rows in groups(keys[column or params["target"][0]]):
            parts[random.permutation(rows)] = _sizes(len(rows), test, validation)
        return parts
    if by == "hash":
        return splitters.by_hash(keys[column], test, validation, params["seed"])
    if by == "group" and "stratify" in params:
        shares = (1 - test - validation, validation, test)
        even = splitters.even_groups(groups(keys[column]), splitters.strata(keys[params["stratify"]]), shares, random)
        return even.astype(np.int8)
    if by == "group":
        return _by_group(keys[column], test, validation, random)
    if by == "time":
        parts = _by_time(keys[column], test, validation)
        return splitters.apart(keys[column], parts, params["gap"]) if "gap" in params else parts
    return _given(keys, params, random)


def _sizes(n: int, test: float, validation: float) -> "Array":
    """Parts of n rows in a row: validation after training, test last."""
    tests, validations = round(n * test), round(n * validation)
    parts = np.zeros(n, dtype=np.int8)
    parts[n - tests - validations : n - tests] = 1
    parts[n - tests :] = 2
    return parts


def _cut(order: "Array", test: float, validation: float) -> "Array":
    parts = np.empty(len(order), dtype=np.int8)
    parts[order] = _sizes(len(order), test, validation)
    return parts


def groups(column: "pl.Series") -> "list[Array]":
    """The rows of each value, values in sorted order, missing first."""
    order, sizes = by_value(column)
    return np.split(order, np.cumsum(sizes)[:-1])


def by_value(column: "pl.Series") -> "tuple[Array, Array]":
    """The rows in the order of their values, missing first, and how many have each value: a few bytes a row, however
    many values there are."""
    if not column.dtype.is_numeric():
        column = column.cast(pl.String).fill_null("")
    values = column.unique().sort()
    width = np.uint32 if len(column) < 2**32 else np.int64
    if len(values) <= FEW:
        # Without sorting all rows, which is what takes the memory.
        found = [np.flatnonzero(column.eq_missing(value).to_numpy()).astype(width) for value in values]
        return np.concatenate([np.empty(0, width), *found]), np.array([len(rows) for rows in found], dtype=np.int64)
    codes = column.rank("dense").fill_null(0).to_numpy() if column.dtype.is_numeric() else _codes(column, values)
    sizes = np.bincount(codes)
    return np.argsort(codes, kind="stable").astype(width), sizes[sizes > 0]


def _codes(levels: "pl.Series", known: "pl.Series") -> "Array":
    codes: Array = levels.replace_strict(known, range(len(known)), return_dtype=pl.UInt32).to_numpy()
    return codes


def _by_group(column: "pl.Series", test: float, validation: float, random: "np.random.Generator") -> "Array":
    """Whole groups in random order: test until its share of rows is reached, then validation, then training."""
    order, sizes = by_value(column)
    part_of = np.zeros(len(sizes), dtype=np.int8)
    filled, wanted = [0, 0], [round(len(column) * test), round(len(column) * validation)]
    for index in random.permutation(len(sizes)):
        size = int(sizes[index])
        for slot, code in ((0, 2), (1, 1)):
            if filled[slot] < wanted[slot] and filled[slot] + size / 2 <= wanted[slot]:
                part_of[index] = code
                filled[slot] += size
                break
    return of_rows(order, sizes, part_of)


def of_rows(order: "Array", sizes: "Array", of_values: "Array") -> "Array":
    """What each row has, from what its value has; ``order`` and ``sizes`` as ``by_value`` gives them."""
    found = np.empty(len(order), dtype=of_values.dtype)
    found[order] = np.repeat(of_values, sizes)
    return found


def _by_time(column: "pl.Series", test: float, validation: float) -> "Array":
    """The last moments are the test, those before them validation; rows of one moment stay together."""
    if column.null_count():
        raise StepError(f"'{column.name}' is missing in {column.null_count():,} rows, they have no place in time")
    moment = column.rank("dense").to_numpy().astype(np.int64)
    order = np.sort(moment)
    n = len(order)
    first_test = order[n - round(n * test)] if round(n * test) else order[-1] + 1
    start = n - round(n * test) - round(n * validation)
    first_validation = order[start] if round(n * validation) else first_test
    parts: Array = np.where(moment >= first_test, 2, np.where(moment >= first_validation, 1, 0)).astype(np.int8)
    return parts


def _given(keys: "pl.DataFrame", params: dict[str, Any], random: "np.random.Generator") -> "Array":
    """What a column or the sources say; validation rows are drawn from training rows where none are given."""
    if params["column"]:
        said = keys[params["column"]].cast(pl.String).str.to_lowercase()
        strange = said.filter(~said.is_in(list(SPELLINGS)) | said.is_null())
        if len(strange):
            raise StepError(f"'{params['column']}' contains '{strange[0]}' instead of train, validation or test")
        parts: Array = said.replace_strict(SPELLINGS, return_dtype=pl.Int8).to_numpy().copy()
    else:
        parts = keys["__part__"].to_numpy().copy()
    if not (parts == 1).any() and params["validation"] > 0:
        train = random.permutation(np.flatnonzero(parts == 0))
        parts[train[: round(len(train) * params["validation"])]] = 1
    return parts
