"""A fitted preparation for single rows: functions of Python's own values, without the data engine.

The features are those of ``preparation``, to the last bit.
"""

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.plugins.base import Column, State
from mlspec.plugins.model import Features
from mlspec.plugins.transform import Cells, Transform

Row = Mapping[str, Any]
Prepare = Callable[[Sequence[Row]], Features]


class NoRowForm(Exception):  # noqa: N818 (a reason, no failure)
    """Why a preparation can't be applied to single rows."""


def compiled(state: State) -> Prepare:
    """The features of rows, whose cells have the types of their columns. Raises NoRowForm."""
    made = [cells_of(entry) for entry in state["columns"]]
    outputs = state["outputs"]
    arrays = [one["name"] for one in outputs if one["type"] == "array"]
    if arrays:
        raise NoRowForm(f"'{arrays[0]}' is an array")
    numeric = [place for place, one in enumerate(outputs) if one["type"] != "code"]
    codes = [place for place, one in enumerate(outputs) if one["type"] == "code"]
    in_order = numeric == list(range(len(numeric)))
    names = tuple(outputs[place]["name"] for place in numeric), tuple(outputs[place]["name"] for place in codes)
    levels = tuple(outputs[place]["levels"] for place in codes)

    def prepare(rows: Sequence[Row]) -> Features:
        cells = [[cell for of in made for cell in of(row)] for row in rows]
        numbers = [row[: len(numeric)] for row in cells] if in_order else [[row[at] for at in numeric] for row in cells]
        with np.errstate(over="ignore"):
            matrix = np.array(numbers, np.float64).astype(np.float32)
        coded = np.array([[row[at] for at in codes] for row in cells], np.int32)
        shape = len(rows), -1
        return Features(
            matrix.reshape(shape) if numeric else np.empty((len(rows), 0), np.float32),
            coded.reshape(shape) if codes else np.empty((len(rows), 0), np.int32),
            *names,
            levels,
        )

    return prepare


def cells_of(entry: Mapping[str, Any]) -> Callable[[Row], tuple[Any, ...]]:
    """What makes a column's features from a row."""
    columns = [Column(entry["name"], entry["type"])]
    first = _first(entry)
    steps: list[Cells] = []
    for name, settings, states in entry["stages"]:
        step = cast(Transform, msgspec.convert(settings, registry.plugin("transforms", name)))
        after: list[Column] = []
        functions: list[Cells | None] = []
        for column, state in zip(columns, states, strict=True):
            found = ((column,), None) if state is None else step.by_cell(column, state)
            if found is None:
                raise NoRowForm(f"'{entry['name']}' is prepared by '{name}'")
            after += found[0]
            functions.append(found[1])
        columns = after
        steps.append(_beside(functions))
    if not steps:
        return first
    if len(steps) == 1:
        (only,) = steps
        return lambda row: only(first(row))
    if len(steps) == 2:
        one, two = steps
        return lambda row: two(one(first(row)))
    return lambda row: functools.reduce(lambda cells, step: step(cells), steps, first(row))


def _beside(functions: "list[Cells | None]") -> Cells:
    """One step of all columns that there are by now."""
    if len(functions) == 1:
        (only,) = functions
        return (lambda cells: cells) if only is None else lambda cells: only(cells[0])

    def made(cells: tuple[Any, ...]) -> tuple[Any, ...]:
        found: list[Any] = []
        for function, cell in zip(functions, cells, strict=True):
            found += (cell,) if function is None else function(cell)
        return tuple(found)

    return made


def _first(entry: Mapping[str, Any]) -> Callable[[Row], tuple[Any, ...]]:
    """A raw column, or one that is made of several."""
    name = entry["name"]
    if "of" not in entry:
        return lambda row: (row[name],)
    kind, names = entry["of"]
    if kind == "cross":
        raise NoRowForm(f"'{name}' is a combination of columns")

    def made(row: Row) -> tuple[Any, ...]:
        numbers = [row[one] for one in names]
        if None in numbers:
            return (None,)
        floats = [float(number) for number in numbers]
        if kind == "product":
            return (functools.reduce(operator.mul, floats),)
        return (floats[0] / floats[1] if floats[1] != 0 else None,)

    return made
