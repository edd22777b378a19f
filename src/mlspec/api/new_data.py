"""New rows from a file or a frame, with the columns that a model needs in the types that it knows."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from mlspec.diagnostics import Diagnostic, SpecError, StepError

if TYPE_CHECKING:
    import polars as pl

    from mlspec.api.frames import Given
    from mlspec.plugins.base import Schema
    from mlspec.plugins.source import Source
    from mlspec.steps.serving.new_rows import Fault
    from mlspec.steps.serving.package import LoadedModel

    Places = Callable[[Mapping[int, Mapping[str, str]]], dict[int, tuple[str, int]]]

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})
OF_TEXT = ("csv", "jsonl", "json")  # formats whose cells are as they were typed


class Table(NamedTuple):
    """New rows: the model's columns in their types, null where a cell does not fit; columns to be kept; what does not
    fit; the rows as they came; the file and line of rows by their numbers; the name of the data; and how it is
    read, where that was found out."""

    rows: "pl.DataFrame"
    kept: "pl.DataFrame"
    faults: "list[Fault]"
    raw: "Callable[[], pl.DataFrame]"
    places: "Places"
    name: str
    notes: tuple[str, ...] = ()


def from_file(path: str, model: "LoadedModel", keep: Sequence[str], settings: Mapping[str, Any]) -> Table:
    """The rows of a file, read as the types that the model knows; where that fails as they came, to find all that does
    not fit. Raises SpecError where the file can't be read, or lacks a column."""
    import polars as pl

    from mlspec.sources import _columnar, _lines
    from mlspec.spec.units import source_at
    from mlspec.steps.data.raw_rows import opened
    from mlspec.steps.serving import new_rows

    is_csv, is_text = source_at(path) == "csv", source_at(path) in OF_TEXT
    forms = _forms(model)
    trained = model.about.reading if is_csv else None
    source, columns, notes = opened(path, settings if trained is None else _with(settings, trained.missing))
    if trained is not None:
        source = msgspec.structs.replace(source, dates=_fitting(source, trained.dates))
    types: dict[str, str] = {column.name: column.type for column in columns}
    known(keep, list(types), f"'{path}'")
    wanted = needed(model, list(types), f"'{path}'")
    read_as = wanted if is_csv else {name: types[name] for name in wanted}
    # A date keeps its form, and an identifier its digits.
    kept_as = {
        name: "category" if is_csv or (is_text and types[name] in ("date", "datetime")) else types[name]
        for name in keep
    }
    apart = {name: kind for name, kind in kept_as.items() if read_as.get(name, kind) != kind}
    parsed = None
    try:
        together = _schema({**kept_as, **read_as})
        quick = source.quick(Path(), together)
        frame = (source.scan(Path(), together) if quick is None else quick).collect()
        texts = source.scan(Path(), _schema(apart)).collect() if apart else frame
        kept = pl.DataFrame([(texts if name in apart else frame)[name] for name in kept_as])
    except (ValueError, *_columnar.errors()) as error:  # type: ignore[misc]
        if getattr(error, "errno", None) is not None:
            raise
        frame = _as_it_came(path, source, types, is_text)
        kept = frame.select(list(kept_as))
        parsed = _parsed(path, source, wanted, frame.height)
    rows, faults = new_rows.fitted(frame, wanted, parsed=parsed, seen=model.seen, dates=forms)
    if is_csv:
        kept = kept.select(_typed(kept[name], types[name]) for name in kept_as)
    return Table(
        rows,
        kept,
        faults,
        lambda: _as_it_came(path, source, types, is_text),
        lambda cells: _lines.places(source, Path(), cells),
        path,
        (*notes, *filter(None, [source.blanks(Path())])),
    )


def from_frame(given: "Given", model: "LoadedModel", keep: Sequence[str]) -> Table:
    """The rows of a frame. Raises SpecError where it lacks a column."""
    import polars as pl

    from mlspec.steps.serving import new_rows

    known(keep, given.names, "the data")
    wanted = needed(model, given.names, "the data")
    frame, odd = given.read(wanted)
    rows, faults = new_rows.fitted(frame, wanted, seen=model.seen, dates=_forms(model))
    return Table(rows, pl.DataFrame(), [*odd, *faults], lambda: given.read(given.names)[0], lambda _cells: {}, "")


