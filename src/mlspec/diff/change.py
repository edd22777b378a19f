"""What a change of a spec means, as one frozen value: the JSON that ``mlspec diff --format json`` prints.

The published schema, ``schema/diff.schema.json``, follows from these types.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.diagnostics import Span

Kind = Literal["added", "removed", "changed", "renamed", "reordered", "content"]
Class = Literal[
    "exposure", "contract", "removed", "loosened", "policy", "evaluation", "tightened", "cost", "result", "prose"
]
Severity = Literal["error", "warning", "notice", "info"]

# In the order in which a reviewer should read them.
SEVERITY: dict[Class, Severity] = {
    "exposure": "error",
    "contract": "error",
    "removed": "error",
    "loosened": "error",
    "policy": "error",  # a stricter one: a warning
    "evaluation": "warning",
    "tightened": "warning",
    "cost": "warning",
    "result": "notice",
    "prose": "info",
}
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "notice", "info")
MEANS: dict[Class, str] = {
    "exposure": "a hidden column is now used, or a privacy constraint is relaxed",
    "contract": "callers of the model must change",
    "removed": "constraint removed",
    "loosened": "less strict than before",
    "policy": "what a policy requires of specs changed: an error if it is less",
    "evaluation": "old and new numbers are not comparable",
    "tightened": "stricter than before",
    "cost": "more to compute",
    "result": "the model may change",
    "prose": "no result changes",
}


class Change(Struct, frozen=True, kw_only=True):
    """One change of meaning. ``base`` and ``head`` are its places in the two files, null where it is in neither."""

    id: Annotated[str, Meta(description="12 hex digits: the same change has the same id in every comparison")]
    kind: Kind
    path: Annotated[str, Meta(description="its path, with list entries named by what identifies them")]
    key: Annotated[tuple[str, ...], Meta(description="the same in parts")]
    rule: Annotated[str, Meta(description="the path pattern of the rule that classified it")]
    class_: Annotated[Class, Meta(description="what the change means")] = msgspec.field(name="class")
    severity: Severity
    old: Any = None
    new: Any = None
    base: Span | None = None
    head: Span | None = None
    base_stated: Annotated[bool, Meta(description="false: the value follows from a default or another key")] = True
    head_stated: Annotated[bool, Meta(description="false: the value follows from a default or another key")] = True
    position: Annotated[int | None, Meta(description="in an ordered list: the position of an added entry")] = None
    profile: Annotated[str | None, Meta(description="the profile that it depends on")] = None
    steps: Annotated[
        tuple[str, ...] | None,
        Meta(description="the head's steps that this change alone invalidates; null: not told apart"),
    ] = None
    gates: Annotated[
        tuple[str, ...], Meta(description="the base's gates that this change alone removes or makes easier")
    ] = ()
    accepted: Annotated[str | None, Meta(description="the reason for which it was accepted")] = None


class StepChange(Struct, frozen=True, kw_only=True):
    """A step whose result is not that of any step before. ``certain``: it differs in itself; else it only reads re-run
    steps, and is unchanged if their outputs stay the same."""

    step: str
    certain: bool
    new: bool
    because: Annotated[
        tuple[str, ...],
        Meta(description="unless it is certain: the nearest steps before it that differ in themselves"),
    ] = ()
    seconds_from: float | None = None
    seconds_to: float | None = None


class Impact(Struct, frozen=True, kw_only=True):
    """What would be computed. ``unknown`` says why nothing can be said; then all else is empty.

    ``seconds_from`` counts what is certain to run, ``seconds_to`` what may run; both by the timings of the locks.
    """

    unknown: str | None = None
    invalidated: tuple[StepChange, ...] = ()
    kept: int = 0
    total: int = 0
    gone: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    same_model: Annotated[bool, Meta(description="whether the model is the same but for the names of candidates")] = (
        False
    )
    seconds_from: float | None = None
    seconds_to: float | None = None
    untimed: Annotated[int, Meta(description="number of steps of a kind that was never timed")] = 0
    mermaid: Annotated[str, Meta(description="the plan before and after as a Mermaid flowchart")] = ""


class MetricChange(Struct, frozen=True, kw_only=True):
    """A metric in the two locks. ``told``: whether the difference is more than noise; better and worse by its sign."""

    metric: str
    greater_is_better: bool | None
    base: dict[str, float | None] | None
    head: dict[str, float | None] | None
    told: Literal["better", "worse", "the same", "not told apart", "not comparable", "unknown"]
    how: Annotated[str, Meta(description="paired by test rows, or separate intervals")] = ""


class GateChange(Struct, frozen=True, kw_only=True):
    """A gate whose verdict, value or requirement differs in the two locks."""

    gate: str
    base_verdict: str | None
    head_verdict: str | None
    base_requirement: str | None = None
    head_requirement: str | None = None
    base_value: Any = None
    head_value: Any = None
    unit: Annotated[str, Meta(description="of the values: '', 's', 'bytes', 'rows/s' or a word")] = ""


class Results(Struct, frozen=True, kw_only=True):
    """What the locks say. ``stale``: why the head's lock does not speak of the head; ``base_stale`` that of the
    base. Nothing that a lock does not say of its spec is shown as a result."""

    unknown: str | None = None
    stale: str | None = None
    base_stale: str | None = None
    metrics: tuple[MetricChange, ...] = ()
    gates: tuple[GateChange, ...] = ()
    environment: dict[str, tuple[str | None, str | None]] = {}
    seconds: tuple[float | None, float | None] = (None, None)


class GateOutlook(Struct, frozen=True, kw_only=True):
    """A gate that the change touches, with what the base's lock has measured: whether that would hold the new bound.

    ``would``: pass, fail or unknown by the gate's own rule; null where the gate is removed, or was never measured.
    ``margin``: how far the value is on the right side of the head's bound, negative on the wrong one."""

    gate: str
    status: Literal["new", "removed", "changed"]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: Annotated[str, Meta(description="of value, bounds and margin: '', 's', 'bytes', 'rows/s' or a word")] = ""
    base_bounds: dict[str, float] = {}
    head_bounds: dict[str, float] = {}
    margin: float | None = None
    held: Annotated[str | None, Meta(description="the verdict in the base's lock")] = None
    would: Literal["pass", "fail", "unknown"] | None = None


