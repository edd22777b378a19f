"""Computes expectations of a table, as aggregates and as marks on violating rows; and reports violations."""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from mlspec.steps.data import anomalies
from mlspec.steps.data.violations import MASK as MASK
from mlspec.steps.data.violations import Fault as Fault
from mlspec.steps.data.violations import broken, figure, flow

Asked = Mapping[str, Any]
MOST_OFFERED = 12
UNSTATED = ("reference", "before", "today", "on_fail")  # what no offer repeats


def marks(asked: Asked, known: "pl.Series | None" = None) -> "dict[str, pl.Expr]":
    """True for each row that breaks a check of single rows, by the check. A missing value breaks none but ``missing``.

    ``known``: the values that ``refers_to`` allows.
    """
    found: dict[str, pl.Expr] = {}
    names = _columns(asked)
    if asked.get("unique"):
        whole = pl.all_horizontal([pl.col(name).is_not_null() for name in names])
        found["unique"] = whole & ~pl.struct(names).is_first_distinct()
    if "holds" in asked:
        found["holds"] = ~pl.sql_expr(asked["holds"])
    if "column" not in asked:
        if "anomalies" in asked:
            found["anomalies"] = anomalies.beyond(asked)
        return {check: mark.fill_null(False) for check, mark in found.items()}
    cell = pl.col(asked["column"])
    if "between" in asked:
        low, high = asked["between"]
        found["between"] = ~cell.is_between(low, high)
    if "allowed" in asked:
        found["allowed"] = _strange(cell, asked["allowed"])
    if "matches" in asked:
        found["matches"] = ~cell.cast(pl.String).str.contains(f"^(?:{asked['matches']})$")
    if "length" in asked:
        length, bounds = cell.cast(pl.String).str.len_chars(), asked["length"]
        found["length"] = (length < _low(bounds)) | (length > _high(bounds))
    if _none_missing(asked):
        found["missing"] = cell.is_null()
    if "anomalies" in asked:
        found["anomalies"] = anomalies.beyond(asked)
    if "levels" in asked.get("before", {}):
        found["unseen"] = anomalies.unseen(asked)
    if "refers_to" in asked and known is not None:
        found["refers_to"] = ~cell.is_in(known.implode())
    return {check: mark.fill_null(False) for check, mark in found.items()}


def measures(asked: Asked, known: "pl.Series | None" = None) -> "dict[str, pl.Expr]":
    """The aggregates that an expectation needs, each one value; ``breaking/CHECK`` counts rows that break a check."""
    found = {f"breaking/{check}": mark.sum() for check, mark in marks(asked, known).items()}
    if "column" not in asked:
        return found
    cell = pl.col(asked["column"])
    if "between" in asked:
        found["least"], found["greatest"] = cell.min(), cell.max()
    if "missing" in asked:
        found["missing"] = cell.is_null().mean()
    strange = marks(asked, known)
    for check in ("allowed", "matches", "refers_to", "unseen"):
        if check in strange:
            found[f"example/{check}"] = cell.filter(strange[check]).first().cast(pl.String)
    if "length" in asked:
        length = cell.cast(pl.String).str.len_chars()
        found["shortest"], found["longest"] = length.min(), length.max()
    if "distinct" in asked:
        found["distinct"] = cell.drop_nulls().n_unique()
    for name in ("sum", "mean"):
        if name in asked:
            found[name] = getattr(cell.cast(pl.Float64), name)()
    if "quantile" in asked:
        found["quantile"] = cell.cast(pl.Float64).quantile(asked["quantile"]["at"], "linear")
    if "anomalies" in asked:
        found["fence/low"], found["fence/high"] = anomalies.fences(asked, asked["column"])
    if "freshness" in asked:
        found["newest"] = cell.max().cast(pl.Date)
    return found


