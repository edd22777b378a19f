"""The exported model, loaded: preparation and model in one folder, raw rows in, predictions out."""

import functools
import math
import shutil
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files
from mlspec.plugins.model import Model, Predictor
from mlspec.steps.data import anonymize, parquet, preparation
from mlspec.steps.data.derived_columns import derived
from mlspec.steps.data.preparation_state import checked
from mlspec.steps.evaluation import decisions
from mlspec.steps.serving.package_format import MODEL, STATE, About, PackageError, place, read_about, verify
from mlspec.steps.serving.rows import NoRowForm, RowPath
from mlspec.steps.training import personalization
from mlspec.steps.trust.mitigation import groups, thresholds

Array = np.ndarray[Any, Any]

LARGEST_STATE = 1 << 30  # bytes
FEW = 100  # rows for which Python is quicker than the data engine
FITTED = frozenset({"fold_means", "fold_priors"})
OF_TRAINING = ("group", "reweigh")  # of a preparation's state: what mitigation needs of training rows


class Seen(NamedTuple):
    """What a column of training rows had: its categories, None where not all are known, and whether it is known that
    no cell was missing."""

    levels: frozenset[str] | None
    complete: bool


class LoadedModel(metaclass=ABCMeta):
    """A model that is ready to predict; ``about`` says what it is."""

    def __init__(self, about: About) -> None:
        self.about = about

    @abstractmethod
    def predict(self, frame: "pl.DataFrame") -> "Array":
        """Class probabilities (n, classes), in the order of ``about.classes``, or values (n,), of raw rows.

        Columns the model doesn't know are left alone. Raises StepError that names columns which are missing or hold
        something of another type.
        """

    @abstractmethod
    def predict_few(self, rows: Sequence[Mapping[str, Any]]) -> "Array | None":
        """``predict`` of a few rows of Python's own values, in less time, and equal to the last bit; None where this
        model, or these rows, need the data engine."""

    @abstractmethod
    def treat(self, frame: "pl.DataFrame") -> "pl.DataFrame":
        """Rows as they come, with personal columns treated as those were that the model was made of.

        Raises StepError where a column is missing or holds something of another type, or a key is not the same.
        """

    @abstractmethod
    def truth(self, frame: "pl.DataFrame") -> "Array":
        """The target of raw rows as class codes or values (n,)."""

    @abstractmethod
    def seen(self) -> dict[str, Seen]:
        """What the columns of training rows had, as far as the preparation has kept it."""

    def decide(self, predicted: "Array", rows: "pl.DataFrame | None" = None) -> "Array":
        """The code of the class decided for (n,), from what ``predict`` gave for classes.

        ``rows``: those that were predicted, needed where groups have thresholds of their own. Raises StepError where
        they lack the columns that say a row's group.
        """
        return decisions.codes(predicted, self.limit(rows))

    def limit(self, rows: "pl.DataFrame | None") -> "float | Array | None":
        """The threshold of the decision, or one for each row (n,) if groups have their own; None: the most probable
        class.

        Raises StepError as ``decide`` does.
        """
        own, common = self.about.groups, self.about.threshold
        if own is None or common is None:
            return common
        if rows is None:
            raise StepError("groups are decided by thresholds of their own: decide needs the rows")
        names = [name for name, _ in own.columns]
        marks = _read_as(rows, own.columns).select(groups.label(names)).to_series()
        return thresholds.per_row(marks.to_numpy(), own.thresholds, common)


class Part:
    """A preparation with the model behind it, and its share of the answer."""

    def __init__(self, state: dict[str, Any], predictor: Predictor, classes: int, weight: float) -> None:
        self.state, self.predictor, self.weight = state, predictor, weight
        self.classes = classes
        self._projections = preparation.projections(state)

    def answer(self, frame: "pl.DataFrame") -> "Array":
        """What the model says of raw rows, not yet corrected. Raises ValueError where that is of another shape."""
        for expressions in self._projections:
            frame = frame.select(expressions)
        shape = (frame.height, self.classes) if self.classes else (frame.height,)
        if not frame.height:
            return np.empty(shape)  # which some libraries refuse
        raw = self.predictor.predict(preparation.features(frame, self.state))
        if raw.shape != shape:
            raise ValueError(f"the model answers {raw.shape} for {frame.height} rows of {self.classes} classes")
        return preparation.answer(raw, self.state)


