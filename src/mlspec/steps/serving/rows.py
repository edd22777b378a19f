"""Few rows as Python's own values, answered without the data engine: the way that a service takes.

The answers are those of ``Package.predict`` to the last bit. Whatever has cells of another type than its column, or is
unusual otherwise, gets no answer here: the data engine's rules decide.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlspec.plugins.model import Predictor
from mlspec.steps.data import by_cell, preparation
from mlspec.steps.data.by_cell import NoRowForm as NoRowForm
from mlspec.steps.evaluation import decisions
from mlspec.steps.serving.cells import OtherCell, Row, reader
from mlspec.steps.serving.package_format import About

Array = np.ndarray[Any, Any]


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
        for name, kind in about.raw_columns():
            if kind == "image" or name in dates:
                raise NoRowForm(
                    f"'{name}' is an image" if kind == "image" else f"'{name}' has a date format of its own"
                )
        self._readers = [(name, reader(kind)) for name, kind in about.raw_columns()]
        self._parts = [(by_cell.compiled(state), state, predictor, weight) for state, predictor, weight in parts]

    def predict(self, rows: Sequence[Row]) -> "Array | None":
        """As ``Package.predict``, of at least one row; None for rows that the data engine has to read."""
        read = self.read(rows)
        return None if read is None else self.answer(read)

    def read(self, rows: Sequence[Row]) -> list[dict[str, Any]] | None:
        """The cells that the model reads, in the types of their columns; None where the data engine has to read."""
        try:
            read = [{name: read(row[name]) for name, read in self._readers} for row in rows]
        except (KeyError, OtherCell):
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
