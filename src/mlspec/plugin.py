"""What a source, a preparation step, a model and a metric are: small abstract classes.

A plug-in is one file in the package of its kind (``sources/``, ``steps/``, ``models/``, ``metrics/``) or a class that
another distribution offers. The class is frozen and typed: its fields are its YAML keys and their schema, its docstring
is its reference page (what it does; ``Why:``; ``Example:``), its methods are its behaviour. The file's name is the name
used in a spec. Heavy libraries are imported inside the methods that work, never at the top.
"""

import mmap
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlspec.torchkit.loop import Trainable

ColumnType = Literal["integer", "number", "boolean", "category", "date", "datetime", "image", "code", "array"]
Role = Literal["feature", "target", "sensitive", "id", "key", "weight", "unused"]
Task = Literal["binary_classification", "multiclass_classification", "regression"]


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its name, its type and what it is for.

    ``image`` is the type of a picture as its file has it (PNG, JPEG, ...). ``code`` is the type of an encoded category:
    integers from 0 to ``levels`` - 1, where 0 is unknown or missing; ``array`` that of numbers which are one thing, of
    ``shape`` (of pictures height, width, channels), with ``names`` where each has one, flat in one cell.
    ``width`` is how many columns stand behind this one (one-hot), None where only fitting can tell.
    """

    name: str
    type: ColumnType
    role: Role = "feature"
    levels: int | None = None
    width: int | None = 1
    shape: tuple[int, ...] | None = None
    names: tuple[str, ...] = ()


Schema = tuple[Column, ...]
FOLD, FOLDS = "__fold__", 5  # the column of a training row's fold, and how many there are
OUTCOME = "__outcome_{}__"  # the columns of what a supervised step may measure: a value, or 1 for a row of the class
State = dict[str, Any]
Part = Literal["train", "validation", "test"]


class _PluginMeta(msgspec.StructMeta, ABCMeta):
    """Structs with abstract methods."""


class Plugin(msgspec.Struct, metaclass=_PluginMeta, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The common ground of all plug-ins.

    ``version`` changes when the behaviour does: it is part of the fingerprint of every step that uses the plug-in.
    ``libraries`` are the distributions whose version changes results (part of the fingerprint too).
    """

    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ()


