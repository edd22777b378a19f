"""A loaded package as a service asks it: rows in, named answers or a refusal out."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mlspec.serving.answering import Answers
from mlspec.serving.refusal import SHOWN, Cell, Refused
from mlspec.steps.serving import answers, new_rows
from mlspec.steps.serving.cells import Row
from mlspec.steps.serving.package import Package
from mlspec.steps.serving.package_format import ABOUT
from mlspec.steps.serving.rows import RowPath


class ByTable(NamedTuple):
    """What answers rows by the rules of tables: answers by row, cells that do not fit, notes, rows as read."""

    answers: list[dict[str, Any]]
    refused: Sequence[new_rows.Refused]
    notes: tuple[str, ...]
    rows: Callable[[], Sequence[Row]]


class Model:
    """A package that is served under a name. ``by_table`` answers what the row path does not."""

    def __init__(self, package: Package, folder: Path, name: str, by_table: Callable[[list[Any]], ByTable]) -> None:
        self.package, self.name, self._by_table = package, name, by_table
        self.digest = hashlib.sha256((folder / ABOUT).read_bytes()).hexdigest()
        self.about = package.about
        path = package.row_path
        self.row_path: RowPath | None = None if isinstance(path, str) else path
        self.way = f"rows by the data engine ({path})" if isinstance(path, str) else "rows at once"
        self.fields = dict(self.about.raw_columns())
        self._seen = package.seen()
        self._usual = [
            (name, seen.complete, seen.levels if self.fields.get(name) == "category" else None)
            for name, seen in self._seen.items()
        ]
        self._labels = answers.labels(self.about)

    def quick(self, rows: Sequence[Row]) -> Answers | None:
        """The answers where the row path has them."""
        if self.row_path is None:
            return None
        read = self.row_path.read(rows)
        predicted = None if read is None else self.row_path.answer(read)
        if read is None or predicted is None:
            return None
        notes = () if self._are_usual(read) else new_rows.unusual_cells(read, self._seen, self.about)
        return Answers(answers.by_name(self.package, predicted, self._labels), notes, lambda: read)

    def _are_usual(self, rows: Sequence[Row]) -> bool:
        """Whether surely nothing is to be noted about rows."""
        for row in rows:
            for name, complete, levels in self._usual:
                cell = row.get(name)
                if complete if cell is None else levels is not None and cell not in levels:
                    return False
        return True

    def slow(self, rows: Sequence[Row]) -> Answers:
        """The answers by the rules of tables. Raises Refused that names each row and field which does not fit."""
        wanted = new_rows.wanted(self.about, {name for row in rows for name in row})
        lacking = [
            Cell(place, f"is missing: {new_rows.EXPECTED[kind]}, or null", name)
            for place, row in enumerate(rows)
            for name, kind in wanted.items()
            if name not in row
        ]
        if lacking:
            raise _refused(lacking, len(rows))
        found = self._by_table([{name: row[name] for name in wanted} for row in rows])
        if found.refused:
            raise _refused([_cell(one) for one in found.refused], len(rows))
        columns = {name: [row[name] for row in found.answers] for name in found.answers[0]}
        return Answers(columns, found.notes, found.rows)

    def usual(self) -> dict[str, Any]:
        """Known categories, and numbers near those of training rows where these are known."""
        centers = _centers(self.package.state)
        found: dict[str, Any] = {}
        for name, kind in self.fields.items():
            known = name in self._seen and name not in (self.about.hidden or ())
            levels = sorted(self._seen[name].levels or ()) if known else []
            if kind == "category" and levels:
                found[name] = levels[0]
            elif kind in ("integer", "number") and name in centers:
                found[name] = round(centers[name]) if kind == "integer" else round(centers[name], 2)
        return found

    def logged(self, rows: Sequence[Row]) -> "pl.DataFrame":
        """The inputs of rows as a log may have them: the features, personal columns as `data.personal` leaves them,
        sensitive ones not at all."""
        types = {kind: new_rows.dtype(kind) for kind in set(self.fields.values())}
        schema = {name: types[kind] for name, kind in self.fields.items()}
        raw = pl.DataFrame(
            [[row.get(name) for name in schema] for row in rows], schema=schema, orient="row", strict=False
        )
        treated = {name for name, _kind, _treatment in self.about.treatments or ()}
        unseen = new_rows.hidden(self.about) - treated
        features = self.package.checked(self.package.treat(raw))
        return features.select(name for name, kind in self.about.columns if name not in unseen and kind != "image")


def _refused(cells: Sequence[Cell], rows: int) -> Refused:
    wrong = len({one.row for one in cells})
    message = f"{wrong:,} of {rows:,} rows can't be predicted: {cells[0]}" if rows > 1 else str(cells[0])
    return Refused(422, "row-refused", message, cells=tuple(cells[:SHOWN]))


def _cell(one: new_rows.Refused) -> Cell:
    if not one.column:
        return Cell(one.row, one.reason)
    value = "the value" if one.value is None else f"'{one.value}'"
    return Cell(one.row, f"{value} {one.reason}", one.column)


def _centers(state: Mapping[str, Any]) -> dict[str, float]:
    """A usual value of each column of numbers, as far as its preparation has one."""
    found: dict[str, float] = {}
    for entry in state["columns"]:
        for name, _settings, states in entry["stages"][:1]:
            own = (states[0] if states else None) or {}
            value = own.get({"impute": "value", "scale": "center"}.get(name, ""))
            if isinstance(value, int | float):
                found[entry["name"]] = value
    return found
