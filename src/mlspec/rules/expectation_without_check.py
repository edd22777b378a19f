"""An expectation has no check, contradicts itself, or does not apply to its column.

Why: a check that cannot fail, or cannot pass, is useless.

Instead: give `rows` bounds, `holds` an expression, or a `column` with one of its checks; `mlspec explain data.expect`
lists them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mlspec.diagnostics import Diagnostic, Hint
from mlspec.document import Path
from mlspec.rules._roles import hidden, personal
from mlspec.rules.context import View
from mlspec.spec.expect import COLUMN_CHECKS, Bounds, Expectation, Missing, Quantile, Rows

Bounded = Bounds | Missing | Quantile | Rows
CODE = "expectation-without-check"
NUMBERS = ("integer", "number")
FITS: dict[str, tuple[str, ...]] = {
    "between": NUMBERS,
    "sum": NUMBERS,
    "mean": NUMBERS,
    "quantile": NUMBERS,
    "anomalies": NUMBERS,
    "matches": ("category",),
    "length": ("category",),
    "freshness": ("date", "datetime"),
    "unseen": ("category", "boolean"),
}
TOGETHER = ("unique", "groups", "anomalies")
BOUNDED = ("rows", "missing", "length", "distinct", "sum", "mean", "quantile")


def check(view: View) -> Iterator[Diagnostic]:
    """Each expectation."""
    for index, one in enumerate(view.project.data.expect):
        at = ("data", "expect", index)
        kinds = view.columns_of(one.source)
        yield from _says_something(view, one, at)
        yield from _bounds(view, one, at)
        yield from _fits(view, one, at, kinds)
        yield from _consequence(view, one, at)
        yield from _others(view, one, at, kinds)


def _says_something(view: View, one: Expectation, at: Path) -> Iterator[Diagnostic]:
    of_table = one.rows is not None or one.holds is not None
    of_column = one.asks("column", "columns", *COLUMN_CHECKS)
    if not of_table and not of_column:
        yield view.diagnostic(
            CODE, at, "this expectation has no check", "add 'rows', 'holds', or 'column' with a check"
        )
    elif (of_table and of_column) or (one.rows is not None and one.holds is not None):
        yield view.diagnostic(
            CODE, at, "'rows' applies to the table, the other keys to a column", "write two expectations"
        )
    elif of_column and not one.asks("column", "columns"):
        yield view.diagnostic(CODE, at, "this expectation names no column", "add 'column'")
    elif of_column and not one.asks(*COLUMN_CHECKS):
        message = f"the expectation of '{one.column or ', '.join(one.columns)}' has no check"
        yield view.diagnostic(CODE, at, message, "add between, missing, unique or allowed")
    elif one.columns and (one.column is not None or one.asks(*(k for k in COLUMN_CHECKS if k not in TOGETHER))):
        yield view.diagnostic(
            CODE, (*at, "columns"), "several columns are only allowed with unique, groups and anomalies", key=True
        )


def _bounds(view: View, one: Expectation, at: Path) -> Iterator[Diagnostic]:
    stated: list[tuple[str, Bounded | None, Path]] = [(k, getattr(one, k), (*at, k)) for k in BOUNDED]
    if one.groups is not None:
        stated += [(k, getattr(one.groups, k), (*at, "groups", k)) for k in ("count", "rows", "share")]
        if not any(bounds for key, bounds, _path in stated if key in ("count", "share")) and one.groups.rows is None:
            yield view.diagnostic(CODE, (*at, "groups"), "'groups' has no bound", "add count, rows or share", key=True)
    for key, bounds, path in stated:
        if bounds is None:
            continue
        low, high = bounds.at_least, bounds.at_most
        if low is None and high is None:
            if getattr(bounds, "change", None) is None:
                yield view.diagnostic(CODE, path, f"'{key}' has no bound", "add at_least or at_most", key=True)
        elif low is not None and high is not None and low > high:
            yield view.diagnostic(CODE, path, f"no value is both at least {low:g} and at most {high:g}", key=True)
    if one.between is not None and one.between[0] > one.between[1]:
        message = f"no value is between {one.between[0]:g} and {one.between[1]:g}"
        yield view.diagnostic(CODE, (*at, "between"), message)


def _fits(view: View, one: Expectation, at: Path, kinds: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Checks against the column's type."""
    yield from _together(view, one, at, kinds)
    kind = kinds.get(one.column or "")
    if kind is None:
        return
    for key, fitting in FITS.items():
        bounds = getattr(one, key)
        low_high = key != "between" or bounds is None or bounds[0] <= bounds[1]
        if bounds is not None and kind not in fitting and low_high:
            of = "numbers" if fitting == NUMBERS else "text" if "category" in fitting else "dates"
            message = f"'{one.column}' is {'an' if kind[0] in 'aeiou' else 'a'} {kind}, but {key} is for {of}"
            yield view.diagnostic(
                CODE, (*at, key), message, "use allowed" if key == "between" and kind != "image" else "", key=True
            )
    for key in ("allowed", "refers_to", "drift") if kind == "image" else ():
        if getattr(one, key) is not None:
            message = f"'{one.column}' is an image, but {key} is for values"
            yield view.diagnostic(CODE, (*at, key), message, "missing and unique also apply to images", key=True)
            return
    if one.type is not None and one.type != kind:
        message = f"'{one.column}' is of type {kind}, but the expected type is {one.type}"
        yield view.diagnostic(CODE, (*at, "type"), message, "data.columns.types sets the type")
    if one.missing is not None and one.missing.change is not None and one.missing.change.at_most >= 1:
        message = f"no share can change by more than {one.missing.change.at_most:g}"
        yield view.diagnostic(CODE, (*at, "missing", "change", "at_most"), message, "0.05 allows 10% to become 15%")
    if one.drift is not None:
        number = kind not in ("category", "boolean")
        if one.drift.ks is not None and not number:
            yield view.diagnostic(
                CODE, (*at, "drift", "ks"), f"'{one.column}' is a {kind}, but ks is for numbers", key=True
            )
        if one.drift.chi_squared is not None and number:
            message = f"'{one.column}' is of type {kind}, but chi_squared is for categories"
            yield view.diagnostic(CODE, (*at, "drift", "chi_squared"), message, "use psi or ks", key=True)
        if one.column == view.project.data.columns.id:
            yield view.diagnostic(
                CODE, (*at, "drift"), "the distribution of an id cannot be pinned", "delete it", key=True
            )
        elif one.column in personal(view.project):
            message = f"no statistics of '{one.column}' may be stored, but drift pins its distribution"
            label = "use between, allowed or groups"
            yield view.diagnostic(CODE, (*at, "drift"), message, label, "it is personal", key=True)
    if one.matches is not None:
        from mlspec.spec import pattern

        try:
            pattern.check(one.matches)
        except pattern.PatternError as error:
            message = f"this is not a valid regular expression: {error}"
            yield view.diagnostic(CODE, (*at, "matches"), message)


