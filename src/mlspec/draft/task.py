"""What kind of prediction a target asks for, and on which scale."""

from typing import NamedTuple, cast, get_args

from mlspec.diagnostics import Diagnostic, SpecError, printable
from mlspec.draft import words
from mlspec.draft.table import NUMBERS, TIMES, Given, Seen
from mlspec.plugins.base import ColumnType
from mlspec.plugins.base import Task as Kind

FEW_CLASSES, MOST_CLASSES, RARE, SKEWED, SHARE_OF_CLASS = 10, 200, 0.1, 4.0, 20
POSITIVE = words.every(
    "yes true y t positive pos malignant fraud fraudulent churn churned default defaulted bad spam dead died "
    "failure fail failed abnormal sick disease present attack anomaly hit won win good_risk approved accepted"
)


class Task(NamedTuple):
    """The task, and what else a target's values say.

    ``type``: the type to state for the target, if another than the one that is read; ``positive``: the positive class
    to state, if it is not the last one; ``classes``: their rows; ``rare``: the share of the rarest class, of a few;
    ``log``: whether the target is above zero and skewed; ``notes``: plain words about the target.
    """

    kind: Kind
    why: str
    type: ColumnType | None = None
    positive: str | None = None
    classes: tuple[tuple[str, int], ...] = ()
    rare: float | None = None
    log: bool = False
    notes: tuple[str, ...] = ()


def of(target: Seen, given: Given) -> Task:
    """The task of a target. Raises SpecError where it has none."""
    if target.type in TIMES:
        note = "choose another column with --target"
        raise _unclear(f"the task cannot be inferred from '{target.name}' ({target.type})", note)
    if target.distinct < 2:
        values = "has no values" if not target.distinct else "has only one value"
        raise _unclear(f"'{target.name}' {values}, there is nothing to predict", "choose another column with --target")
    kind, why = _kind(target)
    if given.task is not None:
        if given.task not in get_args(Kind):
            label = f"one of {', '.join(get_args(Kind))}"
            raise SpecError(
                [Diagnostic(code="task-unclear", message=f"there is no task '{given.task}'", notes=(label,))]
            )
        kind, why = cast(Kind, given.task), "as stated"
    if kind == "regression":
        if target.type not in NUMBERS:
            message = f"'{target.name}' is {words.a(target.type)}, but a regression predicts a number"
            raise _unclear(message, "state another --task, or choose another column with --target")
        return _number(target, why)
    if target.distinct > MOST_CLASSES:
        message = f"'{target.name}' has {target.distinct:,} different values, too many for classes"
        raise _unclear(message, "choose another column with --target")
    return _classes(target, kind, why)


def _kind(target: Seen) -> tuple[Kind, str]:
    levels = ", ".join(sorted(level.value for level in target.levels)[:5]) + (", ..." if target.distinct > 5 else "")
    seen = printable(f"{target.distinct:,} values: {levels}")
    if target.distinct == 2:
        return "binary_classification", seen
    if target.type not in NUMBERS:
        return "multiclass_classification", seen
    if not target.is_whole:
        return "regression", f"{target.distinct:,} different numbers"
    if target.distinct > FEW_CLASSES * 2:
        return "regression", f"{target.distinct:,} different integers"
    if words.ends_in(target.name, words.ORDERED):
        other = "their order counts; for classes: task: multiclass_classification"
        return "regression", printable(f"the levels {_range(target)}: {other}")
    counted = words.ends_in(target.name, words.COUNTS | words.DURATIONS)
    if counted or _looks_counted(target):
        return "regression", printable(f"counts {_range(target)}; for classes: task: multiclass_classification")
    if target.distinct <= FEW_CLASSES:
        return "multiclass_classification", f"{seen}; if their order counts: task: regression"
    return "regression", f"{target.distinct:,} different integers; for classes: task: multiclass_classification"


def _range(target: Seen) -> str:
    return f"{target.quantiles[0]:g} to {target.quantiles[-1]:g}"


def _looks_counted(target: Seen) -> bool:
    """Many zeros and ones, and a tail."""
    rows = {level.value: level.rows for level in target.levels}
    most = max(rows.values(), default=0)
    first = target.least in (0.0, 1.0) and rows.get(f"{target.least or 0:.0f}", 0) == most
    return first and target.distinct >= 5 and (target.greatest or 0) > 5 and _skew(target) > 2


def _skew(target: Seen) -> float:
    """How much farther the upper values are from the median than the lower ones are."""
    if not target.quantiles:
        return 1.0
    _, low, _, middle, _, high, _ = target.quantiles
    return (high - middle) / max(middle - low, 1e-9 * max(abs(middle), 1.0))


def _number(target: Seen, why: str) -> Task:
    notes = []
    above_zero = target.least is not None and target.least > 0
    counts = target.is_whole and target.least is not None and target.least >= 0
    spread = target.quantiles[5] / max(target.quantiles[1], 1e-12) if above_zero and target.quantiles else 1.0
    # Levels of a scale have an order of their own.
    log = above_zero and target.distinct > 20 and _skew(target) > 1.8 and spread > SKEWED
    if counts and words.ends_in(target.name, words.COUNTS):
        less = "" if log else "; no model here has a Poisson loss yet, so errors are squared: large counts weigh most"
        notes.append(f"'{target.name}' counts something{less}")
    if words.ends_in(target.name, words.DURATIONS):
        notes.append(
            f"'{target.name}' is a duration: if some had not ended when the data was collected, they are too short"
        )
    type_: ColumnType | None = None
    return Task("regression", why, type_, log=log, notes=tuple(notes))


def _classes(target: Seen, kind: Kind, why: str) -> Task:
    classes = tuple((level.value, level.rows) for level in target.levels)
    present = sum(rows for _value, rows in classes)
    fewest = min((rows for _value, rows in classes), default=0)
    notes = []
    type_: ColumnType | None = "category" if target.type == "number" else None
    few = [value for value, rows in classes if rows < 10]
    if few and target.distinct == len(classes):
        notes.append(
            f"few rows have {words.listed([printable(value) for value in few])}: less than 10 in a class can't be "
            "learned and judged; join such classes, or leave them out with data.filter"
        )
    if target.distinct > SHARE_OF_CLASS:
        notes.append(f"{target.distinct:,} classes: the metrics that count every class alike need rows of each")
    rare = fewest / present if present and len(classes) == target.distinct else None
    positive = _positive(classes) if kind == "binary_classification" and len(classes) == 2 else None
    return Task(kind, why, type_, positive, classes, rare, notes=tuple(notes))


def _positive(classes: "tuple[tuple[str, int], ...]") -> str | None:
    """The positive class where it is not the last in sorted order, which a spec need not state."""
    last = max(value for value, _rows in classes)
    meant = [value for value, _rows in classes if words.plain(value) in POSITIVE or value.lower() in POSITIVE]
    if all(value.replace(".", "").isdigit() for value, _rows in classes):
        return None  # the greater number
    if len(meant) == 1:
        return None if meant[0] == last else meant[0]
    rarer, rows = min(classes, key=lambda one: one[1])
    total = sum(count for _value, count in classes)
    return rarer if rarer != last and rows / total < RARE and not meant else None


def _unclear(message: str, note: str) -> SpecError:
    return SpecError([Diagnostic(code="task-unclear", message=message, notes=(note,))])