class Use(msgspec.Struct, frozen=True):
    """A plug-in as a spec uses it: its name there, and the plug-in with its fields filled."""

    name: str
    plugin: Plugin


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What fetching a source gave: a file here, its format where that is not the source's own, all columns that the
    source has where the file holds fewer, when the content was last changed (seconds since 1970; None where the source
    doesn't say), and a mark by which the source tells later whether it has changed ("" where it can't). ``ordered``:
    the order of rows says something."""

    path: Path
    format: str = ""
    columns: Schema = ()
    changed: float | None = None
    mark: str = ""
    ordered: bool = True


class Source(Plugin, frozen=True, kw_only=True):
    """Where rows come from: a file beside the spec, or something that is fetched before a run.

    ``key`` is the key that tells this source where ``format`` is left out, ``suffixes`` the endings that tell it where
    that key is ``path``. ``besides``: columns that are no features unless the spec names them as such. A source that
    ``is_fetched`` is read once, before a run, into a snapshot beside the spec: it has ``fetch``; what stands in
    ``plugin.AVAILABILITY`` says how sure its rows must be to come, and changes no result.
    """

    key: ClassVar[str] = "path"
    suffixes: ClassVar[tuple[str, ...]] = ()
    besides: ClassVar[tuple[str, ...]] = ()

    part: Annotated[Part | None, Meta(description="The split these rows belong to, with `split: {by: given}`.")] = None
    on_change: Annotated[
        Literal["fail", "warn", "accept"],
        Meta(description="What to do when the content is not what mlspec.lock has pinned."),
    ] = "accept"
    fresh_within: Annotated[
        float | None,
        Meta(
            description="How old the content may be, by the source's own word (a file's time, a server's "
            "Last-Modified); looked at before a run.",
            extra={"unit": "duration"},
            examples=["1h", "30d"],
        ),
    ] = None
    minimum_rows: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Fewer rows than this are taken for a fault.")
    ] = None
    retries: Annotated[
        Annotated[int, Meta(ge=0, le=10)] | None,
        Meta(description="How often fetching is tried again, each time after a longer wait; twice if left out."),
    ] = None
    timeout: Annotated[
        float | None,
        Meta(
            description="How long one attempt to fetch may take; 10m if left out.",
            extra={"unit": "duration"},
            examples=["30s", "10m"],
        ),
    ] = None
    fallback: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="A file beside the spec that is read where the source can't be had."),
    ] = None

    @abstractmethod
    def where(self) -> str:
        """Where rows come from, for people and for digests: no secret stands in it."""

    @abstractmethod
    def columns(self, root: Path) -> Schema:
        """The columns and their types, from the header, the first rows or the footer; never the whole file.

        Raises OSError when the file cannot be read, ValueError when it is not of this format, and LookupError when only
        fetching can tell.
        """

    @abstractmethod
    def scan(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """All rows as a lazy frame with exactly these columns, cast to their types."""

    def quick(self, root: Path, columns: Schema) -> "pl.LazyFrame | None":
        """What ``scan`` gives, without a look at the values before: one that doesn't fit raises a PolarsError while the
        rows are read, and ``scan`` then tells which. None where there is no quicker way than ``scan``.
        """
        return None

    def values(self, root: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """A column's values in the first rows, missing ones left out, and whether these are all rows; None: unknown."""
        return None

    def mistake(self) -> str:
        """What is wrong with the settings taken together, and the way out; empty where nothing is."""
        return ""

    def starts(self) -> Mapping[str, str]:
        """The files and folders, from the spec's folder, that it begins to read at, by the key that names each. Where
        one may not be read, nothing else is asked of the source."""
        return {}

    def files(self, root: Path) -> dict[str, Path]:
        """The files beside the spec that it reads, by the names that they have there."""
        return {}

    def is_probed_apart(self, root: Path) -> bool:
        """Whether ``columns`` and ``values`` are asked in a child process with limits, because the library that reads
        its files can crash on a damaged one."""
        return False

    def stated(self) -> Mapping[str, str]:
        """The columns with their types where the spec states them all."""
        return {}

    @property
    def filters(self) -> bool:
        """Whether it can leave out rows while it fetches."""
        return False

    @property
    def is_fetched(self) -> bool:
        """Whether rows are fetched before a run rather than read from files beside the spec."""
        return False

    def fetch(self, root: Path, folder: Path, wanted: "Wanted", mark: str) -> Fetched | None:
        """Fetch the rows into a file in ``folder``; None where ``mark`` (of last time) tells that nothing has changed.

        Raises OSError where the source can't be had, and StepError where it says something else than asked.
        """
        raise TypeError(f"{type(self).__name__} is read where it lies")