def faults(asked: Asked, seen: Mapping[str, Any], rows: int, masked: bool) -> Iterator[Fault]:
    """What does not hold. ``masked``: values of the column must not be shown."""
    name = asked.get("column", "")
    if "rows" in asked:
        for words, limit in broken(asked["rows"], rows):
            yield Fault(f"{rows:,} rows, {words} {limit:,.0f} expected", _wider(asked, "rows", words, rows))
        yield from anomalies.volume(asked, rows)
    for check, count in seen.items():
        broken_one = check.partition("/")[2]
        own = asked[broken_one]["at_most"] if broken_one in ("anomalies", "unseen") else asked.get("tolerance", 0.0)
        if check.startswith("breaking/") and count and count > own * rows:
            yield _rows(broken_one, asked, seen, int(count), rows, masked)
    if "missing" in asked and not _none_missing(asked):
        share = seen["missing"] or 0.0
        for words, limit in broken(asked["missing"], share):
            rounded = math.ceil(share * 1000) / 1000
            offer = f"{{column: {name}, missing: {{at_most: {rounded:g}}}}}" if words == "at most" else ""
            yield Fault(f"'{name}' is missing in {share:.2%} of rows, {words} {limit:.2%} expected", offer)
        yield from anomalies.missing(asked, share)
    for check, words in (("distinct", "distinct values"), ("sum", "as its sum"), ("mean", "as its mean")):
        if check in asked and seen.get(check) is not None:
            for side, limit in broken(asked[check], seen[check]):
                text = f"'{name}' has {figure(seen[check])} {words}, {side} {figure(limit)} expected"
                yield Fault(text, "" if masked else _wider(asked, check, side, seen[check]))
    if "quantile" in asked and seen.get("quantile") is not None:
        for side, limit in broken(asked["quantile"], seen["quantile"]):
            at = f"{asked['quantile']['at']:g}"
            text = f"the {at} quantile of '{name}' is {figure(seen['quantile'])}, {side} {figure(limit)} expected"
            yield Fault(text, "" if masked else _wider(asked, "quantile", side, seen["quantile"]))
    if "freshness" in asked:
        yield from _old(asked, seen)


def _rows(check: str, asked: Asked, seen: Mapping[str, Any], count: int, rows: int, masked: bool) -> Fault:
    """A check that too many rows break."""
    name, many = asked.get("column", ""), f"{count:,} row{'s' if count > 1 else ''}"
    example = "" if masked else f", '{seen.get(f'example/{check}')}' for one"
    leave = "on_fail: drop_rows"
    rest = ", ".join(f"{k}: {flow(v)}" for k, v in asked.items() if k not in UNSTATED)
    drop = f"{{{rest}, {leave}}}"
    if check == "between":
        low, high = asked["between"]
        if masked:
            return Fault(f"'{name}' is outside {low:g} to {high:g} in {many}", drop)
        reach = f"[{min(low, seen['least']):g}, {max(high, seen['greatest']):g}]"
        text = f"'{name}' is outside {low:g} to {high:g} in {many} (it goes from {seen['least']} to {seen['greatest']})"
        return Fault(text, f"{{column: {name}, between: {reach}}}, or {drop}")
    if check == "allowed":
        text = f"'{name}' has values that are not allowed in {many}{example}"
        listed = [*asked["allowed"], seen.get("example/allowed")]
        wider = f"{{column: {name}, allowed: {flow(listed)}}}, or " if not masked and len(listed) < MOST_OFFERED else ""
        return Fault(text, wider + drop)
    if check == "missing":
        share = math.ceil(count / rows * 1000) / 1000
        text = f"'{name}' is missing in {count / rows:.2%} of rows, at most 0.00% expected"
        return Fault(text, f"{{column: {name}, missing: {{at_most: {share:g}}}}}, or {drop}")
    if check == "unique":
        names = ", ".join(f"'{one}'" for one in _columns(asked))
        what = "a value" if len(_columns(asked)) == 1 else "a combination"
        verb = "repeats" if len(_columns(asked)) == 1 else "repeat"
        return Fault(f"{names} {verb} {what} in {many}, but each should occur once", drop)
    if check == "length":
        reach = f"{seen['shortest']} to {seen['longest']} characters long"
        text = f"'{name}' is {reach}, in {many} not {_text(asked['length'])}"
        return Fault(text, drop)
    if check == "anomalies":
        return anomalies.fault(asked, seen, count / rows, masked)
    if check == "unseen":
        return anomalies.news(asked, count, rows, example)
    if check == "matches":
        return Fault(f"'{name}' does not match {asked['matches']} in {many}{example}", drop)
    if check == "refers_to":
        other = asked["refers_to"]
        text = f"'{name}' has values in {many} that '{other['column']}' of source '{other['source']}' lacks{example}"
        return Fault(text, drop)
    return Fault(f"{asked['holds']} does not hold in {many}", drop)


