"""Checks what must be true of the data, all of it in one scan."""

from typing import TYPE_CHECKING, Any

from mlspec.engine.job import Job

if TYPE_CHECKING:
    import polars as pl


def run(job: Job) -> None:
    """``table.*`` -> ``report`` (what was measured), ``verdict`` (always the same bytes: a run that fails stops here).

    Raises StepError that lists every expectation that does not hold.
    """
    import polars as pl

    from mlspec.diagnostics import StepError
    from mlspec.engine import results, tables

    rows = pl.concat([tables.scan(job.inputs[name]) for name in sorted(job.inputs)], how="vertical_relaxed")
    asked: dict[str, pl.Expr] = {"rows": pl.len()}
    for index, expectation in enumerate(job.params["expectations"]):
        asked.update({f"{index}/{name}": e for name, e in _measures(expectation).items()})
    seen = rows.select([e.alias(name) for name, e in asked.items()]).collect(engine="streaming").row(0, named=True)
    report, broken = [], []
    for index, expectation in enumerate(job.params["expectations"]):
        measured = {name.partition("/")[2]: v for name, v in seen.items() if name.startswith(f"{index}/")}
        faults = _faults(expectation, measured, seen["rows"])
        report.append({"expectation": expectation, "measured": measured, "rows": seen["rows"], "holds": not faults})
        broken += faults
    results.write_json(job.outputs["report"], report)
    if broken:
        raise StepError("the data is not as expected: " + "; ".join(broken))
    results.write_json(job.outputs["verdict"], {"holds": True})


def _measures(expectation: dict[str, Any]) -> "dict[str, pl.Expr]":
    import polars as pl

    name = expectation.get("column")
    if name is None:
        return {}
    cell, found = pl.col(name), {}
    if "between" in expectation:
        low, high = expectation["between"]
        found["outside"] = (~cell.is_between(low, high)).sum()
        found["least"], found["greatest"] = cell.min(), cell.max()
    if "missing" in expectation:
        found["missing"] = cell.is_null().mean()
    if expectation.get("unique"):
        found["repeated"] = cell.drop_nulls().len() - cell.drop_nulls().n_unique()
    if "allowed" in expectation:
        allowed = [str(v).lower() if isinstance(v, bool) else str(v) for v in expectation["allowed"]]
        numbers = [v for v in expectation["allowed"] if isinstance(v, int | float) and not isinstance(v, bool)]
        strange = ~cell.is_in(numbers) if len(numbers) == len(allowed) else ~cell.cast(pl.String).is_in(allowed)
        found["strange"] = (strange & cell.is_not_null()).sum()
        found["example"] = cell.filter(strange & cell.is_not_null()).first().cast(pl.String)
    return found


def _faults(expectation: dict[str, Any], seen: dict[str, Any], rows: int) -> list[str]:
    """What does not hold, in words."""
    if "rows" in expectation:
        return [f"{rows:,} rows, {words} {limit:,.0f} expected" for words, limit in _broken(expectation["rows"], rows)]
    name, faults = expectation["column"], []
    if seen.get("outside"):
        low, high = expectation["between"]
        faults.append(
            f"'{name}' lies outside {low:g} to {high:g} in {seen['outside']:,} rows (it goes from {seen['least']} to "
            f"{seen['greatest']})"
        )
    if "missing" in expectation:
        share = seen["missing"] or 0.0
        faults += [
            f"'{name}' is missing in {share:.2%} of rows, {w} {x:.2%} expected"
            for w, x in _broken(expectation["missing"], share)
        ]
    if seen.get("repeated"):
        faults.append(f"'{name}' repeats a value in {seen['repeated']:,} rows, every value should stand once")
    if seen.get("strange"):
        faults.append(
            f"'{name}' has values that are not allowed in {seen['strange']:,} rows, '{seen['example']}' for one"
        )
    return faults


def _broken(bounds: dict[str, Any], value: float) -> list[tuple[str, float]]:
    low, high = bounds.get("at_least"), bounds.get("at_most")
    found = [("at least", low)] if low is not None and value < low else []
    return found + ([("at most", high)] if high is not None and value > high else [])
