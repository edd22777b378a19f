"""A preparation that is fitted by parts, a round for each step that measures something: what is known after a round."""

from pathlib import Path
from typing import Any

import polars as pl
from msgspec import Struct, json

from mlspec.steps.data import parquet, preparation
from mlspec.steps.data.preparation import Fitting
from mlspec.steps.job import Job


class Rounds(Struct, frozen=True):
    """The params of the preparation, the described target, and what each round has measured."""

    params: dict[str, Any]
    target: dict[str, Any]
    rounds: list[dict[str, Any]] = []

    def fitting(self) -> list[Fitting]:
        """The columns as they are after these rounds."""
        fitting = preparation.begun(self.params, self.target)
        for values in self.rounds:
            preparation.take(preparation.asking(fitting), values)
        return fitting

    def asking(self) -> list[Fitting]:
        """The columns that need something measured now."""
        return preparation.asking(self.fitting())


def read(path: Path) -> Rounds | None:
    """What a round has written; None where nothing is to be fitted."""
    return json.decode(path.read_bytes(), type=Rounds | None)


def rows(job: Job) -> "pl.LazyFrame":
    """The rows that are fitted on: of a second fit, validation rows too."""
    return parquet.scan(*(job.inputs[name] for name in ("train", "validation") if name in job.inputs))