def known(keep: Sequence[str], names: Sequence[str], what: str) -> None:
    """Raises SpecError for columns that are to be kept and aren't there."""
    from mlspec.spec import suggest

    lacking = [name for name in dict.fromkeys(keep) if name not in names]
    if lacking:
        raise SpecError(
            Diagnostic(
                code="unknown-column",
                message=f"{what} has no column '{name}'",
                notes=(suggest.label(name, names).text,),
            )
            for name in lacking
        )


def needed(model: "LoadedModel", names: Sequence[str], what: str) -> dict[str, str]:
    """The columns that the model needs, with their types. Raises SpecError for those that are missing."""
    from mlspec.spec import suggest
    from mlspec.steps.serving import new_rows

    found = new_rows.wanted(model.about, names)
    others = [name for name in names if name not in found]
    lacking = {name: suggest.nearest(name, others) for name in found if name not in names}
    if lacking:
        raise SpecError(
            Diagnostic(
                code="missing-column",
                message=f"{what} has no column '{name}', which the model needs: {new_rows.EXPECTED[found[name]]}",
                notes=() if guess is None else (f"did you mean '{guess}'? rename it to '{name}'",),
            )
            for name, guess in lacking.items()
        )
    return found


def _forms(model: "LoadedModel") -> Mapping[str, str]:
    """The formats of dates in training."""
    return {} if model.about.reading is None else model.about.reading.dates


def _with(settings: Mapping[str, Any], missing: Sequence[str]) -> dict[str, Any]:
    """The settings, with the cells that were missing values in training."""
    words = (*settings.get("missing", ()), *missing)
    return {**settings, "missing": words} if words else dict(settings)


def _fitting(source: "Source", dates: Mapping[str, str]) -> dict[str, str]:
    """The formats of dates in training that the first cells of these columns have too."""
    from datetime import datetime

    found = {}
    for name, form in dates.items():
        cells = source.values(Path(), name)
        with contextlib.suppress(ValueError):
            for cell in cells[0] if cells is not None else ():
                datetime.strptime(cell, form)
            found[name] = form
    return found


def _schema(kinds: Mapping[str, str]) -> "Schema":
    from mlspec.plugins.base import Column, ColumnType

    return tuple(Column(name, cast(ColumnType, kind)) for name, kind in kinds.items())


def _as_it_came(path: str, source: "Source", types: Mapping[str, str], is_text: bool) -> "pl.DataFrame":
    """All columns, as text where their format has text, else in their own types if these hold."""
    from mlspec.sources import _columnar
    from mlspec.steps.data.raw_rows import reading

    texts = {name: kind if kind in ("image", "array") else "category" for name, kind in types.items()}
    if not is_text:
        with contextlib.suppress(*_columnar.errors(), ValueError):
            return source.scan(Path(), _schema(types)).collect()
    with reading(path, Path(), source):
        try:
            return source.scan(Path(), _schema(texts)).collect()
        except StepError as error:
            raise ValueError(str(error)) from None


def _parsed(path: str, source: "Source", wanted: Mapping[str, str], height: int) -> "dict[str, pl.Series] | None":
    """The columns as the source reads them, null where it can't; None where it has no way of its own."""
    from mlspec.steps.data.raw_rows import reading

    with reading(path, Path(), source):
        frame = source.lenient(Path(), _schema(wanted))
        found = None if frame is None else frame.collect()
    return None if found is None or found.height != height else {one.name: one for one in found}


def _typed(texts: "pl.Series", kind: str) -> "pl.Series":
    """A column of texts in its type, where that writes each as it was."""
    import polars as pl

    types: dict[str, list[Any]] = {"integer": [pl.Int64, pl.UInt64], "number": [pl.Float64], "date": [pl.Date]}
    for type_ in types.get(kind, ()):
        made = texts.cast(type_, strict=False)
        if made.cast(pl.String).equals(texts, null_equal=True):
            return made
    if kind == "boolean" and texts.drop_nulls().is_in(["true", "false"]).all():
        return (texts == "true").alias(texts.name)
    return texts
