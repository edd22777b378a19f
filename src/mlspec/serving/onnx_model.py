"""The ONNX file of a bundle as a service asks it: rows in, named answers or a refusal out.

Nothing of what made the model is imported. Cells are read by their JSON types alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import safe_files
from mlspec.onnxkit import reading
from mlspec.onnxkit.graph import MISSING
from mlspec.serving.answering import Answers
from mlspec.serving.refusal import SHOWN, Cell, Refused
from mlspec.steps.evaluation import decisions
from mlspec.steps.serving import answers, package_format
from mlspec.steps.serving.cells import EXPECTED, OtherCell, Row, reader

if TYPE_CHECKING:
    import polars as pl

Array = np.ndarray[Any, Any]
NO_ANSWER = "is missing or too large: the model has no answer without it"


class OnnxModel:
    """A model that is served from its ONNX file. ``folder`` is that of its package, whose ``package.json`` alone is
    read; ``file`` has been found to be as it was released.

    Raises SpecError where it is none that mlspec writes.
    """

    def __init__(self, folder: Path, file: Path, name: str) -> None:
        self.way = "the ONNX file"
        self.name, self.about = name, package_format.read_about(folder)
        self.digest = hashlib.sha256((folder / package_format.ABOUT).read_bytes()).hexdigest()
        self.fields = dict(self.about.raw_columns())
        self._readers = [(field, reader(kind)) for field, kind in self.fields.items()]
        self._labels = answers.labels(self.about)
        try:
            content = safe_files.read(file, reading.LARGEST)
            self._session = reading.opened(content, tuple(self.fields.items()), len(self.about.classes or ()))
            if self._session.about.get("mlspec.model") != self.digest:
                raise ValueError("it is that of another model")
        except (OSError, ValueError) as error:
            text = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
            message = f"'{file}' can't be served: {text}"
            raise SpecError([Diagnostic(code="onnx-unusable", message=message)]) from None

    def decide(self, predicted: "Array") -> "Array":
        """The code of the class decided for (n,)."""
        return decisions.codes(predicted, self.about.threshold)

    def quick(self, rows: Sequence[Row]) -> Answers | None:
        """The answers where every cell fits and every row has one."""
        try:
            read = [{name: read(row[name]) for name, read in self._readers} for row in rows]
        except (KeyError, OtherCell):
            return None
        for row in read:
            cells = row.values()
            if MISSING in cells or all(cell is None for cell in cells):
                return None
        predicted = self._session.answer(read)
        if not np.isfinite(predicted).all():
            return None
        return Answers(answers.by_name(self, predicted, self._labels), (), lambda: read)

    def slow(self, rows: Sequence[Row]) -> Answers:
        """No answers: raises Refused that names each row and field which does not fit."""
        cells = [cell for place, row in enumerate(rows) for cell in self._unfit(place, row)]
        if not cells:  # each cell fits, and together they have no answer
            for place, row in enumerate(rows):
                if self.quick([row]) is None:
                    odd = [name for name in self.fields if row[name] is None or _is_large(row[name])]
                    cells += [Cell(place, NO_ANSWER, name) for name in odd] or [Cell(place, "the row has no answer")]
        wrong = len({one.row for one in cells})
        message = f"{wrong:,} of {len(rows):,} rows can't be predicted: {cells[0]}" if len(rows) > 1 else str(cells[0])
        raise Refused(422, "row-refused", message, cells=tuple(cells[:SHOWN]))

    def _unfit(self, place: int, row: Row) -> list[Cell]:
        found = []
        for (name, read), kind in zip(self._readers, self.fields.values(), strict=True):
            if name not in row:
                found.append(Cell(place, f"is missing: {EXPECTED[kind]}, or null", name))
                continue
            try:
                if read(row[name]) == MISSING:
                    found.append(Cell(place, f"'{MISSING}' stands for a missing value: null is meant", name))
            except OtherCell:
                found.append(Cell(place, f"the value is not {EXPECTED[kind]}", name))
        if not found and all(row[name] is None for name in self.fields):
            return [Cell(place, "the row is empty")]
        return found

    def usual(self) -> Mapping[str, Any]:
        """None: what training rows had is not in the file."""
        return {}

    def logged(self, rows: Sequence[Row]) -> "pl.DataFrame":
        """The inputs of rows as a log may have them: sensitive columns not at all."""
        import polars as pl

        from mlspec.steps.serving import new_rows

        kept = {name: kind for name, kind in self.fields.items() if name not in (self.about.hidden or ())}
        schema = {name: new_rows.dtype(kind) for name, kind in kept.items()}
        cells = [[row.get(name) for name in schema] for row in rows]
        return pl.DataFrame(cells, schema=schema, orient="row", strict=False)


def _is_large(cell: Any) -> bool:
    return isinstance(cell, int | float) and abs(cell) > 1e38