class CandidateScore(Struct, frozen=True, kw_only=True):
    """A candidate's score on the validation rows in the two locks."""

    candidate: str
    metric: str
    base: dict[str, int | float | None] | None
    head: dict[str, int | float | None] | None


class DataChange(Struct, frozen=True, kw_only=True):
    """What the locks say of a source whose content changed: numbers of rows, shares of the target's classes or its
    mean, and shares of missing values that differ by 1 % or more. ``unknown``: why nothing can be said."""

    source: str
    unknown: str | None = None
    rows: tuple[int | None, int | None] = (None, None)
    target: dict[str, tuple[float | None, float | None]] = {}
    missing: dict[str, tuple[float | None, float | None]] = {}
    drifted: Annotated[tuple[str, ...], Meta(description="columns whose pinned spread is another")] = ()
    same_test_rows: Annotated[
        bool | None, Meta(description="whether the test rows are the same; null: it is not known, nor is an overlap")
    ] = None


class Unused(Struct, frozen=True, kw_only=True):
    """An acceptance that accepts nothing in this comparison."""

    what: str
    reason: str
    where: Span | None = None


class Side(Struct, frozen=True, kw_only=True):
    """One of the two that are compared: how it was named, the commit if it is one, and the spec's path."""

    label: str
    path: str
    commit: str | None = None


Status = Literal["changed", "moved", "new", "deleted"]


class Diff(Struct, frozen=True, kw_only=True):
    """What the change from ``base`` to ``head`` means."""

    format_version: Literal[1] = 1
    project: str
    base: Side
    head: Side
    status: Annotated[
        Status, Meta(description="moved: the file was found under another path; new and deleted: one side has none")
    ] = "changed"
    changes: tuple[Change, ...] = ()
    impact: Impact = Impact()
    gates: tuple[GateOutlook, ...] = ()
    data: tuple[DataChange, ...] = ()
    candidates: tuple[CandidateScore, ...] = ()
    results: Results | None = None
    unused: tuple[Unused, ...] = ()
    failing: Annotated[
        tuple[str, ...], Meta(description="the ids of changes that --fail-on stops at; stale: the lock")
    ] = ()
    notes: tuple[str, ...] = ()

    def count(self, severity: Severity) -> int:
        """How many changes of that severity were not accepted."""
        return sum(change.severity == severity and change.accepted is None for change in self.changes)


class SpecDiff(Struct, frozen=True, kw_only=True):
    """One spec of a repository; ``unreadable``: why it could not be compared, as the command line says it."""

    path: str
    status: Literal["changed", "moved", "new", "deleted", "unchanged", "unreadable"]
    diff: Diff | None = None
    unreadable: str | None = None


class Overview(Struct, frozen=True, kw_only=True):
    """What the change from one revision to another means for every spec of a repository. ``base.path`` and
    ``head.path`` are the folder that was searched. Exit code 2 where a spec is unreadable, 1 where one is failing."""

    format_version: Literal[1] = 1
    base: Side
    head: Side
    specs: tuple[SpecDiff, ...] = ()
    failing: Annotated[tuple[str, ...], Meta(description="the paths of the specs that --fail-on stops at")] = ()
    unused: Annotated[tuple[Unused, ...], Meta(description="options --allow that accept nothing in any spec")] = ()

    def of(self, *statuses: str) -> tuple[SpecDiff, ...]:
        """The specs with one of these statuses, in the order of their paths."""
        return tuple(spec for spec in self.specs if spec.status in statuses)


def encode(diff: Diff | Overview) -> str:
    """The JSON text, indented, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(diff), indent=2).decode() + "\n"