class Package(LoadedModel):
    """A model that was loaded into this process."""

    def __init__(self, about: About, parts: "Sequence[Part]", own: "Mapping[str, Part] | None" = None) -> None:
        super().__init__(about)
        self.state = parts[0].state
        self._parts = parts
        self._own = own or {}
        self._seen: dict[str, Seen] | None = None

    def predict(self, frame: "pl.DataFrame") -> "Array":
        """As every loaded model does."""
        checked = self.checked(frame)
        wanted = self.about.personal
        if wanted is None:
            return self._common(checked)
        groups = personalization.labels(checked[wanted.key], wanted.level)
        owned = groups.is_in(list(wanted.groups)).fill_null(False).to_numpy()
        if not owned.any():
            return self._common(checked)
        return self._routed(checked, groups, owned)

    def predict_few(self, rows: Sequence[Mapping[str, Any]]) -> "Array | None":
        """As every loaded model does."""
        return None if isinstance(self.row_path, str) else self.row_path.predict(rows)

    @functools.cached_property
    def row_path(self) -> RowPath | str:
        """What answers few rows without the data engine, or why there is nothing that does."""
        try:
            return RowPath(self.about, [(part.state, part.predictor, part.weight) for part in self._parts])
        except NoRowForm as error:
            return str(error)

    def predict_stored(self, path: Path) -> "tuple[Array, Array, Array | None]":
        """Predictions and truth of a stored table's raw rows, some of which are in memory at a time, and the decisions
        (n, classes), 1 for the class decided for, where groups have thresholds of their own."""
        frame = parquet.scan(path)
        found, decided = [], []
        for _at, piece in parquet.pieces(frame, self.together(frame.collect_schema())):
            rows = piece.collect()
            predicted = self.predict(rows)
            found.append((predicted, self.truth(rows)))
            if self.about.groups is not None:
                decided.append(np.eye(predicted.shape[1])[self.decide(predicted, rows)])
        prediction, truth = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return prediction, truth, np.concatenate(decided) if decided else None

    def together(self, schema: "pl.Schema") -> int:
        """How many raw rows to take at a time, so that neither they nor their features are many."""
        return min(parquet.batch(schema), *(parquet.rows_of(preparation.width(part.state)) for part in self._parts))

    def of_first_fold(self, folds: int) -> "Package":
        """A bag with the models of its first fold alone, where each candidate has ``folds`` of them."""
        first = self._parts[::folds]
        return Package(self.about, [Part(one.state, one.predictor, one.classes, one.weight * folds) for one in first])

    def _common(self, checked: "pl.DataFrame") -> "Array":
        """The one model's answers."""
        raw = self._parts[0].answer(checked)
        if len(self._parts) > 1:
            raw = raw * self._parts[0].weight
            for part in self._parts[1:]:
                raw = raw + part.weight * part.answer(checked)
        return decisions.calibrated(raw, self.about.calibration)

    def treat(self, frame: "pl.DataFrame") -> "pl.DataFrame":
        """As every loaded model does."""
        if not self.about.treatments:
            return frame
        anonymize.same_keys(self.about.keys or {})
        frame = _read_as(frame, tuple((name, kind) for name, kind, _ in self.about.treatments))
        return frame.with_columns(anonymize.treated(self.about.treatments, new=True))

    def _routed(self, checked: "pl.DataFrame", groups: "pl.Series", owned: "Array") -> "Array":
        """The predictions of the model of each row's group."""
        wanted = self.about.personal
        assert wanted is not None
        folders = groups.replace_strict(wanted.groups, default=None, return_dtype=pl.String)
        answers: Array | None = None
        places: list[tuple[Array, Callable[[pl.DataFrame], Array]]] = [(~owned, self._common)]
        for name in sorted(set(folders.drop_nulls())):
            mine = (folders == name).fill_null(False).to_numpy()
            places.append((mine, self._own[name].answer))
        for mine, answer in places:
            if mine.any():
                found = answer(checked.filter(pl.Series(mine)))
                if answers is None:
                    answers = np.empty((checked.height, *found.shape[1:]), dtype=np.float64)
                answers[mine] = found
        assert answers is not None
        return answers

    def truth(self, frame: "pl.DataFrame") -> "Array":
        """As every loaded model does."""
        return preparation.target(frame, self.state)

    def seen(self) -> dict[str, Seen]:
        """As every loaded model does."""
        if self._seen is None:
            columns = {one["name"]: one for part in self._parts for one in part.state["columns"] if "of" not in one}
            self._seen = {name: _seen(one) for name, one in columns.items()}
        return self._seen

    def checked(self, frame: "pl.DataFrame") -> "pl.DataFrame":
        """Rows with the columns that are read, as their types. Raises StepError as ``predict`` does."""
        made = [] if self.about.derived is None else self.about.derived["expressions"]
        if all(name in frame.schema for name, _text, _kind in made):
            made = []
        columns = self.about.reads() if made else self.about.columns
        frame = _read_as(frame, columns)
        numbers = [name for name, kind in columns if kind == "number" and _may_have_nan(frame[name])]
        frame = frame.with_columns(pl.col(numbers).fill_nan(None)) if numbers else frame
        return derived(frame, made)


