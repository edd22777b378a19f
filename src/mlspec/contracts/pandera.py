"""pandera: a schema of a data frame as ``to_yaml`` and ``to_json`` write it, checks under ``checks`` or beside it."""

from collections.abc import Mapping
from typing import Any

from mlspec.contracts.contract import (
    Contract,
    Expected,
    Field,
    Reading,
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

NAME = "pandera"
WRITTEN = {
    "category": "string",
    "integer": "Int64",
    "number": "float64",
    "boolean": "boolean",
    "date": "datetime64[ns]",
    "datetime": "datetime64[ns]",
}
SAID = (
    "dtype",
    "nullable",
    "unique",
    "required",
    "description",
    "title",
    "coerce",
    "regex",
    "name",
    "metadata",
    "checks",
)
LOW = ("greater_than_or_equal_to", "ge")
HIGH = ("less_than_or_equal_to", "le")
RANGE = ("in_range", "between")


def fits(data: Mapping[str, Any]) -> bool:
    """Whether a document is such a schema."""
    return data.get("schema_type") == "dataframe" and isinstance(data.get("columns"), dict)


def read(data: Mapping[str, Any]) -> Contract:
    """The columns and their checks."""
    found = Reading()
    for name, one in mapping(data["columns"]).items():
        _column(name, mapping(one), found)
    unique = [text(one) for one in listing(data.get("unique")) if text(one)]
    if len(unique) > 1:
        found.add({"columns": unique}, unique=True)
    elif unique or text(data.get("unique")):
        found.add({"column": (unique or [text(data.get("unique"))])[0]}, unique=True)
    if data.get("index"):
        found.lacks("index: a table here has none")
    for key in ("checks", "strict", "ordered"):
        if data.get(key):
            found.lacks(f"{key}: {show(data[key])}")
    return found.done(f"{NAME} {text(data.get('version'))}".strip(), data.get("name"), data.get("description"))


def _column(name: str, given: Mapping[str, Any], found: Reading) -> None:
    said = text(given.get("dtype"))
    kind = _kind(said)
    if said and kind is None:
        found.lacks(f"{name}: a column of dtype {said}")
    if given.get("regex") is True:
        found.lacks(f"{name}: a pattern that several columns match")
        return
    found.fields[name] = Field(name=name, type=kind, description=text(given.get("description")))
    column: Expected = {"column": name}
    if given.get("nullable", False) is False:
        found.add(column, missing={"at_most": 0})
    if given.get("unique") is True:
        found.add(column, unique=True)
    if given.get("required", True) is False:
        found.lacks(f"{name}: required: false; a column that a spec names must be there")
    checks = {**{k: v for k, v in given.items() if k not in SAID}, **_listed(given.get("checks"))}
    low, high = (next((checks.pop(k) for k in names if k in checks), None) for names in (LOW, HIGH))
    low, high = _value(low), _value(high)
    for key in RANGE:
        ends = mapping(checks.get(key))
        if ends and ends.get("include_min", True) is True and ends.get("include_max", True) is True:
            del checks[key]
            found.between(name, ends.get("min_value"), ends.get("max_value"))
    if (low is not None or high is not None) and not found.between(name, low, high):
        found.lacks(f"{name}: from {show(low)} to {show(high)}")
    for key, asked in checks.items():
        if asked is not None and not _check(name, key, asked, found):
            found.lacks(f"{name}: {key}: {show(asked)}")


def _check(name: str, key: str, asked: Any, found: Reading) -> bool:
    """Take one check over; whether the language has words for it."""
    column: Expected = {"column": name}
    value = _value(asked)
    if key in ("greater_than", "gt", "less_than", "lt") and number(value) is not None:
        from mlspec.contracts.contract import quoted

        found.add({"holds": f"{quoted(name)} {'>' if key[0] == 'g' else '<'} {show(value)}"})
    elif key == "isin" and scalars(_values(asked)):
        found.add(column, allowed=_values(asked))
    elif key == "str_matches" and text(_value(asked, "pattern")):
        found.add(column, matches=_from_start(text(_value(asked, "pattern"))))
    elif key == "str_length":
        said = mapping(asked)
        exact = number(said.get("exact_value"))
        length = bounds(said.get("min_value"), said.get("max_value")) if exact is None else bounds(exact, exact)
        if not length:
            return False
        found.add(column, length=length)
    else:
        return False
    return True


def _listed(checks: Any) -> dict[str, Any]:
    """Checks under a key of their own: a mapping, or a list that names them in their options."""
    if isinstance(checks, list):
        named = [(text(mapping(mapping(one).get("options")).get("check_name")), mapping(one)) for one in checks]
        return {
            name or "a check without a name": {k: v for k, v in one.items() if k != "options"} for name, one in named
        }
    return {
        k: {a: b for a, b in v.items() if a != "options"} if isinstance(v, dict) else v
        for k, v in mapping(checks).items()
    }


def _value(asked: Any, key: str = "") -> Any:
    """The one value of a check, written alone or under a name."""
    if not isinstance(asked, dict):
        return asked
    return next((asked[k] for k in (key, "value", "min_value", "max_value") if k in asked), None)


def _values(asked: Any) -> list[Any]:
    return listing(asked) or listing(mapping(asked).get("allowed_values")) or listing(mapping(asked).get("value"))


def _from_start(pattern: str) -> str:
    """A pattern that is held against the beginning -> one for the whole text."""
    from mlspec.contracts.contract import anchored

    if pattern.startswith("^") and pattern.endswith("$"):
        return anchored(pattern)
    return f"(?:{pattern})[\\s\\S]*"


def _kind(dtype: str) -> ColumnType | None:
    plain = dtype.lower()
    if plain.startswith(("int", "uint")):
        return "integer"
    if plain.startswith(("float", "decimal")):
        return "number"
    if plain.startswith("bool"):
        return "boolean"
    if plain.startswith(("str", "object", "category", "large_string", "utf8")):
        return "category"
    if plain.startswith(("datetime", "timestamp")):
        return "datetime"
    return "date" if plain.startswith("date") else None


def write(contract: Contract) -> str:
    """The schema as YAML; what it can't say is in comments at its end."""
    import yaml

    lacking = list(contract.unmapped)
    columns: dict[str, dict[str, Any]] = {}
    for field in contract.fields:
        columns[field.name] = {
            **({"dtype": WRITTEN[field.type]} if field.type in WRITTEN else {}),
            "nullable": True,
            **({"description": field.description} if field.description else {}),
        }
    schema: dict[str, Any] = {"schema_type": "dataframe", "version": "0.35.0", "columns": columns}
    for atom in contract.expect:
        check, asked = check_of(atom)
        column = columns.get(atom.get("column", ""))
        alone = not set(atom) - {"column", "columns", check}
        if check == "unique" and "columns" in atom and alone and "unique" not in schema:
            schema["unique"] = atom["columns"]
        elif column is None or not alone or not _put(column, check, asked):
            lacking.append(show(atom))
    text_ = yaml.safe_dump(schema, sort_keys=False, allow_unicode=True, width=110)
    return text_ + "".join(f"# not mapped: {one}\n" for one in lacking)


def _put(column: dict[str, Any], check: str, asked: Any) -> bool:
    name = {"between": "in_range", "allowed": "isin", "matches": "str_matches", "length": "str_length"}.get(check)
    if name is not None and name in column:
        return False
    if check == "missing" and asked == {"at_most": 0}:
        column["nullable"] = False
    elif check == "unique":
        column["unique"] = True
    elif check == "between":
        column["in_range"] = {"min_value": asked[0], "max_value": asked[1], "include_min": True, "include_max": True}
    elif check == "allowed":
        column["isin"] = list(asked)
    elif check == "matches":
        column["str_matches"] = unanchored(asked)
    elif check == "length":
        column["str_length"] = {"min_value": asked.get("at_least"), "max_value": asked.get("at_most")}
    else:
        return False
    return True