def _old(asked: Asked, seen: Mapping[str, Any]) -> Iterator[Fault]:
    """A newest date that is too old; ``today`` is the day of the run."""
    name, newest = asked["column"], seen.get("newest")
    if newest is None:
        yield Fault(f"'{name}' has no date that could be fresh")
        return
    age = (date.fromisoformat(asked["today"]) - newest).days
    most = asked["freshness"]["at_most"] / 86_400
    if age > most:
        yield Fault(
            f"the newest '{name}' is {newest}, {age:,} days old, at most {most:g} expected",
            f"{{column: {name}, freshness: {{at_most: {age}d}}}}",
        )


def grouped(asked: Asked, table: "pl.DataFrame", rows: int, masked: bool) -> Iterator[Fault]:
    """What does not hold of groups; ``table`` has a row a group, with its number of rows in ``len``."""
    names = _columns(asked)
    what = ", ".join(f"'{name}'" for name in names)
    wanted = asked["groups"]
    if wanted.get("count") is not None:
        for words, limit in broken(wanted["count"], table.height):
            text = f"{what} makes {table.height:,} groups, {words} {limit:,.0f} expected"
            yield Fault(text, _wider({**asked, **wanted}, "count", words, table.height, "groups"))
    for key, of in (("rows", 1), ("share", max(rows, 1))):
        if wanted.get(key) is None:
            continue
        found: list[str] = []
        furthest: dict[str, int] = {}
        for *values, count in table.sort("len", *names).iter_rows():
            for words, limit in broken(wanted[key], count / of):
                group = MASK if masked else ", ".join(str(value) for value in values)
                plural = "" if count == 1 else "s"
                text = f"{count:,} row{plural}" if key == "rows" else f"{count / of:.2%} of rows"
                bound = f"{limit:,.0f}" if key == "rows" else f"{limit:.2%}"
                past = furthest.get(words, count)
                furthest[words] = min(past, count) if words == "at least" else max(past, count)
                found.append(f"group {group} of {what} has {text}, {words} {bound} expected")
        if found:
            more = f" (so {len(found) - 1:,} more groups)" if len(found) > 1 else ""
            side = next(iter(furthest))
            yield Fault(found[0] + more, _wider({**asked, **wanted}, key, side, furthest[side] / of, "groups"))


def _wider(asked: Asked, key: str, side: str, value: float, inside: str = "") -> str:
    """The same expectation with a bound that what was measured keeps, a little on the safe side."""
    digits = 3 - math.ceil(math.log10(abs(value))) if value else 0
    step = 10.0**-digits
    bound = (math.floor if side == "at least" else math.ceil)(
        value / step + (1e-9 if side == "at least" else -1e-9)
    ) * step
    bound = int(bound) if float(bound).is_integer() else round(bound, max(digits, 0))
    bounds = {**{k: v for k, v in asked[key].items() if v is not None}, side.replace(" ", "_"): bound}
    names = _columns(asked)
    about = {} if not names else {"column": names[0]} if "column" in asked else {"columns": names}
    return flow({**about, **({inside: {key: bounds}} if inside else {key: bounds})})


def _columns(asked: Asked) -> list[str]:
    return list(asked.get("columns") or [asked["column"]] if "columns" in asked or "column" in asked else [])


def _strange(cell: "pl.Expr", allowed: list[Any]) -> "pl.Expr":
    text = [str(v).lower() if isinstance(v, bool) else str(v) for v in allowed]
    numbers = [v for v in allowed if isinstance(v, int | float) and not isinstance(v, bool)]
    return ~cell.is_in(numbers) if len(numbers) == len(text) else ~cell.cast(pl.String).is_in(text)


def _none_missing(asked: Asked) -> bool:
    return bool(asked.get("missing", {}).get("at_most") == 0)


def _low(bounds: Mapping[str, Any]) -> float:
    return -math.inf if bounds.get("at_least") is None else bounds["at_least"]


def _high(bounds: Mapping[str, Any]) -> float:
    return math.inf if bounds.get("at_most") is None else bounds["at_most"]


def _text(bounds: Mapping[str, Any]) -> str:
    return " and ".join(f"{side.replace('_', ' ')} {end:g}" for side, end in bounds.items() if end is not None)
