"""Uses the selected model on new rows."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.specfile import find

if TYPE_CHECKING:
    import polars as pl

    from mlspec.engine.package import Package


def load_model(model: str | os.PathLike[str] | None = None, *, device: str = "cpu") -> "Package":
    """The selected model of a spec's last run, or the exported model in a folder, ready to predict.

    Raises SpecError when there is none and StepError when it can't be read.
    """
    from mlspec.engine import package

    if model is not None and (Path(model) / package.ABOUT).is_file():
        return package.load(Path(model), device)
    path = find(model)
    from mlspec.report import stored

    root = Path(path).parent
    for run in stored.every(root):
        if run.model is not None:
            return package.load(Path(run.model), device, root=root)
    note = f"mlspec run {path}"
    raise SpecError([Diagnostic(code="no-model", message="no run of this project has selected a model", notes=(note,))])


def predict(
    model: "Package", data: "str | os.PathLike[str] | pl.DataFrame", *, keep: Sequence[str] = ()
) -> "pl.DataFrame":
    """Predictions for new rows, from a file or a frame, in their order.

    For classes: ``prediction``, the class decided for (by the model's threshold where it has one, else the likeliest),
    ``to_person``, whether a person should decide (where the model is told when to abstain), and ``p_CLASS``, the
    probability of each. For numbers: ``prediction``.
    ``keep``: columns of the data to carry along. Raises StepError where columns are missing or hold
    something else, SpecError where the file can't be read.
    """
    import polars as pl

    frame = data if isinstance(data, pl.DataFrame) else _read_rows(os.fspath(data), model, keep)
    lacking = [name for name in keep if name not in frame.columns]
    if lacking:
        raise SpecError([Diagnostic(code="unknown-column", message=f"the data has no column '{lacking[0]}'")])
    rows = model.treat(frame)
    predicted = model.predict(rows)
    classes = model.about.classes
    kept = [frame[name] for name in keep]
    if classes is None:
        return pl.DataFrame([*kept, pl.Series("prediction", predicted)])
    decided = [pl.Series("prediction", [classes[index] for index in model.decide(predicted, rows)])]
    if model.about.abstain_below is not None:
        decided.append(pl.Series("to_person", predicted.max(axis=1) < model.about.abstain_below))
    shares = [pl.Series(f"p_{name}", predicted[:, index]) for index, name in enumerate(classes)]
    return pl.DataFrame([*kept, *decided, *shares])


def _read_rows(path: str, model: "Package", keep: Sequence[str]) -> "pl.DataFrame":
    from typing import cast

    from mlspec.engine.raw import opened, reading
    from mlspec.plugin import Column, ColumnType

    source, columns = opened(path)
    found = {column.name: column for column in columns}
    # The model knows the types of its columns better than a look at these rows does.
    read = {name: found[name] for name in keep if name in found}
    known = (*model.about.columns, *model.about.raw_columns())
    read |= {name: Column(name, cast(ColumnType, kind)) for name, kind in known if name in found}
    with reading(path):
        return source.scan(Path(), tuple(read.values())).collect()


def write_table(frame: "pl.DataFrame", path: str | os.PathLike[str]) -> None:
    """Write a table as its file's ending says: .csv, .parquet or .jsonl. Raises SpecError for another ending."""
    file = Path(path)
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": frame.write_csv,
        ".parquet": frame.write_parquet,
        ".jsonl": frame.write_ndjson,
    }
    if file.suffix not in writers:
        message = f"'{path}' does not end in {', '.join(writers)}"
        raise SpecError([Diagnostic(code="format-unclear", message=message)])
    aside = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        writers[file.suffix](aside)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
