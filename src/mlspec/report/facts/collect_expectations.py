"""The report of the check of the data -> facts, in words."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlspec import formatting
from mlspec.diagnostics import Place
from mlspec.report.facts.run import ExpectationFact

COUNTS = {
    "between": "outside",
    "unique": "repeated",
    "allowed": "others",
    "matches": "that do not match",
    "length": "of another length",
    "holds": "for which it is not true",
    "refers_to": "that do not exist there",
    "missing": "missing",
    "anomalies": "outside the fences",
    "unseen": "with new values",
}


def expectations(report: Any, place: Callable[[int], Place | None]) -> Iterator[ExpectationFact]:
    """What was expected, what was measured, and which rows broke it; ``place`` is that of the n-th in the spec."""
    for index, entry in enumerate(report or ()):
        asked, seen = entry["expectation"], entry["measured"]
        text = " and ".join(_asked(asked))
        subject = asked.get("column") or ", ".join(asked.get("columns", ()))
        if asked.get("source"):
            subject = f"{asked['source']}.{subject}" if subject else asked["source"]
        left_out = 0
        if asked.get("on_fail", "stop") != "stop":
            left_out = max((v for k, v in seen.items() if k.startswith("breaking/")), default=0)
        message = ", ".join(_measured(asked, seen, entry["rows"]))
        if left_out:
            message += f"; {formatting.count(left_out, 'row')} excluded"
        yield ExpectationFact(
            text=f"{subject}: {text}" if subject else text,
            holds=bool(entry["holds"]),
            measured=message,
            place=place(index),
            severity=asked.get("severity", "error"),
            faults=tuple(entry.get("faults", ())),
            sample=tuple({name: _cell(value) for name, value in row.items()} for row in entry.get("sample", ())),
        )


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _asked(asked: Mapping[str, Any]) -> Iterator[str]:
    if "rows" in asked:
        yield from _ends(asked["rows"], "rows")
        yield from _change(asked["rows"], "number of rows as pinned")
    if "holds" in asked:
        yield asked["holds"]
    if "between" in asked:
        yield f"between {formatting.figure(asked['between'][0])} and {formatting.figure(asked['between'][1])}"
    if "missing" in asked:
        yield from _ends(asked["missing"], "share of missing values")
        yield from _change(asked["missing"], "as many missing values as pinned")
    if asked.get("unique"):
        yield "no duplicate values"
    if "allowed" in asked:
        yield f"one of {', '.join(str(value) for value in asked['allowed'])}"
    if "matches" in asked:
        yield f"matches {asked['matches']}"
    if "length" in asked:
        yield f"characters {_bounds(asked['length'])}"
    for key, message in (("distinct", "distinct values"), ("sum", "sum"), ("mean", "mean")):
        if key in asked:
            yield f"{message} {_bounds(asked[key])}"
    if "quantile" in asked:
        bounds = {side: asked["quantile"].get(side) for side in ("at_least", "at_most")}
        yield f"quantile {asked['quantile']['at']:g} {_bounds(bounds)}"
    for key, bounds in asked.get("groups", {}).items():
        if bounds:
            yield {"count": "groups", "rows": "rows of each group", "share": "share of each group"}[key] + (
                f" {_bounds(bounds)}"
            )
    if "refers_to" in asked:
        yield f"exists in {asked['refers_to']['source']}.{asked['refers_to']['column']}"
    if "freshness" in asked:
        yield f"the newest at most {asked['freshness']['at_most'] / 86_400:g} days old"
    if "drift" in asked:
        stated = [f"{name} {value:g}" for name, value in asked["drift"].items() if value is not None]
        yield f"distribution as pinned ({', '.join(stated) or 'psi 0.2'})"
    if "anomalies" in asked:
        most, reach = asked["anomalies"]["at_most"], asked["anomalies"]["reach"]
        of = f" of {asked['anomalies']['together']} columns or more" if "columns" in asked else ""
        yield f"at most {most:.2%} more than {reach:g} IQR outside the quartiles{of}"
    if "unseen" in asked:
        yield f"at most {asked['unseen']['at_most']:.2%} with unseen values"
    if asked.get("tolerance"):
        yield f"except in {asked['tolerance']:.2%} of rows"


def _bounds(bounds: Mapping[str, Any]) -> str:
    ends = {side: bounds.get(side) for side in ("at_least", "at_most")}
    message = [f"{side.replace('_', ' ')} {formatting.figure(end)}" for side, end in ends.items() if end is not None]
    return " and ".join(message)


def _ends(bounds: Mapping[str, Any], what: str) -> Iterator[str]:
    message = _bounds(bounds)
    if message:
        yield f"{what} {message}"


def _change(bounds: Mapping[str, Any], what: str) -> Iterator[str]:
    change = bounds.get("change")
    if change is not None:
        yield f"{what}, except in {change['at_most']:.2%}"


def _measured(asked: Mapping[str, Any], seen: Mapping[str, Any], rows: int) -> Iterator[str]:
    if "rows" in asked:
        yield formatting.count(rows, "row")
    if seen.get("least") is not None:
        yield f"{formatting.figure(seen['least'])} to {formatting.figure(seen['greatest'])}"
    if seen.get("missing") is not None:
        yield f"{formatting.figure(seen['missing'])} missing"
    for check, message in COUNTS.items():
        count = seen.get(f"breaking/{check}")
        if count is not None and (check != "missing" or count):
            yield f"{count:,} {message}"
    if seen.get("fence/low") is not None:
        yield f"fences {formatting.figure(seen['fence/low'])} and {formatting.figure(seen['fence/high'])}"
    for key in ("distinct", "sum", "mean", "quantile", "groups"):
        if seen.get(key) is not None:
            yield f"{formatting.figure(seen[key])} {'in total' if key == 'sum' else key}"
    if seen.get("newest") is not None:
        yield f"newest {seen['newest']}"
    if "drift" in asked:
        yield (
            ", ".join(f"{k} {seen[k]:.3g}" for k in ("psi", "ks", "chi_squared") if k in seen)
            or "this is the pinned data"
        )
