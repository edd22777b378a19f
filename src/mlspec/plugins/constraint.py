"""What a constraint is: what must hold, what is measured for it, and how that decides."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mlspec.diagnostics import Hint
from mlspec.plugins.base import Plugin
from mlspec.plugins.verdict import Verdict

SpecPath = tuple[str | int, ...]
Params = Mapping[str, Any]
Measured = Mapping[str, Any]
"""The JSON object that a step gave; empty where nothing was measured."""
Records = Mapping[str, Mapping[str, Any]]
"""What each step took, by its id: ``seconds`` and ``peak_memory`` in bytes."""


class Measurement(Struct, frozen=True, kw_only=True):
    """The JSON result that a gate reads: an ``output`` of a ``step``.

    With a ``kind`` the step is added for the constraint, with these ``params`` and ``inputs`` (name -> step, output);
    the kind ``measure`` calls the constraint's own ``measure`` and gives ``measured``. Without one it is there anyway,
    and params and inputs are added to its own. Of what several constraints ask of one step, lists and mappings are
    united.
    """

    step: str
    output: str
    kind: str = ""
    params: Params = {}
    inputs: Mapping[str, tuple[str, str]] = {}


METRICS = Measurement(step="evaluate", output="metrics")
"""What the final evaluation has measured on the test rows."""


class Check(Struct, frozen=True, kw_only=True):
    """One gate: its name behind the constraint's, its key below the constraint, what ``decide`` is given as ``params``,
    and what is measured for it. ``of``: the constraint that decides, where that is another one."""

    name: str = ""
    at: SpecPath = ()
    params: Params = {}
    reads: Measurement = METRICS
    of: str = ""


class Context(Struct, frozen=True, kw_only=True):
    """What a constraint knows of the rest of the spec. ``baselines``: the listed ones, each with the only metric that
    it was measured by, or ""; ``confidence``: ``evaluation.confidence``; ``abstains``: some predictions go to a person.
    """

    baselines: Mapping[str, str]
    confidence: Params
    abstains: bool


class Computing(Struct, frozen=True, kw_only=True):
    """What a graph computes on: how many GPUs, the steps that use one, and how many each of them takes."""

    gpus: int
    on_gpu: tuple[str, ...]
    shares: Mapping[str, int]


class Mistake(Struct, frozen=True, kw_only=True):
    """What is wrong with a constraint's settings, at a key below it, and what to do. ``key``: the key is shown, not its
    value."""

    message: str
    label: str | Hint
    at: SpecPath = ()
    key: bool = False
    code: str = "gate-out-of-bounds"


class Constraint(Plugin, frozen=True, kw_only=True):
    """Something that must hold. Its fields are its keys below ``constraints.NAME``.

    A field that is a bound says so in ``Meta.extra`` (``keys.AT_LEAST``, ``AT_MOST``, ``ALL_OF``, ``ASKED``); any other
    says what is measured. Class variables: ``many``: the key holds a list of them; ``rank``: where its gates are among
    all, the smallest first; ``tasks``: those that it fits, all where empty; ``is_key``: False where it is not stated
    below ``constraints`` but follows from another section.
    ``on_test_rows``: it judges predictions of test rows, which wear out; ``by_records``: it decides by what steps took;
    ``guards_people``: asking for less exposes people; ``is_ordered``: the order of the entries changes a fingerprint;
    ``is_compared``: `mlspec diff` shows its value where the verdict stays.
    """

    many: ClassVar[bool] = False
    rank: ClassVar[int] = 100
    tasks: ClassVar[frozenset[str]] = frozenset()
    is_key: ClassVar[bool] = True
    on_test_rows: ClassVar[bool] = False
    by_records: ClassVar[bool] = False
    guards_people: ClassVar[bool] = False
    is_ordered: ClassVar[bool] = False
    is_compared: ClassVar[bool] = False

    def label(self) -> str:
        """What distinguishes an entry of a list from the others."""
        return type(self).__name__.lower()

    def checks(self, context: Context) -> Iterator[Check]:
        """The gates that it becomes; one, with all its keys as params, where it doesn't say otherwise."""
        yield Check(params=msgspec.json.decode(msgspec.json.encode(self)))

    def columns(self) -> Mapping[SpecPath, tuple[str, ...]]:
        """The columns that are read for it, by the key that names them."""
        return {}

    def metrics(self) -> Mapping[SpecPath, str]:
        """The metrics that it needs, by the key that names each."""
        return {}

    def mistakes(self, context: Context) -> Iterator[Mistake]:
        """What is wrong with the settings taken together."""
        return iter(())

    @classmethod
    def unit(cls, params: Params) -> str:
        """The unit of value and bound: "s", "bytes", "rows/s", or none."""
        return ""

    @classmethod
    def planned(cls, params: Params, computing: Computing) -> Params:
        """The params, with what the compiled graph adds to them."""
        return params

    @classmethod
    def measure(cls, params: Params, inputs: Mapping[str, Path]) -> Measured:
        """What its measurement of the kind ``measure`` gives, from files and folders of other steps."""
        raise TypeError(f"{cls.__name__} measures nothing itself")

    @classmethod
    @abstractmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """The verdict on a check's params. What was not measured never passes (``verdict.not_measured``)."""
