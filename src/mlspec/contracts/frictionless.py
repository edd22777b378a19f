"""Frictionless Data: a table schema, or a data package whose first resource has one."""

from collections.abc import Mapping
from typing import Any

from mlspec.contracts import published
from mlspec.contracts.contract import Contract, Field, Reading, anchored, bounds, listing, mapping, scalars, show, text
from mlspec.plugins.base import ColumnType

NAME = "Frictionless table schema"
KINDS: dict[str, ColumnType] = {
    "string": "category",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "year": "integer",
}
SAID = ("name", "type", "format", "constraints", "description", "title", "example", "bareNumber", "rdfType")
CONSTRAINTS = ("required", "unique", "minimum", "maximum", "minLength", "maxLength", "pattern", "enum")


def fits(data: Mapping[str, Any]) -> bool:
    """Whether a document is a table schema or a data package."""
    return _is_schema(data) or any(
        _is_schema(mapping(mapping(r).get("schema"))) for r in listing(data.get("resources"))
    )


def _is_schema(data: Mapping[str, Any]) -> bool:
    return any(text(mapping(one).get("name")) for one in listing(data.get("fields")))


def schema(data: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that the standard publishes for a table; of a data package, for the tables in it."""
    table = published.schema("frictionless-table-2.0")
    if _is_schema(data):
        return table
    dialect = table.pop("$schema")
    inner = {"properties": {"name": {"type": "string"}, "schema": {"if": {"type": "object"}, "then": table}}}
    resources = {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["name"], **inner}}
    return {"$schema": dialect, "type": "object", "properties": {"resources": resources}}


def read(data: Mapping[str, Any]) -> Contract:
    """The fields and their constraints."""
    found = Reading()
    name, schema = data.get("name"), dict(data)
    if not _is_schema(data):
        resources = [mapping(one) for one in listing(data.get("resources"))]
        own = next(one for one in resources if _is_schema(mapping(one.get("schema"))))
        name, schema = own.get("name") or name, mapping(own["schema"])
        for other in resources:
            if other is not own:
                found.lacks(f"resource {show(text(other.get('name')))}: a contract is read as one table, the first")
    for one in listing(schema["fields"]):
        _field(mapping(one), found)
    key = schema.get("primaryKey")
    keys = [key] if isinstance(key, str) else [text(part) for part in listing(key)]
    if keys:
        found.add({"columns": keys} if len(keys) > 1 else {"column": keys[0]}, unique=True)
    for relation in listing(schema.get("foreignKeys")):
        found.lacks(f"foreignKey {show(mapping(relation))}: say it as refers_to, with the source that has the values")
    missing = schema.get("missingValues")
    if missing and missing != [""]:
        found.lacks(f"missingValues: {show(missing)}: say it of the source, as missing")
    return found.done(NAME, name, data.get("description"))


def _field(given: Mapping[str, Any], found: Reading) -> None:
    name, said, limits = given["name"], text(given.get("type")), mapping(given.get("constraints"))
    kind = KINDS.get(said)
    if said and said != "any" and kind is None:
        found.lacks(f"{name}: a field of type {said}")
    found.fields[name] = Field(name=name, type=kind, description=text(given.get("description")))
    column = {"column": name}
    if limits.get("required") is True:
        found.add(column, missing={"at_most": 0})
    if limits.get("unique") is True:
        found.add(column, unique=True)
    low, high = limits.get("minimum"), limits.get("maximum")
    if (low is not None or high is not None) and not (kind in ("integer", "number") and found.between(name, low, high)):
        found.lacks(f"{name}: from {show(low)} to {show(high)}")
    length = bounds(limits.get("minLength"), limits.get("maxLength"))
    if length:
        found.add(column, length=length)
    if text(limits.get("pattern")):
        # The standard holds it against the whole value.
        found.add(
            column, matches=anchored(f"^{limits['pattern']}$") if "|" not in limits["pattern"] else limits["pattern"]
        )
    if scalars(limits.get("enum")):
        found.add(column, allowed=limits["enum"])
    found.rest(name, limits, CONSTRAINTS)
    found.rest(name, given, SAID)