def _may_have_nan(cells: "pl.Series") -> bool:
    """Whether a column may have NaN; few rows are looked at by Python, which is quicker there."""
    return len(cells) > FEW or any(cell is not None and math.isnan(cell) for cell in cells.to_list())


def _seen(column: Mapping[str, Any]) -> Seen:
    levels = preparation.levels(column)
    return Seen(None if levels is None else frozenset(levels), bool(column.get("complete")))


def _read_as(frame: "pl.DataFrame", columns: Sequence[tuple[str, str]]) -> "pl.DataFrame":
    """The rows with these columns in their types. Raises StepError where one is missing or can't be read so."""
    present = frame.schema
    missing = [name for name, _ in columns if name not in present]
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        raise StepError(f"the rows lack column{'s' if len(missing) > 1 else ''} {names} that the model uses")
    types = _types()
    for name, kind in columns:
        if present[name] == types[kind] or (kind == "integer" and present[name] == pl.UInt64):
            continue
        try:
            text = kind == "image" and present[name] == pl.String
            frame = frame.with_columns(pl.col(name).str.decode("base64") if text else pl.col(name).cast(types[kind]))
        except pl.exceptions.PolarsError as error:
            raise StepError(f"column '{name}' can't be read as {kind}: {str(error).partition(chr(10))[0]}") from None
    return frame


def load(folder: Path, device: str = "cpu") -> Package:
    """A package from its folder into this process, networks on ``device``; code that it brings along is run.

    Raises PackageError when it is none, is damaged, or can't be read.
    """
    about = read_about(folder)
    verify(folder, about)
    count = 0 if about.classes is None else len(about.classes)
    if about.members is None:
        parts = [part(folder, about.model, device, count)]
    else:
        parts = [
            part(place(folder, number), one.model, device, count, weight=one.weight)
            for number, one in enumerate(about.members)
        ]
    own = {}
    if about.personal is not None:
        for name in sorted(set(about.personal.groups.values())):
            own[name] = part(folder / personalization.FOLDER / name, about.personal.model, device, count, shared=folder)
    return Package(about, parts, own)


def part(
    folder: Path, used: Sequence[Any], device: str, classes: int, *, weight: float = 1.0, shared: Path | None = None
) -> Part:
    """A model (name, settings) for ``classes`` (0: numbers) with its preparation from a folder; the preparation from
    ``shared`` where there is none.

    Raises PackageError that names what can't be read.
    """
    own = shared is None or (folder / STATE).is_file()
    file = (folder if own or shared is None else shared) / STATE
    try:
        state = checked(json_values.decode(safe_files.read(file, LARGEST_STATE)), classes)
    except (OSError, ValueError, LookupError) as error:
        raise PackageError(f"the preparation in '{file}' can't be read: {error}", file) from None
    name, settings = used
    file = folder / MODEL
    try:
        model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
        predictor = model.load(file, device if model.uses_device else "cpu")
        if predictor.classes not in (None, classes):
            raise ValueError(f"it answers for {predictor.classes} classes, the package for {classes}")
    except StepError as error:
        raise PackageError(str(error), file) from error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a damaged file: each library has its own errors for that, and Rust its panics
        raise PackageError(f"the model in '{folder}' can't be read: {type(error).__name__}: {error}", file) from error
    return Part(state, predictor, classes, weight)


def without_fitted(state: dict[str, Any]) -> dict[str, Any]:
    """A preparation's state less what only training rows are prepared with: a package never sees them."""
    for column in state["columns"]:
        for _, _, states in column["stages"]:
            for own in states:
                for key in FITTED & (own or {}).keys():
                    del own[key]
    return {key: value for key, value in state.items() if key not in OF_TRAINING}


def copy(source: Path, folder: Path) -> None:
    """Contents alone: what the store does to keep its files from being changed is not part of a package."""
    for file in sorted(source.rglob("*")):
        if file.is_file():
            target = folder / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def _types() -> "dict[str, Any]":
    return {
        "integer": pl.Int64(),
        "number": pl.Float64(),
        "boolean": pl.Boolean(),
        "category": pl.String(),
        "date": pl.Date(),
        "datetime": pl.Datetime("us"),
        "image": pl.Binary(),
    }
