"""``POST /feedback``: true outcomes of requests, checked and kept as a table that `mlspec monitor LOG LABELS` reads.

Doubled and corrected labels, and those of unknown requests, are kept: monitoring takes the last of each row and counts
the others.
"""

import datetime
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from mlspec.machine.patterns import pattern
from mlspec.serving import parts
from mlspec.serving.answering import Answering
from mlspec.serving.refusal import SHOWN, Cell, Refused
from mlspec.serving.rows_of import counted, decoded
from mlspec.spec.operation.labels import Labels
from mlspec.steps.serving import answers

SECONDS, ROWS = 10.0, 5000  # a part has the labels of so many seconds, or about so many
MOST = 100_000  # labels that wait to be written
LARGEST = 10_000_000_000  # bytes of all parts
TIME, ROW = "known_at", "row"  # columns, beside those that `operation.labels` names
NAME = "%Y-%m-%dT%H%M%S.%f"
ID = pattern(r"[A-Za-z0-9._:-]{1,64}")


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The true outcome of a row of a request."""

    request_id: str
    label: str | int | float | bool
    row: int = 0


class _Kept(NamedTuple):
    request: str
    row: int
    truth: str | float
    time: datetime.datetime


class Feedback:
    """The labels that one process gets. ``lost`` is called with the number of those that could not be written."""

    def __init__(self, folder: Path, said: Labels | None, lost: Callable[[int], None]) -> None:
        self._folder, self._lost, self._names = folder, lost, parts.Names()
        self._key = "request_id" if said is None else said.key
        self._time = TIME if said is None or said.time is None else said.time
        self._target = ""
        self._is_full = False
        self._waiting = parts.Waiting[list[_Kept]](
            self._write, seconds=SECONDS, many=ROWS, most=MOST, name="mlspec-labels"
        )
        self._measure()

    def take(self, body: bytes, model: Answering, most: int) -> int:
        """Keep the labels of a request; how many. Raises Refused where one does not fit the model, or too many wait."""
        try:
            found = msgspec.convert(decoded(body), list[Label] | Label)
        except msgspec.ValidationError as error:
            raise Refused(422, "label-refused", f"the body is no label: {error}") from None
        labels = found if isinstance(found, list) else [found]
        counted(len(labels), most, "label")
        now, truths = datetime.datetime.now(datetime.UTC), _truths(model)
        kept, wrong = [], []
        for place, one in enumerate(labels):
            truth = truths(one.label)
            if not ID.fullmatch(one.request_id):
                wrong.append(Cell(place, "is no id of a request", "request_id"))
            if not 0 <= one.row < 2**31:
                wrong.append(Cell(place, "is no place of a row", "row"))
            if truth is None:
                wrong.append(Cell(place, f"is {_expected(model)}", "label"))
            else:
                kept.append(_Kept(one.request_id, one.row, truth, now))
        if wrong:
            raise Refused(422, "label-refused", str(wrong[0]), cells=tuple(wrong[:SHOWN]))
        self._target = model.about.target
        if self._is_full:
            raise Refused(503, "full", "there is no room for more labels", retry=60)
        if not self._waiting.put(kept, len(kept)):
            raise Refused(503, "busy", "too many labels wait to be written", retry=10)
        return len(kept)

    def close(self) -> None:
        """Write what is left."""
        self._waiting.close()

    def _write(self, taken: Sequence[list[_Kept]]) -> None:
        kept = [one for some in taken for one in some]
        numbers = not isinstance(kept[0].truth, str)
        schema: dict[str, Any] = {
            self._key: pl.String,
            ROW: pl.Int64,
            self._target: pl.Float64 if numbers else pl.String,
            self._time: pl.Datetime("us"),
        }
        try:
            rows = [(one.request, one.row, one.truth, one.time.replace(tzinfo=None)) for one in kept]
            part = self._folder / self._names.next(kept[0].time, NAME)
            parts.write(part, pl.DataFrame(rows, schema=schema, orient="row"))
            self._measure()
        except Exception:  # a full disk, say: the service goes on, and its metrics show it
            self._lost(len(kept))

    def _measure(self) -> None:
        self._is_full = sum(file.stat().st_size for file in self._folder.glob("*.parquet")) > LARGEST


def _truths(model: Answering) -> Callable[[Any], str | float | None]:
    """What makes of a label what monitoring compares with, None where it does not fit the model."""
    classes = model.about.classes
    if classes is None:
        return _number
    known = {msgspec.json.encode(name): name for name in classes}
    known |= {msgspec.json.encode(own): name for own, name in zip(answers.labels(model.about), classes, strict=True)}
    return lambda cell: known.get(msgspec.json.encode(cell))


def _number(cell: Any) -> float | None:
    try:
        return float(cell) if type(cell) in (int, float) and math.isfinite(cell) else None
    except OverflowError:
        return None


def _expected(model: Answering) -> str:
    classes = model.about.classes
    return "not a number" if classes is None else f"none of {', '.join(classes[:SHOWN])}"
