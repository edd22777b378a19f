"""Great Expectations: an expectation suite as JSON, of versions 0.x (``expectation_type``) and 1.x (``type``)."""

from collections.abc import Mapping
from typing import Any

from mlspec.contracts.contract import (
    Contract,
    Expected,
    Field,
    Reading,
    anchored,
    bounds,
    check_of,
    listing,
    mapping,
    number,
    scalars,
    show,
    text,
    unanchored,
)
from mlspec.plugins.base import ColumnType

NAME = "Great Expectations"
KINDS: dict[str, ColumnType] = {
    "int": "integer", "integer": "integer", "int64": "integer", "int32": "integer", "bigint": "integer",
    "float": "number", "float64": "number", "double": "number", "str": "category", "string": "category",
    "object": "category", "varchar": "category", "text": "category", "bool": "boolean", "boolean": "boolean",
    "date": "date", "datetime": "datetime", "datetime64[ns]": "datetime", "timestamp": "datetime",
}  # fmt: skip
MEASURES = {
    "expect_column_sum_to_be_between": "sum",
    "expect_column_mean_to_be_between": "mean",
    "expect_column_unique_value_count_to_be_between": "distinct",
    "expect_column_value_lengths_to_be_between": "length",
}
TELLING = ("column", "column_list", "mostly", "min_value", "max_value", "value", "value_set", "regex", "type_",
           "type_list", "quantile_ranges", "batch_id", "result_format", "catch_exceptions", "include_config",
           "severity", "strict_min", "strict_max", "parse_strings_as_datetimes", "allow_relative_error")  # fmt: skip


def fits(data: Mapping[str, Any]) -> bool:
    """Whether a document is such a suite."""
    return isinstance(data.get("expectations"), list)


def read(data: Mapping[str, Any]) -> Contract:
    """The expectations of a suite."""
    found = Reading()
    for one in listing(data["expectations"]):
        given = mapping(one)
        kind, said = text(given.get("type")) or text(given.get("expectation_type")), mapping(given.get("kwargs"))
        odd = {k: v for k, v in said.items() if k not in TELLING and v is not None}
        strict = said.get("strict_min") is True or said.get("strict_max") is True
        if odd or strict or not _one(kind, said, given, found):
            found.lacks(f"{kind or 'an expectation without a type'}: {show(said)}")
    name = data.get("name") or data.get("expectation_suite_name")
    version = text(mapping(data.get("meta")).get("great_expectations_version"))
    return found.done(f"{NAME} {version}".strip(), name)


def _one(kind: str, said: Mapping[str, Any], given: Mapping[str, Any], found: Reading) -> bool:
    """Take one expectation over; whether the language has words for it."""
    column, ends = text(said.get("column")), bounds(said.get("min_value"), said.get("max_value"))
    exact = number(said.get("value"))
    level = text(given.get("severity")) or text(said.get("severity"))
    severity = {"severity": "warn"} if level in ("warning", "info") else {}
    mostly = number(said.get("mostly"))
    slack = 0.0 if mostly is None else round(1 - mostly, 12)
    more = {**({"tolerance": slack} if slack else {}), **severity}
    about: Expected = {"column": column}
    if kind == "expect_table_row_count_to_be_between" and ends:
        found.add({"rows": ends}, **severity)
    elif kind == "expect_table_row_count_to_equal" and exact is not None:
        found.add({"rows": bounds(exact, exact)}, **severity)
    elif kind == "expect_compound_columns_to_be_unique" and len(listing(said.get("column_list"))) > 1:
        found.add({"columns": [text(one) for one in said["column_list"]], "unique": True}, **more)
    elif not column:
        return False
    elif kind == "expect_column_to_exist":
        found.fields.setdefault(column, Field(name=column))
    elif kind == "expect_column_values_to_not_be_null":
        found.add(about, missing={"at_most": slack or 0}, **severity)
    elif kind == "expect_column_values_to_be_unique":
        found.add(about, unique=True, **more)
    elif kind == "expect_column_values_to_be_between" and ends:
        return found.between(column, said.get("min_value"), said.get("max_value"), more=more)
    elif kind == "expect_column_values_to_be_in_set" and scalars(said.get("value_set")):
        found.add(about, allowed=said["value_set"], **more)
    elif kind == "expect_column_distinct_values_to_be_in_set" and scalars(said.get("value_set")):
        found.add(about, allowed=said["value_set"], **severity)
    elif kind == "expect_column_values_to_match_regex" and text(said.get("regex")):
        found.add(about, matches=anchored(said["regex"]), **more)
    elif kind == "expect_column_value_lengths_to_equal" and exact is not None:
        found.add(about, length=bounds(exact, exact), **more)
    elif kind in MEASURES and ends:
        found.add(about, **{MEASURES[kind]: ends}, **(more if MEASURES[kind] == "length" else severity))
    elif kind == "expect_column_median_to_be_between" and ends:
        found.add(about, quantile={"at": 0.5, **ends}, **severity)
    elif kind == "expect_column_quantile_values_to_be_between":
        ranges = mapping(said.get("quantile_ranges"))
        pairs = list(zip(listing(ranges.get("quantiles")), listing(ranges.get("value_ranges")), strict=False))
        pairs = [(number(at), listing(ends)) for at, ends in pairs]
        if not pairs or any(at is None or len(ends) != 2 for at, ends in pairs):
            return False
        for at, (low, high) in pairs:
            found.add(about, quantile={"at": at, **bounds(low, high)}, **severity)
    elif kind in ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"):
        named = [text(said.get("type_")), *(text(one) for one in listing(said.get("type_list")))]
        kinds = {KINDS.get(one.lower()) for one in named if one}
        if len(kinds) != 1 or None in kinds:
            return False
        found.fields[column] = Field(name=column, type=kinds.pop())
    else:
        return False
    return True


