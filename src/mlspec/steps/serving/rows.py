"""Few rows as Python's own values, answered without the data engine: the way that a service takes.

The answers are those of ``Package.predict`` to the last bit. Whatever has cells of another type than its column, or is
unusual otherwise, gets no answer here: the data engine's rules decide.
"""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlspec.plugins.model import Predictor
from mlspec.steps.data import by_cell, preparation
from mlspec.steps.data.by_cell import NoRowForm as NoRowForm
from mlspec.steps.evaluation import decisions
from mlspec.steps.serving.package_format import About

Array = np.ndarray[Any, Any]
Row = Mapping[str, Any]

EXACT = 2**53  # the integers up to here are exact as floats
DAY = re.compile(r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}")
TIME = re.compile(rf"{DAY.pattern}[ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}})?")


class _Other(Exception):  # noqa: N818 (a way, no failure)
    """A cell that only the data engine reads."""


class RowPath:
    """What answers few rows of a package.

    ``parts``: state, model and share of each part; raises NoRowForm where one of them, or what is done to rows before,
    has no form for single rows.
    """

    def __init__(self, about: About, parts: Sequence[tuple[dict[str, Any], Predictor, float]]) -> None:
        if about.treatments:
            raise NoRowForm(f"'{about.treatments[0][0]}' is treated by '{about.treatments[0][2][0]}'")
        if about.derived is not None:
            raise NoRowForm(f"'{about.derived['expressions'][0][0]}' is derived")
        if about.personal is not None or about.groups is not None:
            raise NoRowForm("groups have models or thresholds of their own")
        self._calibration = about.calibration
        self._classes = len(about.classes or ())
        dates = {} if about.reading is None else about.reading.dates
        self._readers = [(name, _reader(name, kind, dates)) for name, kind in about.raw_columns()]
        self._parts = [(by_cell.compiled(state), state, predictor, weight) for state, predictor, weight in parts]

    def predict(self, rows: Sequence[Row]) -> "Array | None":
        """As ``Package.predict``, of at least one row; None for rows that the data engine has to read."""
        read = self.read(rows)
        return None if read is None else self.answer(read)

    def read(self, rows: Sequence[Row]) -> list[dict[str, Any]] | None:
        """The cells that the model reads, in the types of their columns; None where the data engine has to read."""
        try:
            read = [{name: reader(row[name]) for name, reader in self._readers} for row in rows]
        except (KeyError, _Other):
            return None
        return read if all(any(cell is not None for cell in row.values()) for row in read) else None

    def answer(self, rows: Sequence[Row]) -> "Array | None":
        """The answers to rows that were read; None where the model does not answer them."""
        total: Array | None = None
        for prepare, state, predictor, weight in self._parts:
            try:
                raw = predictor.predict(prepare(rows))
            except Exception:  # a model that takes no missing values, or no large ones: who reads the rows then says so
                return None
            if raw.shape != ((len(rows), self._classes) if self._classes else (len(rows),)):
                return None
            found = preparation.answer(raw, state)
            found = found if len(self._parts) == 1 else weight * found
            total = found if total is None else total + found
        assert total is not None
        return decisions.calibrated(total, self._calibration)


def _reader(name: str, kind: str, dates: Mapping[str, str]) -> Callable[[Any], Any]:
    """What reads a cell of a column. Its function raises _Other."""
    if kind == "image" or name in dates:
        raise NoRowForm(f"'{name}' is an image" if kind == "image" else f"'{name}' has a date format of its own")
    return {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "category": _category,
        "date": _date,
        "datetime": _datetime,
    }[kind]


def _integer(cell: Any) -> int | None:
    if cell is None:
        return None
    if type(cell) is float:
        if cell != cell:
            return None
        if cell.is_integer():
            cell = int(cell)
    if type(cell) is int and -EXACT <= cell <= EXACT:
        return cell
    raise _Other


def _number(cell: Any) -> float | None:
    if type(cell) is float:
        return cell if cell == cell else None
    if cell is None:
        return None
    if type(cell) is int and -EXACT <= cell <= EXACT:
        return float(cell)
    raise _Other


def _boolean(cell: Any) -> bool | None:
    if cell is None or type(cell) is bool:
        return cell
    raise _Other


def _category(cell: Any) -> str | None:
    if cell is None or type(cell) is str:
        return cell
    raise _Other


def _date(cell: Any) -> datetime.date | None:
    if cell is None:
        return None
    if type(cell) is str and DAY.fullmatch(cell):
        try:
            return datetime.date.fromisoformat(cell.replace("/", "-"))
        except ValueError:
            pass
    raise _Other


def _datetime(cell: Any) -> datetime.datetime | None:
    if cell is None:
        return None
    if type(cell) is str and TIME.fullmatch(cell):
        try:
            return datetime.datetime.fromisoformat(cell.replace("/", "-"))
        except ValueError:
            pass
    raise _Other