def _together(view: View, one: Expectation, at: Path, kinds: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Rows that are outside the fences of several columns; values that may not be stored."""
    if one.anomalies is not None and one.columns:
        strange = next((name for name in one.columns if kinds.get(name, NUMBERS[0]) not in NUMBERS), None)
        if strange is not None:
            message = f"'{strange}' is {kinds[strange]}, but anomalies is for numbers"
            yield view.diagnostic(CODE, (*at, "columns", one.columns.index(strange)), message)
        if one.anomalies.together > len(one.columns):
            message = f"no row can be outside the fences of {one.anomalies.together} of {len(one.columns)} columns"
            path = (*at, "anomalies", "together")
            where = path if view.document.node(path) is not None else (*at, "columns")
            yield view.diagnostic(CODE, where, message, "name more columns", key=True)
    elif one.anomalies is not None and one.anomalies.together != 2:
        yield view.diagnostic(
            CODE, (*at, "anomalies", "together"), "this needs several columns", "give 'columns', or delete it", key=True
        )
    if one.unseen is not None and one.column in hidden(view.project, view.columns()):
        message = f"the values of '{one.column}' may not be stored, so new ones cannot be found"
        label = "state the values: allowed: [...]"
        yield view.diagnostic(CODE, (*at, "unseen"), message, label, "it is sensitive, personal or an id", key=True)


def _consequence(view: View, one: Expectation, at: Path) -> Iterator[Diagnostic]:
    """What follows when it does not hold."""
    if one.on_fail == "stop":
        if one.tolerance and not one.checks_rows():
            yield view.diagnostic(
                CODE, (*at, "tolerance"), "this is not a check of single rows", "give bounds", key=True
            )
        return
    path = (*at, "on_fail")
    if one.anomalies is not None:
        # Fences are measured on all rows, those of the test too: what they leave out would have been fitted.
        label = Hint("write stop, or give between: [lowest, highest]", ("stop",), at=path, sure=False)
        yield view.diagnostic(
            CODE, path, "rows can be dropped only by stated bounds, not by measured ones", label, key=True
        )
        return
    if not one.checks_rows():
        message, label = (
            "this is not a check of single rows, so no rows can be dropped",
            Hint("write stop", ("stop",), at=path),
        )
        yield view.diagnostic(CODE, path, message, label, key=True)
    if one.source is not None:
        yield view.diagnostic(
            CODE, path, "rows can be dropped only from the rows that the project uses", "delete 'source'", key=True
        )
    if one.severity == "warn":
        yield view.diagnostic(
            CODE,
            path,
            "violating rows are either dropped or reported as a warning, not both",
            "delete 'severity'",
            key=True,
        )


def _others(view: View, one: Expectation, at: Path, kinds: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Other sources, and the expression."""
    for key, name in (("source", one.source), ("refers_to", one.refers_to and one.refers_to.source)):
        if name is not None and name not in view.project.data.sources:
            from mlspec.spec import suggest

            label = suggest.label(name, list(view.project.data.sources))
            path: Path = (*at, key) if key == "source" else (*at, key, "source")
            yield view.diagnostic(CODE, path, f"there is no source '{name}'", label)
    if one.refers_to is not None and one.refers_to.source in view.facts.sources:
        known = view.columns_of(one.refers_to.source)
        if one.refers_to.column not in known:
            message = f"source '{one.refers_to.source}' has no column '{one.refers_to.column}'"
            yield view.diagnostic(CODE, (*at, "refers_to", "column"), message)
    if one.holds is not None and kinds:
        from mlspec.spec.expression import TRUTH, ExpressionError, typed

        try:
            kind: Any = typed(one.holds, kinds).kind
            message = "" if kind == TRUTH else f"this must be true or false for each row, but it gives {kind}"
        except ExpressionError as error:
            message = error.message
        if message:
            yield view.diagnostic("bad-expression", (*at, "holds"), message)
