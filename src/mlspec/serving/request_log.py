"""The log of requests: Parquet parts by day, ``LOG/YYYY-MM-DD/PART.parquet``, a row for each row that was asked for.

A part has the rows of one model. It is written under a name that ends in ``.tmp`` and renamed, so that a reader sees
whole parts alone and a process that is killed loses what it has not written: no more than some seconds or rows. Several
processes write parts of their own. Personal columns are in it as `data.personal` leaves them, sensitive ones not at
all.
"""

import datetime
import shutil
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mlspec.serving import parts
from mlspec.serving.answering import Answering, Answers
from mlspec.spec.operation.log import Log
from mlspec.steps.serving import answers as answered_as

ROWS, SECONDS = 2000, 10.0  # a part has about so many rows, or those of so many seconds
MOST = 100_000  # rows that wait to be written; further ones are not logged
STALE = 3600.0  # seconds after which an unfinished part is nobody's any more
DAY = "%Y-%m-%d"


class _Entry(NamedTuple):
    model: Answering
    role: str
    request: str
    time: datetime.datetime
    seconds: float
    status: str
    answers: Answers | None
    rows: int


class RequestLog:
    """The log of one process. ``lost`` is called with the number of rows that could not be kept."""

    def __init__(self, folder: Path, wanted: Log, lost: Callable[[int], None]) -> None:
        self._folder, self._wanted, self._lost = folder, wanted, lost
        self._names = parts.Names()
        self._below = round(wanted.share * 2**32)
        self._prune()
        self._waiting = parts.Waiting[_Entry](self._write, seconds=SECONDS, many=ROWS, most=MOST, name="mlspec-log")

    def answered(self, model: Answering, role: str, request: str, seconds: float, answers: Answers) -> None:
        """Keep the rows of a request."""
        self._keep(model, role, request, seconds, "ok", answers, len(answers.columns["prediction"]))

    def failed(self, model: Answering, role: str, request: str, seconds: float, status: str) -> None:
        """Keep that there was a request without an answer."""
        self._keep(model, role, request, seconds, status, None, 1)

    def close(self) -> None:
        """Write what is left."""
        self._waiting.close()

    def _keep(
        self, model: Answering, role: str, request: str, seconds: float, status: str, answers: Answers | None, rows: int
    ) -> None:
        if zlib.crc32(request.encode()) >= self._below:
            return
        now = datetime.datetime.now(datetime.UTC)
        if not self._waiting.put(_Entry(model, role, request, now, seconds, status, answers, rows), rows):
            self._lost(rows)

    def _write(self, entries: list[_Entry]) -> None:
        by_part: dict[tuple[str, str], list[_Entry]] = {}
        for entry in entries:
            by_part.setdefault((entry.time.strftime(DAY), entry.model.digest), []).append(entry)
        for (day, _model), own in by_part.items():
            try:
                self._part(day, own)
            except Exception:  # a full disk, say: the service goes on, and its metrics show it
                self._lost(sum(entry.rows for entry in own))
        self._prune()

    def _part(self, day: str, entries: Sequence[_Entry]) -> None:
        folder = self._folder / day
        folder.mkdir(parents=True, exist_ok=True)
        parts.write(folder / self._names.next(entries[0].time, "%H%M%S"), self._table(entries))

    def _table(self, entries: Sequence[_Entry]) -> "pl.DataFrame":
        """The rows of the log, of entries of one model."""
        model = entries[0].model
        classes = model.about.classes
        names = dict(zip(answered_as.labels(model.about), classes or (), strict=True))
        shares = {f"probability.{name}": f"p_{name}" for name in classes or ()}
        answered: list[list[Any]] = []
        rows: list[Any] = []
        for entry in entries:
            said = entry.answers
            for place in range(entry.rows):
                head = [entry.request, place, entry.time, model.digest, entry.role, entry.status, 1e3 * entry.seconds]
                if said is None:
                    answered.append([*head, *[None] * (2 + len(shares))])
                    continue
                predicted = said.columns["prediction"][place]
                person = said.columns["to_person"][place] if "to_person" in said.columns else None
                given = [said.columns[name][place] for name in shares.values()]
                answered.append([*head, predicted if classes is None else names[predicted], *given, person])
            rows += [{}] if said is None else said.rows()
        schema: dict[str, Any] = {
            "request_id": pl.String,
            "row": pl.Int32,
            "time": pl.Datetime("us", "UTC"),
            "model": pl.String,
            "role": pl.String,
            "status": pl.String,
            "milliseconds": pl.Float32,
            "prediction": pl.Float64 if classes is None else pl.String,
            **dict.fromkeys(shares, pl.Float64),
            "to_person": pl.Boolean,
        }
        table = pl.DataFrame(answered, schema=schema, orient="row")
        inputs = model.logged(rows)
        inputs = inputs.rename({name: f"input.{name}" for name in inputs.columns})
        refused = table["status"] != "ok"
        if refused.any():
            inputs = inputs.with_columns(pl.when(~refused).then(pl.col(name)).alias(name) for name in inputs.columns)
        return pl.concat([table, inputs], how="horizontal")

    def _prune(self) -> None:
        """Delete days that are too old, the oldest parts where all are too large, and parts that nobody finishes."""
        now = datetime.datetime.now(datetime.UTC)
        first = (now - datetime.timedelta(seconds=self._wanted.keep)).strftime(DAY)
        total, whole = 0, []
        for day in sorted(self._folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]")):
            if day.name < first:
                shutil.rmtree(day, ignore_errors=True)
                continue
            for file in sorted(day.iterdir()):
                try:
                    known = file.stat()
                except OSError:
                    continue  # another process has deleted or renamed it
                if file.name.endswith(parts.UNFINISHED):
                    if time.time() - known.st_mtime > STALE:
                        file.unlink(missing_ok=True)
                elif file.suffix == ".parquet":
                    whole.append((file, known.st_size))
                    total += known.st_size
        for file, size in whole:
            if total <= self._wanted.max_size:
                break
            file.unlink(missing_ok=True)
            total -= size
