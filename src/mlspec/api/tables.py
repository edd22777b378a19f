"""Writes tables to files, in the format that their ending says."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".csv", ".parquet", ".jsonl")


def write_table(
    frame: "pl.DataFrame", path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()
) -> None:
    """Write a table, whole or not at all, as its file's ending says: .csv, .parquet or .jsonl.

    Raises SpecError for another ending and where it is one of the ``inputs``, OSError where it can't be written.
    """
    from polars.exceptions import ComputeError

    from mlspec.machine import whole_files

    writers: dict[str, Callable[[IO[bytes]], object]] = {
        ".csv": frame.write_csv,
        ".parquet": frame.write_parquet,
        ".jsonl": frame.write_ndjson,
    }
    writer = writers[table_format(path)]
    with whole_files.output(path, inputs) as file:
        try:
            writer(file)
        except (OSError, ComputeError) as error:
            # The data engine reports a system error as a number in a text.
            number = re.search(r"\(os error (\d+)\)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from None


def table_format(path: str | os.PathLike[str]) -> str:
    """The ending of a table's file. Raises SpecError for one that can't be written."""
    ending = Path(path).suffix
    if ending not in ENDINGS:
        message = f"'{path}' does not end in {', '.join(ENDINGS)}"
        raise SpecError([Diagnostic(code="format-unclear", message=message)])
    return ending
