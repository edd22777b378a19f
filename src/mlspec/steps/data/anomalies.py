"""What is unlike most of the data, or unlike what mlspec.lock has pinned: numbers beyond fences, new values, more or
fewer rows or missing values than there were."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from mlspec.steps.data.violations import Fault, figure, flow

Asked = Mapping[str, Any]
REACH = 3.0  # what anomalies are looked for with if nothing is stated
MOST_LEVELS, MOST_TEXT = 1000, 50_000  # different values of a column that are pinned, and their characters together
ACCEPT = "mlspec run --accept-data pins it as it is now"


def beyond(asked: Asked) -> "pl.Expr":
    """True for each row outside the fences of the column, or of so many of several ``columns`` together.

    Of several, one whose quartiles are the same has no fences that a row could be beyond.
    """
    if "column" in asked:
        low, high = fences(asked, asked["column"])
        return _outside(asked["column"], low, high)
    outside = []
    for name in asked["columns"]:
        low, high = fences(asked, name)
        outside.append((_outside(name, low, high) & (low < high)).fill_null(False))
    together: int = asked["anomalies"]["together"]
    return pl.sum_horizontal([mark.cast(pl.Int32) for mark in outside]) >= together


def fences(asked: Asked, name: str) -> "tuple[pl.Expr, pl.Expr]":
    """Tukey's fences (1977): of the quartiles that are pinned, or of the data's own."""
    cell, reach = pl.col(name).cast(pl.Float64), asked["anomalies"]["reach"]
    before = asked.get("reference") or asked.get("before", {}).get(f"spread/{name}")
    if before is not None and before.get("edges"):
        up_to = list(zip(before["edges"], before["below"], strict=True))
        low, high = (
            pl.lit(next((edge for edge, below in up_to if below >= at - 1e-9), up_to[-1][0])) for at in (0.25, 0.75)
        )
    else:
        low, high = (cell.quantile(at, "linear") for at in (0.25, 0.75))
    return low - (high - low) * reach, high + (high - low) * reach


def unseen(asked: Asked) -> "pl.Expr":
    """True for each row with a value that is not among the pinned ones."""
    return ~pl.col(asked["column"]).cast(pl.String).is_in(asked["before"]["levels"]["levels"])


def levels(rows: "pl.LazyFrame", name: str) -> dict[str, Any] | None:
    """The column's values, sorted, as they are pinned; None where there are too many to keep."""
    cells = rows.select(pl.col(name).cast(pl.String).drop_nulls().unique())
    found = sorted(cells.head(MOST_LEVELS + 1).collect(engine="streaming").to_series().to_list())
    is_short = len(found) <= MOST_LEVELS and sum(map(len, found)) <= MOST_TEXT
    return {"levels": found} if is_short else None


def too_many(asked: Asked) -> Fault:
    """The fault of a column with too many values to pin."""
    name = asked["column"]
    text = f"'{name}' has more than {MOST_LEVELS:,} values or {MOST_TEXT:,} characters of them: too many to pin"
    return Fault(text, f"{{column: {name}, matches: PATTERN}}, or refers_to a source that lists them")


def fault(asked: Asked, seen: Mapping[str, Any], share: float, masked: bool) -> Fault:
    """Too many rows outside the fences; of fences that fall together the quartiles are the same."""
    wanted = asked["anomalies"]
    rounded = math.ceil(share * 1000) / 1000
    offered = {"at_most": rounded, **({"reach": wanted["reach"]} if wanted["reach"] != REACH else {})}
    most = f"at most {wanted['at_most']:.2%} expected"
    if "columns" in asked:
        names = ", ".join(f"'{name}'" for name in asked["columns"])
        text = f"{share:.2%} of rows are outside the fences of {wanted['together']} or more of {names}, {most}"
        offered |= {"together": wanted["together"]} if wanted["together"] != 2 else {}
        return Fault(text, flow({"columns": list(asked["columns"]), "anomalies": offered}))
    name, low, high = asked["column"], seen["fence/low"], seen["fence/high"]
    if low == high:
        text = f"'{name}' has equal quartiles, so there are no fences for anomalies"
        return Fault(text, f"{{column: {name}, between: [LEAST, GREATEST]}}")
    text = f"'{name}' has {share:.2%} of rows outside the fences, {most}"
    offer = flow({"column": name, "anomalies": offered})
    if masked:
        return Fault(text, offer)
    bounds = f"[{low:.6g}, {high:.6g}]"
    return Fault(
        f"{text} ({figure(low)} to {figure(high)})",
        f"{offer}, or {{column: {name}, between: {bounds}, on_fail: drop_rows}}",
    )


def news(asked: Asked, count: int, rows: int, example: str) -> Fault:
    """Too many rows with values that no row had."""
    name, most = asked["column"], asked["unseen"]["at_most"]
    text = f"'{name}' has values in {count / rows:.2%} of rows that no row had when mlspec.lock pinned them{example}"
    offer = flow({"column": name, "unseen": {"at_most": math.ceil(count / rows * 1000) / 1000}})
    return Fault(f"{text}, at most {most:.2%} expected", f"{offer}, or {ACCEPT}")


def volume(asked: Asked, rows: int) -> Iterator[Fault]:
    """Far more or fewer rows than there were."""
    before = asked.get("before", {}).get("rows", {}).get("rows")
    if not before:
        return
    most, change = asked["rows"]["change"]["at_most"], rows / before - 1
    if abs(change) > most:
        way = "more" if change > 0 else "fewer"
        text = f"{rows:,} rows, {abs(change):.2%} {way} than the {before:,} that mlspec.lock has pinned"
        offer = flow({"rows": {**asked["rows"], "change": {"at_most": math.ceil(abs(change) * 1000) / 1000}}})
        yield Fault(f"{text}, at most {most:.2%} expected", f"{offer}, or {ACCEPT}")


def missing(asked: Asked, share: float) -> Iterator[Fault]:
    """A share of missing values that is far from what it was."""
    before = asked.get("before", {}).get("missing", {}).get("missing")
    if before is None:
        return
    most, change = asked["missing"]["change"]["at_most"], abs(share - before)
    if change > most:
        name = asked["column"]
        text = f"'{name}' is missing in {share:.2%} of rows, in {before:.2%} when mlspec.lock pinned it"
        wider = {**asked["missing"], "change": {"at_most": math.ceil(change * 1000) / 1000}}
        offer = flow({"column": name, "missing": wider})
        yield Fault(f"{text}, a change of at most {most:.2%} expected", f"{offer}, or {ACCEPT}")


def _outside(name: str, low: "pl.Expr", high: "pl.Expr") -> "pl.Expr":
    return (pl.col(name) < low) | (pl.col(name) > high)