def write(contract: Contract) -> str:
    """The suite as JSON; what it can't say is under ``meta.mlspec.not_mapped``."""
    import json

    made, lacking = [], list(contract.unmapped)
    for field in contract.fields:
        made.append(_expectation("expect_column_to_exist", {"column": field.name}))
    for atom in contract.expect:
        written = _written(atom)
        if written is None:
            lacking.append(show(atom))
        else:
            made.append(written)
    meta: dict[str, Any] = {"mlspec": {"not_mapped": lacking}} if lacking else {}
    suite = {"name": contract.name, "expectations": made, "meta": meta}
    return json.dumps(suite, indent=2, ensure_ascii=False) + "\n"


def _expectation(kind: str, said: Mapping[str, Any], severity: str = "critical") -> dict[str, Any]:
    return {"type": kind, "kwargs": dict(said), "meta": {}, "severity": severity}


def _written(atom: Expected) -> dict[str, Any] | None:
    check, asked = check_of(atom)
    if atom.keys() & {"source", "on_fail"}:
        return None
    column: dict[str, Any] = {"column": atom["column"]} if "column" in atom else {}
    mostly = {"mostly": 1 - atom["tolerance"]} if "tolerance" in atom else {}
    severity = "warning" if atom.get("severity") == "warn" else "critical"

    def made(kind: str, **said: Any) -> dict[str, Any]:
        return _expectation(kind, {**column, **said}, severity)

    ends = {"min_value": asked.get("at_least"), "max_value": asked.get("at_most")} if isinstance(asked, dict) else {}
    ends = {key: end for key, end in ends.items() if end is not None}
    if check == "rows" and "change" not in asked:
        return made("expect_table_row_count_to_be_between", **ends)
    if check == "missing" and set(asked) == {"at_most"}:
        rest = {"mostly": 1 - asked["at_most"]} if asked["at_most"] else {}
        return made("expect_column_values_to_not_be_null", **rest)
    if check == "unique" and "columns" in atom:
        return made("expect_compound_columns_to_be_unique", column_list=atom["columns"], **mostly)
    if check == "unique":
        return made("expect_column_values_to_be_unique", **mostly)
    if check == "between":
        return made("expect_column_values_to_be_between", min_value=asked[0], max_value=asked[1], **mostly)
    if check == "allowed":
        return made("expect_column_values_to_be_in_set", value_set=list(asked), **mostly)
    if check == "matches":
        return made("expect_column_values_to_match_regex", regex=unanchored(asked), **mostly)
    if check == "quantile":
        ranges = {"quantiles": [asked["at"]], "value_ranges": [[asked.get("at_least"), asked.get("at_most")]]}
        return made("expect_column_quantile_values_to_be_between", quantile_ranges=ranges)
    for kind, name in MEASURES.items():
        if name == check:
            return made(kind, **ends, **(mostly if check == "length" else {}))
    return None
