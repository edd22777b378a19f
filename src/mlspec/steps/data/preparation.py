"""Raw rows -> features: fitted on training rows only, kept as plain JSON, applied alike in training and in use.

The fitted state: ``columns`` (name, type, ``of`` which columns an interaction is made, and ``stages``, each a step's
name, settings, and its state for each of the columns that was there, ``complete`` where no cell was missing),
``outputs`` (name, type, levels) in the order
of the features, and ``target``.
"""

import functools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.pixels import names
from mlspec.plugins.base import FOLD, FOLDS, OUTCOME, Column, State
from mlspec.plugins.model import Features
from mlspec.plugins.transform import Merging, Transform
from mlspec.steps.data import parquet
from mlspec.steps.results import GROUP
from mlspec.steps.trust.mitigation import groups

Array = np.ndarray[Any, Any]

TARGET = "__target__"
WEIGHT = "__weight__"
REWEIGHED = "__reweighed__"
FIT_BYTES = 128 * 1024 * 1024
MISSING = "missing"  # what is asked about every column, in addition to what its steps measure
LOOKED_UP = 1_000_000


def fit(train: "pl.LazyFrame", params: Mapping[str, Any], memory: int | None = None) -> State:
    """The fitted state, from the params of a prepare step and the training rows alone.

    Every round is one scan for as many columns as ``memory`` (bytes) allows: what it measures is what their next step
    needs. The state is the same whatever the memory.
    """
    known = describe_target(train, params)
    fitting = begun(params, known)
    while wanted := asking(fitting):
        take(wanted, measured(train, wanted, params, known, memory))
    return fitted_state(train, params, known, fitting)


def begun(params: Mapping[str, Any], known: Mapping[str, Any]) -> "list[Fitting]":
    """The columns before anything is measured; ``known`` is the described target."""
    outcomes = len(_outcomes(known)) if supervised(params) else 0
    return [Fitting(entry, outcomes) for entry in params["columns"]]


def asking(fitting: "list[Fitting]") -> "list[Fitting]":
    """The columns that need something measured, once each has taken all steps that it can without."""
    for index, column in enumerate(fitting):
        column.index = index
        column.go_on()
    return [column for column in fitting if column.asks]


def measured(
    train: "pl.LazyFrame",
    wanted: "Sequence[Fitting]",
    params: Mapping[str, Any],
    known: Mapping[str, Any],
    memory: int | None = None,
) -> dict[str, Any]:
    """What these columns ask for, by ``COLUMN/NAME``: as many columns at a time as ``memory`` (bytes) allows."""
    looked_at = _outcomes(known) if supervised(params) else []
    train = with_folds(train) if looked_at else train
    values: dict[str, Any] = {}
    for batch in batches(train, wanted, memory):
        asked = [e.alias(key) for column in batch for key, e in column.keyed().items()]
        values.update(look(train, batch, asked, looked_at).row(0, named=True))
    return values


def take(wanted: "Sequence[Fitting]", values: Mapping[str, Any]) -> None:
    """What ``measured`` found, for the next step of each column. Raises StepError where a statistic is not finite."""
    for column in wanted:
        column.take({name: values[f"{column.index}/{name}"] for name in column.asks})


def fitted_state(
    train: "pl.LazyFrame", params: Mapping[str, Any], known: dict[str, Any], fitting: "list[Fitting]"
) -> State:
    """The state once nothing is asked any more. Raises StepError for a column that is no number then."""
    outputs = [c for column in fitting for c in column.columns]
    for made in outputs:
        if made.type not in ("integer", "number", "boolean", "code", "array"):
            raise StepError(f"column '{made.name}' is still a {made.type} after its preparation, a model takes numbers")
    return {
        "version": 1,
        "columns": [column.entry() for column in fitting],
        "outputs": [_described(c) for c in outputs],
        "target": known,
        **({"weight": params["weight"]} if "weight" in params else {}),
        **_grouped(train, params, known),
    }


def _grouped(train: "pl.LazyFrame", params: Mapping[str, Any], target: Mapping[str, Any]) -> State:
    """Where mitigation needs them: the columns that say a row's group, and what reweighs its row."""
    if "group" not in params:
        return {}
    found: State = {"group": params["group"]}
    if params.get("reweigh"):
        stated = [params["weight"]] if "weight" in params else []
        rows = train.select(groups.label(params["group"]), _coded(target).alias(TARGET), *stated).collect()
        counts = rows[stated[0]].cast(float).to_numpy() if stated else None
        found["reweigh"] = groups.factors(rows[GROUP].to_numpy(), rows[TARGET].to_numpy(), counts)
    return found


