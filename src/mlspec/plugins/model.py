"""What a model is, what it is fitted with and what it predicts from."""

import math
import time
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

import msgspec
from msgspec import Meta

from mlspec.plugins.base import Plugin, Schema, Task

if TYPE_CHECKING:
    import mmap

    import numpy as np

    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph


class Features(msgspec.Struct, frozen=True):
    """Prepared rows: ``numeric`` (n, d) float32, and ``codes`` (n, c) int32 with ``levels`` per code column.

    ``arrays``: the numeric columns that are one thing together, such as a picture: the first one, and the shape.

    Those of a large table are in files that are mapped into memory (``mapped``). Who reads such rows a piece at a time
    calls ``forget`` after each, which gives back the memory of what was read; a copy would take it all.

    ``shares``: where processes train together and each has only its share of the rows (for models that ``shares_rows``
    is true of), at which rows of the table the shares begin, and how many rows there are; targets are of all rows.
    ``first``: the number of the first row that is here.
    """

    numeric: "np.ndarray[Any, Any]"
    codes: "np.ndarray[Any, Any]"
    numeric_names: tuple[str, ...]
    code_names: tuple[str, ...]
    levels: tuple[int, ...]
    arrays: tuple[tuple[int, tuple[int, ...]], ...] = ()
    mapped: "tuple[mmap.mmap, ...]" = ()
    shares: tuple[int, ...] = ()
    first: int = 0

    @property
    def count(self) -> int:
        """How many rows all processes have."""
        return self.shares[-1] if self.shares else len(self.codes)

    @property
    def here(self) -> slice:
        """Which of them are here."""
        return slice(self.first, self.first + len(self.codes))

    @property
    def is_mapped(self) -> bool:
        """Whether the rows are in files."""
        return bool(self.mapped)

    def forget(self) -> None:
        """Give back the memory of rows in files: they are read from there again."""
        import mmap

        for one in self.mapped:
            one.madvise(mmap.MADV_DONTNEED)


class Training(msgspec.Struct, frozen=True):
    """What a model is fitted with. ``target`` holds class codes (int64) or values (float64); ``classes`` is 0 for
    regression. ``validation`` may be used to stop early, never the test split. ``until``: pause after that epoch,
    keeping a checkpoint to go on from (for models that are ``pausable``). ``weights``: how much each training row
    counts, None where all count the same; ``validation_weights``: the same of the rows that training stops by.
    ``precision``, ``compile`` and ``accumulate`` (take a batch that does not fit in parts) are what the backend says of
    networks. ``start``: the folder of a fitted model to go on from (for models that ``continues`` is true of).
    ``seconds``: wall time that the fit may take, all attempts of a resumed one together; the model then gives the best
    that it has, and its history says ``stopped: "time"`` where it had not finished. None: no limit."""

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
    seconds: float | None = None

    def countdown(self, began: float) -> Callable[[], float]:
        """What says how many of ``seconds`` are left; infinite where there is no limit.

        ``began``: when the fit began, by ``time.monotonic``. What has passed since then takes half of the time at most:
        on a busy machine, importing a library should not leave a model without any.
        """
        now = time.monotonic()
        seconds = math.inf if self.seconds is None else max(self.seconds - (now - began), self.seconds / 2)
        return lambda: now + seconds - time.monotonic()


class BatchMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What a step of training takes at least: ``size`` in bytes, of ``rows`` in the batch, ``counted`` in words, and
    what to do where that is too much."""

    size: int
    rows: int
    counted: str
    instead: str


class UntrainedNetwork(Protocol):
    """A network with its rows, its loss and its settings, as training would begin: ``torchkit.loop.Trainable``."""


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

    ``holds``: the bytes that fitting holds for each number of the training rows, at least; 0: rows are taken piece by
    piece, so that their number costs no memory.

    ``continues``: ``fit`` can go on from a model that was fitted on other rows, ``Training.start``.

    ``shares_rows``: where processes train it together, each can do with its share of the rows of a large table.

    ``needs``: a type of column without which it has nothing to do.

    ``complexity`` orders models for the one-standard-error rule, which takes the least complex of equals: 1 one linear
    formula, 2 trees, 3 networks and what nothing is known of. ``worth``: its share of the time of all
    candidates, beside theirs. ``may_be_network``: ``network`` may give one.

    ``brings_code``: ``load`` runs code that was saved with the model, so that who loads it must trust its folder.
    """

    rows: Annotated[
        Annotated[int, Meta(ge=100)] | None,
        Meta(
            description="Fit on at most so many of the training rows, drawn by lot, of each class the same share; all "
            "if left out. For tables that do not fit into memory; the report says so."
        ),
    ] = None

    tasks: ClassVar[frozenset[str]] = frozenset()
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {}
    takes_missing: ClassVar[bool] = False
    takes_codes: ClassVar[bool] = False
    uses_device: ClassVar[bool] = False
    pausable: ClassVar[bool] = False
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    complexity: ClassVar[int] = 3
    worth: ClassVar[float] = 2.0
    may_be_network: ClassVar[bool] = False
    brings_code: ClassVar[bool] = False
    continues: ClassVar[bool] = False
    shares_rows: ClassVar[bool] = False
    needs: ClassVar[str] = ""
    holds: ClassVar[float] = 4.0

    @abstractmethod
    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and write the model into ``folder`` (open formats, no pickle); returns the history, plain JSON."""

    @abstractmethod
    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted model from its folder."""

    def rounds_found(self, history: Mapping[str, Any]) -> "Model | None":
        """The same settings with the number of rounds (trees, epochs) that the history of an earlier fit found, for a
        fit without validation rows; None where the model is not to be fitted again that way."""
        return None

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The fitted model from its folder as nodes of an ONNX graph: the tensor of its probabilities (rows, classes)
        or values (rows,), double. Raises NoOnnxForm where this one has no such form; a plug-in without this method has
        none at all."""
        raise NotImplementedError

    def secret(self) -> str:
        """The environment variable that it reads a key from; empty where it needs none."""
        return ""

    def network(self, training: Training) -> "UntrainedNetwork | None":
        """The untrained network with its rows, loss and settings, as ``fit`` would train it; None where it is none."""
        return None

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """A lower bound of the saved model's size that needs no training; None where there is none."""
        return None

    def batch_memory(self, columns: Schema, rows: int) -> BatchMemory | None:
        """The main memory that a step of training on a CPU surely takes, where there are so many training rows; None
        where nothing is worth a bound. ``columns`` are prepared ones."""
        return None