class Condition(msgspec.Struct, frozen=True, array_like=True):
    """What must hold of a column: an operator of SQL, and the numbers behind it."""

    column: str
    operator: str
    values: tuple[str, ...] = ()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that a spec reads of a source: those in ``only`` (None for all) less those in ``drop``. Rows that
    ``where`` is not true of may be left out."""

    only: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()

    def of(self, names: Sequence[str]) -> list[str]:
        """Those of these columns that are wanted, in their order."""
        return [n for n in names if n not in self.drop and (self.only is None or n in self.only)]


AVAILABILITY = ("part", "on_change", "fresh_within", "minimum_rows", "retries", "timeout", "fallback")


class Step(Plugin, frozen=True, kw_only=True):
    """One preparation of a column, fitted on training rows only.

    ``shorthand`` is the field that a bare value fills: ``impute: median`` is ``impute: {strategy: median}``. A
    ``supervised`` step looks at the target: ``measures`` takes the place of ``statistics``, and ``apply_fitted`` makes
    the columns of the very rows that it was fitted on.
    """

    accepts: ClassVar[frozenset[str]] = frozenset()
    shorthand: ClassVar[str] = ""
    supervised: ClassVar[bool] = False

    def mistake(self, column: Column) -> str:
        """What is wrong with these settings for such a column, and the way out; empty where nothing is."""
        return ""

    @abstractmethod
    def output(self, column: Column) -> Schema:
        """The columns that take this one's place, known without fitting (``width`` None where it isn't)."""

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """Aggregates over the training rows that fitting needs, by name; each gives one value or one list."""
        return {}

    def measures(self, column: Column, outcomes: int) -> "Mapping[str, pl.Expr]":
        """The same for a supervised step, over the columns ``OUTCOME`` (one, or one a class) and ``FOLD`` as well."""
        return {}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """The fitted state, plain JSON, from what ``statistics`` gave."""
        return {}

    @abstractmethod
    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The columns that replace this one, each with the expression that makes it from ``pl.col(column.name)``."""

    def apply_fitted(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The same for the rows that a supervised step was fitted on, whose fold is in ``FOLD``."""
        return self.apply(column, state)


class Treatment(Plugin, frozen=True, kw_only=True):
    """What is done to a personal column as its source is read: nothing behind that step sees it as it was.

    Each cell is treated alone, and nothing is fitted. ``shorthand`` is the field that a bare value fills; ``accepts``
    the types that it can treat, all where it is empty.
    """

    accepts: ClassVar[frozenset[str]] = frozenset()
    shorthand: ClassVar[str] = ""

    def mistake(self, column: Column) -> str:
        """What is wrong with these settings for such a column, and the way out; empty where nothing is."""
        return ""

    def secret(self) -> str:
        """The environment variable that it reads a key from; empty where it needs none."""
        return ""

    @abstractmethod
    def output(self, column: Column) -> Column | None:
        """The column that takes this one's place; None where nothing does."""

    @abstractmethod
    def apply(self, column: Column) -> "pl.Expr":
        """The treated cells of the data, from ``pl.col(column.name)`` and under that name."""

    def apply_new(self, column: Column) -> "pl.Expr":
        """The treated cells of rows that are to be predicted."""
        return self.apply(column)


class Features(msgspec.Struct, frozen=True):
    """Prepared rows: ``numeric`` (n, d) float32, and ``codes`` (n, c) int32 with ``levels`` per code column.

    ``arrays``: the numeric columns that are one thing together, such as a picture: the first one, and the shape.

    Those of a large table lie in files that are mapped into memory (``mapped``). Who reads such rows a piece at a time
    calls ``forget`` after each, which gives back the memory of what was read; a copy would take it all.
    """

    numeric: "np.ndarray[Any, Any]"
    codes: "np.ndarray[Any, Any]"
    numeric_names: tuple[str, ...]
    code_names: tuple[str, ...]
    levels: tuple[int, ...]
    arrays: tuple[tuple[int, tuple[int, ...]], ...] = ()
    mapped: "tuple[mmap.mmap, ...]" = ()

    @property
    def is_mapped(self) -> bool:
        """Whether the rows lie in files."""
        return bool(self.mapped)

    def forget(self) -> None:
        """Give back the memory of rows that lie in files: whoever reads them again has them from there."""
        for one in self.mapped:
            one.madvise(mmap.MADV_DONTNEED)


class Training(msgspec.Struct, frozen=True):
    """What a model is fitted with. ``target`` holds class codes (int64) or values (float64); ``classes`` is 0 for
    regression. ``validation`` may be used to stop early, never the test split. ``until``: pause after that epoch,
    keeping a checkpoint to go on from (for models that are ``pausable``). ``weights``: how much each training row
    counts, None where all count the same; ``validation_weights``: the same of the rows that training stops by.
    ``precision``, ``compile`` and ``accumulate`` (take a batch that does not fit in parts) are what the backend says of
    networks. ``start``: the folder of a fitted model to go on from (for models that ``continues`` is true of)."""

    features: Features
    target: "np.ndarray[Any, Any]"
    validation: Features
    validation_target: "np.ndarray[Any, Any]"
    task: Task
    classes: int
    seed: int
    device: str
    threads: int
    checkpoints: Path
    progress: Callable[[str, float, dict[str, float]], None]
    until: int | None = None
    weights: "np.ndarray[Any, Any] | None" = None
    validation_weights: "np.ndarray[Any, Any] | None" = None
    precision: str = "fp32"
    compile: bool = False
    accumulate: bool = False
    start: Path | None = None


class BatchMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What a step of training takes at least: ``size`` in bytes, of ``rows`` in the batch, ``counted`` in words, and
    what to do where that is too much."""

    size: int
    rows: int
    counted: str
    instead: str


class Predictor(metaclass=ABCMeta):
    """A fitted model, read back from its folder. ``classes``: for how many it answers, 0 for values; None: unknown."""

    classes: int | None = None

    @abstractmethod
    def predict(self, features: Features) -> "np.ndarray[Any, Any]":
        """Class probabilities (n, classes) or values (n,), float64."""


class Model(Plugin, frozen=True, kw_only=True):
    """An estimator. ``preparation`` is what it wants where the spec's ``preprocessing`` says nothing, ``space`` what
    tuning searches where the spec doesn't say (as ``tuning.NAME.space`` is written). A ``pausable`` model has a field
    ``epochs`` and keeps to ``Training.until``; its history says ``epochs``, how many there were, and ``paused``.
    ``extra`` is what installs its libraries.

    ``holds``: the bytes that fitting holds for each number of the training rows, at least; 0: rows are taken piece by
    piece, so that their number costs no memory.

    ``continues``: ``fit`` can go on from a model that was fitted on other rows, ``Training.start``.

    ``needs``: a type of column without which it has nothing to do.

    ``complexity`` orders models for the one-standard-error rule, which takes the least complex of equals: 1 one linear
    formula, 2 trees, 3 networks and what nothing is known of. ``may_be_network``: ``network`` may give one.

    ``brings_code``: ``load`` runs code that was saved with the model, so that who loads it must trust its folder.
    """

    tasks: ClassVar[frozenset[str]] = frozenset()
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {}
    takes_missing: ClassVar[bool] = False
    takes_codes: ClassVar[bool] = False
    uses_device: ClassVar[bool] = False
    pausable: ClassVar[bool] = False
    extra: ClassVar[str] = "run"
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    complexity: ClassVar[int] = 3
    may_be_network: ClassVar[bool] = False
    brings_code: ClassVar[bool] = False
    continues: ClassVar[bool] = False
    needs: ClassVar[str] = ""
    holds: ClassVar[float] = 4.0

    @abstractmethod
    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and write the model into ``folder`` (open formats, no pickle); returns the history, plain JSON."""

    @abstractmethod
    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted model from its folder."""

    def secret(self) -> str:
        """The environment variable that it reads a key from; empty where it needs none."""
        return ""

    def network(self, training: Training) -> "Trainable | None":
        """The untrained network with its rows, loss and settings, as ``fit`` would train it; None where it is none."""
        return None

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """A lower bound of the saved model's size that needs no training; None where there is none."""
        return None

    def batch_memory(self, columns: Schema, rows: int) -> BatchMemory | None:
        """The main memory that a step of training on a CPU surely takes, where there are so many training rows; None
        where nothing is worth a bound. ``columns`` are prepared ones."""
        return None


class Metric(Plugin, frozen=True, kw_only=True):
    """A score of predictions. ``greater_is_better`` is its direction, ``bounds`` the values it can take.

    ``decides``: it judges decisions, not probabilities. Where a threshold is chosen, its predictions are the decisions:
    1 for the class decided for, 0 for the others.
    """

    tasks: ClassVar[frozenset[str]] = frozenset()
    greater_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (float("-inf"), float("inf"))
    decides: ClassVar[bool] = False

    @abstractmethod
    def score(self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]") -> float:
        """The score; ``truth`` is class codes or values (n,), ``prediction`` probabilities (n, classes) or values."""

    def resampled(
        self,
        truth: "np.ndarray[Any, Any]",
        prediction: "np.ndarray[Any, Any]",
        weights: "np.ndarray[Any, Any]",
    ) -> "np.ndarray[Any, Any] | None":
        """Scores under each row of ``weights`` (replicates, n) for the bootstrap; None to let ``score`` be repeated."""
        return None

    def interval(
        self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]", level: float
    ) -> tuple[float, float] | None:
        """An interval in closed form (a proportion's, say); None where the bootstrap is to be used."""
        return None


class BaselineRows(msgspec.Struct, frozen=True):
    """What a baseline looks at: the columns that it asks for of training and test rows, and the training rows' target.

    ``target`` holds class codes (int64) or values (float64); ``classes`` is 0 for regression.
    """

    train: "pl.DataFrame"
    test: "pl.DataFrame"
    target: "np.ndarray[Any, Any]"
    classes: int


class Baseline(Plugin, frozen=True, kw_only=True):
    """What a model must stand against. ``predicts``: it answers the test rows; else it is a figure that is stated."""

    tasks: ClassVar[frozenset[str]] = frozenset()
    predicts: ClassVar[bool] = True

    def columns(self) -> tuple[str, ...]:
        """The raw columns that it looks at, the target aside."""
        return ()

    def mistake(self) -> str:
        """What is wrong with the settings taken together, and the way out; empty where nothing is."""
        return ""

    def predict(self, rows: BaselineRows) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]":
        """Class probabilities (n, classes) or values (n,) of the test rows; and decisions (n, classes), 1 for the class
        decided for, where they are not the likeliest class."""
        raise TypeError(f"{type(self).__name__} predicts nothing")