def supervised(params: Mapping[str, Any]) -> bool:
    """Whether a step of a preparation (its params, or its fitted state) looks at the target."""
    names = {stage[0] for entry in params["columns"] for stage in entry.get("stages", entry.get("steps", ()))}
    return any(cast(type[Transform], registry.plugin("transforms", name)).supervised for name in names)


def with_folds(train: "pl.LazyFrame", start: int = 0) -> "pl.LazyFrame":
    """Training rows with their folds: by their place, spread so that neighbours differ. ``start`` is that of the first
    row."""
    place = pl.col(FOLD).cast(pl.UInt64) * 2_654_435_761 % 4_294_967_296
    return train.with_row_index(FOLD, start).with_columns((place * FOLDS // 4_294_967_296).cast(pl.Int8).alias(FOLD))


def apply(frame: "pl.LazyFrame", state: State, *, fitted: bool = False) -> "pl.LazyFrame":
    """The prepared columns of raw rows, and the target as class codes or values where the rows have it.

    ``fitted``: these are the rows that the preparation was fitted on, ``with_folds``.
    """
    keep = _kept(frame.collect_schema().names(), state)
    if not fitted:
        return _through(frame, state["columns"], keep)[0]
    return _through(frame, state["columns"], [*keep, *_fold(True)], fitted=True)[0].drop(FOLD)


def reads(frame: "pl.LazyFrame", state: State, *, fitted: bool = False) -> list[str]:
    """The columns of raw rows that ``apply`` looks at."""
    keep = [*_kept(frame.collect_schema().names(), state), *_fold(fitted)]
    return _roots(state["columns"], keep, fitted=fitted)


def _kept(present: "Sequence[str]", state: State) -> "list[pl.Expr]":
    """What goes with the prepared columns: the target, the weight and the group, where the rows have them."""
    known = state["target"]
    keep = [_coded(known).alias(TARGET)] if known["name"] in present else []
    if state.get("weight") in present:
        keep.append(pl.col(state["weight"]).cast(pl.Float64).alias(WEIGHT))
    return keep if "group" not in state else [*keep, *_marked(present, state)]


def _marked(present: "Sequence[str]", state: State) -> "list[pl.Expr]":
    """Each row's group, and its weight where rows are reweighed and it has a target."""
    known, label = state["target"], groups.label(state["group"])
    if "reweigh" not in state or known["name"] not in present:
        return [label]
    stated = pl.col(state["weight"]).cast(pl.Float64) if "weight" in state else pl.lit(1.0)
    return [label, (stated * groups.factor(state["reweigh"], label, _coded(known))).alias(REWEIGHED)]


def projections(state: State) -> "list[list[pl.Expr]]":
    """What ``apply`` does to rows without a target, a list of expressions a stage: made once, for many rows."""
    return _projections(state["columns"], ())[0]


def outputs(state: State) -> list[dict[str, Any]]:
    """The columns that a fitted state's stages give, as the state lists them. Raises whatever a step does that is
    given a state which is none of its own."""
    return [_described(column) for column in _projections(state["columns"], ())[1]]


def features(frame: "pl.DataFrame", state: State) -> Features:
    """The features of prepared rows: numbers as float32 (missing as NaN), codes as int32."""
    numeric = [c["name"] for c in state["outputs"] if c["type"] != "code"]
    codes = [c["name"] for c in state["outputs"] if c["type"] == "code"]
    levels = tuple(c["levels"] for c in state["outputs"] if c["type"] == "code")
    if any(c["type"] == "array" for c in state["outputs"]):
        return _with_arrays(frame, state, _matrix(frame, codes, np.int32), tuple(codes), levels)
    return Features(
        _matrix(frame, numeric, np.float32), _matrix(frame, codes, np.int32), tuple(numeric), tuple(codes), levels
    )


def levels(entry: Mapping[str, Any]) -> list[str] | None:
    """All categories that a column of a fitted state had in the training rows, None where it does not list them."""
    if entry["type"] != "category":
        return None
    for _name, _settings, states in entry["stages"]:
        state = (states[0] if states else None) or {}
        if state.get("keep") is not None:
            return None  # rare ones are not listed
        if "levels" in state:
            return list(state["levels"])
    return None


def width(state: State) -> int:
    """How many numbers represent a row once it is prepared."""
    return sum(math.prod(output.get("shape", ())) for output in state["outputs"])


def _described(column: Column) -> dict[str, Any]:
    """An output as the state keeps it."""
    about: dict[str, Any] = {"name": column.name, "type": column.type, "levels": column.levels}
    if column.names:
        about["names"] = list(column.names)
    return about if column.shape is None else {**about, "shape": list(column.shape)}


def _with_arrays(
    frame: "pl.DataFrame", state: State, codes: "Array", code_names: tuple[str, ...], levels: tuple[int, ...]
) -> Features:
    """The features of rows some of whose columns hold many numbers each, flat, in the order of the outputs."""
    made: list[str] = []
    arrays: list[tuple[int, tuple[int, ...]]] = []
    parts: list[tuple[slice, str]] = []
    for output in state["outputs"]:
        if output["type"] == "code":
            continue
        first = len(made)
        if output["type"] == "array":
            arrays.append((first, tuple(output["shape"])))
            made += output.get("names") or names(output["name"], math.prod(output["shape"]))
        else:
            made.append(output["name"])
        parts.append((slice(first, len(made)), output["name"]))
    numeric = np.empty((frame.height, len(made)), np.float32)
    for part, name in parts:
        numeric[:, part] = frame[name].to_numpy().reshape(frame.height, part.stop - part.start)
    return Features(numeric, codes, tuple(made), code_names, levels, tuple(arrays))


def target(frame: "pl.DataFrame", state: State) -> "Array":
    """The target of prepared or raw rows: class codes (int64) or values (float64).

    Raises StepError for a class that the training rows did not have.
    """
    known = state["target"]
    name, classes = known["name"], known["classes"]
    width = np.float64 if classes is None else np.int64
    if TARGET in frame.columns:
        return frame[TARGET].to_numpy().astype(width)
    if name not in frame.columns:
        raise StepError(f"the rows have no target column '{name}'")
    found = np.empty(frame.height, width)
    # Some rows at a time: a class is looked up by its text.
    for at in range(0, frame.height, LOOKED_UP):
        rows = frame.slice(at, LOOKED_UP)
        coded = rows.select(_coded(known)).to_series()
        if classes is not None and coded.null_count():
            strange = rows.filter(coded.is_null())[name][0]
            raise StepError(f"'{name}' has the class {strange!r}, which no training row has")
        found[at : at + LOOKED_UP] = coded.to_numpy()
    return found


def weights(frame: "pl.DataFrame", state: State) -> "Array | None":
    """How much each prepared row counts (n,), None where nothing says so or there are no rows.

    Raises StepError where a weight is missing, negative or infinite, or all of them are 0.
    """
    name = REWEIGHED if "reweigh" in state else WEIGHT if "weight" in state else None
    if name is None or not frame.height:
        return None
    found = frame[name].to_numpy().astype(np.float64)
    if not (np.isfinite(found).all() and (found >= 0).all() and found.sum() > 0):
        raise StepError(f"'{state.get('weight')}' is the rows' weight: it must be a number of at least 0 in every row")
    return found


def learned(values: "Array", state: State) -> "Array":
    """The target (n,) on the scale on which a model learns it."""
    if state["target"].get("transform") != "log":
        return values
    if not (values > 0).all():
        raise StepError(f"'{state['target']['name']}' has no logarithm where it is {values.min():g}")
    found: Array = np.log(values)
    return found


def answer(prediction: "Array", state: State) -> "Array":
    """A model's prediction in the target's own unit."""
    return np.exp(prediction) if state["target"].get("transform") == "log" else prediction


class Fitting:
    """A column on its way through its steps: where it is, and what its next step asks for."""

    def __init__(self, entry: Mapping[str, Any], outcomes: int) -> None:
        self.outcomes = outcomes
        self.name, self.type = entry["name"], entry["type"]
        self.of: list[Any] | None = entry.get("of")
        self.steps: list[list[Any]] = list(entry["steps"])
        self.stages: list[list[Any]] = []
        self.columns: list[Column] = [Column(self.name, self.type)]
        self.asks: dict[str, pl.Expr] = {}
        self.merges: dict[str, Merging] = {}
        self.index = 0
        self.complete = False  # measured, and without a missing value

    def go_on(self) -> None:
        """Take every step that needs nothing measured; stop at the first that does."""
        while self.steps:
            name, settings = self.steps[0]
            step = _plugin(name, settings)
            asks: dict[str, pl.Expr] = {}
            merges: dict[str, Merging] = {}
            for i, column in enumerate(self.columns):
                if column.type in step.accepts:
                    asked = step.measures(column, self.outcomes) if step.supervised else step.statistics(column)
                    asks.update({f"{i}/{key}": e for key, e in asked.items()})
                    merges.update({f"{i}/{key}": how for key, how in step.merging(column).items()})
            if asks:
                if not self.stages and self.of is None:
                    cell = pl.col(self.name)
                    asks[MISSING], merges[MISSING] = cell.null_count(), Merging("sum", cell.is_null().cast(pl.Int64))
                self.asks, self.merges = asks, merges
                return
            self._advance({})
        self.asks, self.merges = {}, {}

    def take(self, values: Mapping[str, Any]) -> None:
        """What the next step asked for. Raises StepError where a statistic is not finite."""
        if any(isinstance(value, float) and not math.isfinite(value) for value in values.values()):
            raise StepError(
                f"column '{self.name}' has infinite numbers, or too large ones for the step '{self.steps[0][0]}': put "
                f"{{clip: {{lower: .., upper: ..}}}} before it, or name the cells under the source's `missing`"
            )
        self.complete = self.complete or values.get(MISSING) == 0
        self._advance(values)
        self.asks, self.merges = {}, {}

    def keyed(self) -> "dict[str, pl.Expr]":
        """What it asks for, by the column and the name."""
        return {f"{self.index}/{name}": e for name, e in self.asks.items()}

    def entry(self) -> dict[str, Any]:
        """The column with the stages that are fitted so far."""
        of = {} if self.of is None else {"of": self.of}
        complete = {"complete": True} if self.complete else {}
        return {"name": self.name, "type": self.type, "stages": self.stages, **of, **complete}

    def _advance(self, values: Mapping[str, Any]) -> None:
        name, settings = self.steps.pop(0)
        step = _plugin(name, settings)
        states: list[State | None] = []
        after: list[Column] = []
        for i, column in enumerate(self.columns):
            if column.type not in step.accepts:
                states.append(None)
                after.append(column)
                continue
            own = {key.partition("/")[2]: v for key, v in values.items() if key.partition("/")[0] == str(i)}
            state = step.fit(column, own)
            states.append(state)
            after += [made for made, _e in step.apply(column, state)]
        self.stages.append([name, settings, states])
        self.columns = after


def look(
    train: "pl.LazyFrame",
    columns: "Sequence[Fitting]",
    asked: "list[pl.Expr]",
    outcomes: "Sequence[pl.Expr]" = (),
    *,
    few: bool = False,
) -> "pl.DataFrame":
    """What is asked of these columns: the same to the last digit, however many threads there are.

    A query over a stored table adds floats up in whatever order its parts are read. So what the columns are made of is
    read first, and then measured as one part. ``few``: these may be too few rows to be changed as among others.
    """
    entries, keep = [column.entry() for column in columns], [*outcomes, *_fold(bool(outcomes))]
    read = _roots(entries, keep, fitted=bool(outcomes))

    def measure(rows: "pl.LazyFrame") -> "pl.LazyFrame":
        return _through(rows, entries, keep, fitted=bool(outcomes))[0].select(asked)

    if not few:
        return parquet.changed(train.select(read), measure)
    found = train.select(read).collect()
    whole = parquet.alike(found).lazy()
    return parquet.changed(whole, lambda rows: _through(rows, entries)[0].head(found.height).select(asked))


def batches(train: "pl.LazyFrame", columns: "Sequence[Fitting]", memory: int | None) -> "Iterator[Sequence[Fitting]]":
    """Columns in groups whose values together stay within a bound of memory: they are there twice for a moment, in
    parts as they were read and as one."""
    bound = FIT_BYTES if memory is None else min(FIT_BYTES, memory // 4)
    size = max(1, bound // max(1, parquet.count(train) * 16))
    for at in range(0, len(columns), size):
        yield columns[at : at + size]


def _plugin(name: str, settings: Mapping[str, Any]) -> Transform:
    return cast(Transform, msgspec.convert(settings, registry.plugin("transforms", name)))


def _through(
    frame: "pl.LazyFrame",
    entries: Sequence[Mapping[str, Any]],
    keep: "Sequence[pl.Expr]" = (),
    *,
    fitted: bool = False,
) -> "tuple[pl.LazyFrame, list[Column]]":
    """The frame after all fitted stages, one projection a stage, and its columns; ``keep`` names what else stays."""
    made, columns = _projections(entries, keep, fitted=fitted)
    for expressions in made:
        frame = frame.select(expressions)
    return frame, columns


def _roots(entries: Sequence[Mapping[str, Any]], keep: "Sequence[pl.Expr]", *, fitted: bool) -> list[str]:
    """The raw columns that prepared ones are made of."""
    first = _projections(entries, keep, fitted=fitted)[0][0]
    return list(dict.fromkeys(name for expression in first for name in expression.meta.root_names()))


def _projections(
    entries: Sequence[Mapping[str, Any]], keep: "Sequence[pl.Expr]", *, fitted: bool = False
) -> "tuple[list[list[pl.Expr]], list[Column]]":
    now = [[Column(entry["name"], entry["type"])] for entry in entries]
    made: list[list[pl.Expr]] = [[*(_first(entry) for entry in entries), *keep]]
    kept = [pl.col(e.meta.output_name()) for e in keep]
    for level in range(max((len(entry["stages"]) for entry in entries), default=0)):
        picked: list[pl.Expr] = []
        for i, entry in enumerate(entries):
            if level >= len(entry["stages"]):
                picked += [pl.col(c.name) for c in now[i]]
                continue
            name, settings, states = entry["stages"][level]
            step, after = _plugin(name, settings), []
            for column, state in zip(now[i], states, strict=True):
                make = step.apply_fitted if fitted else step.apply
                changed = [(column, pl.col(column.name))] if state is None else make(column, state)
                picked += [e.alias(new.name) for new, e in changed]
                after += [new for new, _e in changed]
            now[i] = after
        made.append([*picked, *kept])
    return made, [column for columns in now for column in columns]


def _first(entry: Mapping[str, Any]) -> "pl.Expr":
    """A raw column, or one that is made of several: a product or a ratio of numbers, a combination of categories."""
    if "of" not in entry:
        return pl.col(entry["name"])
    kind, names = entry["of"]
    if kind == "cross":
        made = pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator=" x ")
    else:
        numbers = [pl.col(name).cast(pl.Float64) for name in names]
        if kind == "product":
            made = functools.reduce(operator.mul, numbers)
        else:
            made = pl.when(numbers[1] != 0).then(numbers[0] / numbers[1])
    return made.alias(entry["name"])


def _outcomes(target: Mapping[str, Any]) -> "list[pl.Expr]":
    """What a supervised step may measure: the value, 1 for the last class of two, or 1 for each of several classes."""
    coded, classes = _coded(target), target["classes"]
    if classes is None:
        return [coded.alias(OUTCOME.format(0))]
    codes = [1] if len(classes) == 2 else range(len(classes))
    return [(coded == code).cast(pl.Float64).alias(OUTCOME.format(k)) for k, code in enumerate(codes)]


def _fold(wanted: bool) -> "list[pl.Expr]":
    return [pl.col(FOLD)] if wanted else []


def _coded(target: Mapping[str, Any]) -> "pl.Expr":
    """The target column as class codes (null for an unknown class) or values."""
    cell, classes = pl.col(target["name"]), target["classes"]
    if classes is None:
        return cell.cast(pl.Float64)
    cell = cell.cast(pl.String)
    return cell.replace_strict(classes, list(range(len(classes))), default=None, return_dtype=pl.Int64)


def describe_target(train: "pl.LazyFrame", params: Mapping[str, Any]) -> dict[str, Any]:
    """The target's name and its classes in the order of their codes: sorted, the positive one last."""
    name, kind = params["target"]
    if params["task"] == "regression":
        plain = {"name": name, "type": kind, "classes": None}
        if params.get("transform") is None:
            return plain
        least = train.select(pl.col(name).min()).collect().item()
        if least is not None and least <= 0:
            raise StepError(f"'{name}' has no logarithm where it is {least:g}: leave data.columns.transform out")
        return {**plain, "transform": params["transform"]}
    found = train.select(pl.col(name).drop_nulls().unique().sort()).collect()[name].cast(pl.String).to_list()
    positive = params["positive"]
    if positive is not None:
        if positive not in found:
            raise StepError(f"no training row has the positive class '{positive}' in '{name}', only {', '.join(found)}")
        found = [c for c in found if c != positive] + [positive]
    if len(found) < 2 or (params["task"] == "binary_classification" and len(found) != 2):
        raise StepError(f"'{name}' has {len(found)} classes in the training rows: {', '.join(found[:10])}")
    return {"name": name, "type": kind, "classes": found}


def _matrix(frame: "pl.DataFrame", names: Sequence[str], dtype: Any) -> "Array":
    """Columns as one C-ordered matrix (n, len(names)); missing numbers are NaN."""
    matrix = np.empty((frame.height, len(names)), dtype=dtype)
    with np.errstate(over="ignore"):  # a number beyond float32 is infinite
        for i, name in enumerate(names):
            matrix[:, i] = frame[name].to_numpy()
    return matrix
