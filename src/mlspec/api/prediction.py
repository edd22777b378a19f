"""Predicts new rows with a selected model: from files, frames, and Python's own lists and dicts."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, overload

import msgspec
from msgspec import Struct

from mlspec.api import new_data, using
from mlspec.diagnostics import Diagnostic, MlspecError, SpecError, StepError
from mlspec.machine import python_paths

if TYPE_CHECKING:
    import polars as pl

    from mlspec.api.frames import Frame
    from mlspec.steps.serving.new_rows import Fault, Refused
    from mlspec.steps.serving.package import LoadedModel

T = TypeVar("T")
FrameT = TypeVar("FrameT", bound="Frame")
OnError = Literal["stop", "skip"]
SHOWN = 20  # cells that are listed
REFUSED = "row-refused"
PLAIN = frozenset({str, int, float, bool, type(None)})


class Predictions(Struct, Generic[T], frozen=True):
    """Predictions for the rows that could be predicted, in the form in which these were given; why the others could
    not, in their order; and notes on what is unusual about the rows."""

    rows: T
    refused: "tuple[Refused, ...]"
    notes: tuple[str, ...]


class FilePredictions(NamedTuple):
    """Predictions for a file: a table of them, and one of the refused rows, with reasons and their cells."""

    rows: "pl.DataFrame"
    refused: "pl.DataFrame"
    notes: tuple[str, ...]


@overload
def predict(
    model: "LoadedModel", data: str | os.PathLike[str], *, keep: Sequence[str] = (), on_error: Literal["stop"] = "stop"
) -> "pl.DataFrame": ...
@overload
def predict(
    model: "LoadedModel", data: Mapping[str, Any], *, keep: Sequence[str] = (), on_error: Literal["stop"] = "stop"
) -> dict[str, Any]: ...
@overload
def predict(
    model: "LoadedModel",
    data: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
    on_error: Literal["stop"] = "stop",
) -> list[dict[str, Any]]: ...
@overload
def predict(
    model: "LoadedModel", data: FrameT, *, keep: Sequence[str] = (), on_error: Literal["stop"] = "stop"
) -> FrameT: ...
@overload
def predict(
    model: "LoadedModel", data: str | os.PathLike[str], *, keep: Sequence[str] = (), on_error: Literal["skip"]
) -> "Predictions[pl.DataFrame]": ...
@overload
def predict(
    model: "LoadedModel", data: Mapping[str, Any], *, keep: Sequence[str] = (), on_error: Literal["skip"]
) -> Predictions[dict[str, Any]]: ...
@overload
def predict(
    model: "LoadedModel", data: Sequence[Mapping[str, Any]], *, keep: Sequence[str] = (), on_error: Literal["skip"]
) -> Predictions[list[dict[str, Any]]]: ...
@overload
def predict(
    model: "LoadedModel", data: FrameT, *, keep: Sequence[str] = (), on_error: Literal["skip"]
) -> Predictions[FrameT]: ...
@python_paths.only_own()
def predict(model: "LoadedModel", data: Any, *, keep: Sequence[str] = (), on_error: OnError = "stop") -> Any:
    """Predictions for new rows, in their order and in the form of ``data``.

    ``data``: a file (gives a polars frame); a frame of pandas (its index is kept), polars, pyarrow or another library
    that narwhals knows; a dict of columns; a dict of one row; or a list of dicts.

    For classes: ``prediction``, the predicted class (by the model's threshold if it has one, else the most probable
    class), of the type that the target has, ``to_person``, whether a person should decide (if the model has an
    abstention threshold), and ``p_CLASS``, the probability of each. For numbers: ``prediction``.
    ``keep``: columns of the data to carry along. ``on_error``: with ``"skip"``, rows that can't be predicted are left
    out, and a ``Predictions`` also lists these. Raises SpecError for columns that are missing, for rows that do not
    fit (with ``"stop"``, all that are found), where the file can't be read, or the model turns out to be damaged.
    """
    if isinstance(data, str | os.PathLike):
        found = _answered(model, new_data.from_file(os.fspath(data), model, keep, new_data.NO_SETTINGS), keep, on_error)
        made: Any = found.beside_kept()
    else:
        from mlspec.api import frames

        if isinstance(data, list | tuple) and not data:
            return [] if on_error == "stop" else Predictions[Any]([], (), ())
        few = _few(model, data, keep, with_notes=on_error == "skip")
        if few is not None:
            made, notes = few
            return made if on_error == "stop" else Predictions(made, (), notes)
        given = frames.given(data)
        found = _answered(model, new_data.from_frame(given, model, keep), keep, on_error)
        made = given.back(found.columns, keep, found.refused_rows)
    return made if on_error == "stop" else Predictions(made, tuple(found.refused), found.notes)


@python_paths.only_own()
def predict_file(
    model: "LoadedModel",
    path: str,
    *,
    keep: Sequence[str] = (),
    on_error: OnError = "stop",
    settings: Mapping[str, Any] = new_data.NO_SETTINGS,
) -> FilePredictions:
    """Predictions for the rows of a file, which is read with the ``settings`` of a source of its format, and a table of
    those that were refused: of each its line, its first wrong column with the value, the reason, and its cells but
    for those of personal columns. Raises SpecError as ``predict`` does."""
    table = new_data.from_file(path, model, keep, settings)
    found = _answered(model, table, keep, on_error)
    return FilePredictions(found.beside_kept(), _refused_table(found, table, model, keep), found.notes)


class _Found(NamedTuple):
    """The columns of predictions, which rows they lack, why, and notes."""

    columns: "list[pl.Series]"
    refused_rows: "pl.Series | None"
    refused: "list[Refused]"
    notes: tuple[str, ...]
    kept: "pl.DataFrame"

    def beside_kept(self) -> "pl.DataFrame":
        import polars as pl

        refused = self.refused_rows
        return pl.DataFrame([*(one if refused is None else one.filter(~refused) for one in self.kept), *self.columns])


def _answered(model: "LoadedModel", table: new_data.Table, keep: Sequence[str], on_error: OnError) -> _Found:
    import polars as pl

    from mlspec.steps.serving import new_rows

    # Only where nothing that the model reads is there, the other columns are looked at.
    faults = [*table.faults, *(new_rows.empty(table.raw()) if new_rows.empty(table.rows) else ())]
    while True:
        wrong = new_rows.mask(faults)
        if wrong is not None and on_error == "stop":
            raise SpecError(_diagnostics(faults, table, model))
        rows = table.rows if wrong is None else table.rows.filter(~wrong)
        try:
            columns, notes = _predicted(model, rows)
        except (SpecError, StepError) as error:
            more = new_rows.unanswerable(rows, lambda some: _answers(model, some)) if _is_failure(error) else []
            if not more:
                raise
            # The rows that were refused before are not among those that were tried.
            place = pl.Series(range(table.rows.height)) if wrong is None else (~wrong).arg_true()
            here = pl.Series(range(table.rows.height))
            faults += [fault._replace(wrong=here.is_in(place.filter(fault.wrong).to_list())) for fault in more]
            continue
        taken = {one.name for one in columns} & {*keep}
        if taken:
            message = f"the column '{min(taken)}' can't be kept: a column of the predictions has this name"
            raise SpecError([Diagnostic(code="unknown-column", message=message, notes=("rename it in the data",))])
        return _Found(columns, wrong, _listed(faults, table, model), (*table.notes, *notes), table.kept)


def _answers(model: "LoadedModel", rows: "pl.DataFrame") -> bool:
    try:
        _predicted(model, rows)
    except (SpecError, StepError) as error:
        if _is_failure(error):
            return False
        raise
    return True


def _is_failure(error: SpecError | StepError) -> bool:
    """Whether a model does not answer these rows, but may answer others."""
    return isinstance(error, StepError) or any(one.code == "prediction-failed" for one in error.diagnostics)


def _predicted(model: "LoadedModel", given: "pl.DataFrame") -> "tuple[list[pl.Series], tuple[str, ...]]":
    """The columns of predictions for rows that fit, and what is unusual about these."""
    import polars as pl

    from mlspec.steps.serving import answers, new_rows, package
    from mlspec.steps.serving.package_format import PackageError

    try:
        rows = model.treat(given)
        predicted = model.predict(rows)
        notes = new_rows.unusual(rows, model.seen(), model.about)
        codes = None if model.about.classes is None else model.decide(predicted, rows)
    except PackageError as error:
        raise using.refused(error) from None
    except (MlspecError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # its library's, its own code's, or a panic of the data engine
        text = " ".join(f"the model can't answer: {type(error).__name__}: {error}".split())[:1000]
        raise SpecError([Diagnostic(code="prediction-failed", message=text)]) from error
    classes = model.about.classes
    if classes is None or codes is None:
        return [pl.Series("prediction", predicted)], notes
    labels = pl.Series(answers.labels(model.about))
    if len(codes) > package.FEW:
        columns = [labels.gather(codes).alias("prediction")]
    else:
        values = labels.to_list()
        columns = [pl.Series("prediction", [values[code] for code in codes], dtype=labels.dtype)]
    if model.about.abstain_below is not None:
        columns.append(pl.Series("to_person", predicted.max(axis=1) < model.about.abstain_below))
    return [*columns, *(pl.Series(f"p_{name}", predicted[:, index]) for index, name in enumerate(classes))], notes


def _few(
    model: "LoadedModel", data: Any, keep: Sequence[str], *, with_notes: bool
) -> "tuple[Any, tuple[str, ...]] | None":
    """The answers to a row, or to few, of Python's own values, in the form of ``data``; None where they take the data
    engine, or are none."""
    from mlspec.steps.serving import answers, new_rows, package
    from mlspec.steps.serving.package_format import PackageError

    is_one = isinstance(data, Mapping)
    rows: Any = [data] if is_one else data
    if not isinstance(rows, list | tuple) or len(rows) > package.FEW or not all(type(row) is dict for row in rows):
        return None
    if is_one and not all(type(cell) in PLAIN for cell in data.values()):
        return None
    try:
        predicted = model.predict_few(rows)
        if predicted is None:
            return None
        found = answers.by_name(model, predicted)
        if any(name in found for name in keep):
            return None
        cells = zip(*([row[name] for row in rows] for name in keep), *found.values(), strict=True)
        made = [dict(zip((*keep, *found), row, strict=True)) for row in cells]
    except PackageError as error:
        raise using.refused(error) from None
    except KeyError:
        return None
    notes = new_rows.unusual_cells(rows, model.seen(), model.about) if with_notes else ()
    return made[0] if is_one else made, notes


def _listed(
    faults: "list[Fault]", table: new_data.Table, model: "LoadedModel", most: int | None = None
) -> "list[Refused]":
    """What does not fit, with the line that it is on."""
    from mlspec.steps.serving import new_rows

    if not faults:
        return []
    raw = table.raw()
    found = new_rows.refused(faults, raw, model.about, most)
    cells: dict[int, dict[str, str]] = {}
    for one in found:
        here = cells.setdefault(one.row, {})
        if one.column and isinstance(text := raw[one.column][one.row], str):
            here[one.column] = text
    at = table.places(cells)
    return [
        msgspec.structs.replace(one, file=at[one.row][0], line=at[one.row][1])
        if one.row in at
        else msgspec.structs.replace(one, file=table.name)
        for one in found
    ]


def _diagnostics(faults: "list[Fault]", table: new_data.Table, model: "LoadedModel") -> list[Diagnostic]:
    """The first cells that do not fit, and how many rows have such cells."""
    from mlspec.steps.serving import new_rows

    wrong = new_rows.mask(faults)
    cells = sum(int(fault.wrong.sum()) for fault in faults)
    listed = _listed(faults, table, model, SHOWN)
    rows = 0 if wrong is None else int(wrong.sum())
    total = f"{rows:,} of {table.rows.height:,} rows can't be predicted"
    more = f"{total}, with {cells:,} such cells" if cells > len(listed) else total
    found = [Diagnostic(code=REFUSED, message=str(one)) for one in listed]
    return [*found[:-1], msgspec.structs.replace(found[-1], notes=(more,))]


def _refused_table(found: _Found, table: new_data.Table, model: "LoadedModel", keep: Sequence[str]) -> "pl.DataFrame":
    """A row for each refused one."""
    import polars as pl

    from mlspec.steps.serving import new_rows

    first: dict[int, Refused] = {}
    reasons: dict[int, list[str]] = {}
    for one in found.refused:
        first.setdefault(one.row, one)
        reasons.setdefault(one.row, []).append(f"'{one.column}' {one.reason}" if one.column else one.reason)
    people = new_rows.hidden(model.about) - set(keep)
    raw = table.raw()
    cells = raw[list(first)].select(name for name in raw.columns if name not in people)
    have_lines = bool(first) and all(one.line is not None for one in first.values())
    said = {
        "file": pl.Series([one.file for one in first.values()], dtype=pl.String),
        "line": pl.Series([one.line if have_lines else one.row + 1 for one in first.values()], dtype=pl.Int64),
        "column": pl.Series([one.column or None for one in first.values()], dtype=pl.String),
        "value": pl.Series([one.value for one in first.values()], dtype=pl.String),
        "reason": pl.Series(["; ".join(reasons[row]) for row in first], dtype=pl.String),
    }
    if said["file"].n_unique() < 2:
        del said["file"]
    named = {name: "row" if name == "line" and first and not have_lines else name for name in said}
    own = [
        column.alias(f"refused_{named[name]}" if named[name] in cells.columns else named[name])
        for name, column in said.items()
    ]
    return pl.DataFrame([*own, *cells])
