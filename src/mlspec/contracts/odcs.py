"""The Open Data Contract Standard, versions 3 (bitol.io): YAML with ``kind: DataContract``."""

from collections.abc import Mapping
from typing import Any

from mlspec.contracts import published
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

NAME = "Open Data Contract Standard"
VERSION = "v3.1.0"
ENGINE = "mlspec"
PERSONAL = "mlspec.personal"
KINDS = ("direct_identifier", "quasi_identifier", "sensitive", "public")
READ: dict[str, ColumnType] = {
    "string": "category",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "datetime",
}
WRITTEN = {
    "category": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamp",
}
OPERATORS = {"at_least": "mustBeGreaterOrEqualTo", "at_most": "mustBeLessOrEqualTo"}
SAID = ("name", "logicalType", "logicalTypeOptions", "required", "unique", "primaryKey", "primaryKeyPosition", "enum",
        "quality", "classification", "customProperties", "description", "physicalType", "physicalName", "businessName",
        "id", "tags", "examples", "authoritativeDefinitions")  # fmt: skip
OPTIONS = ("minimum", "maximum", "minLength", "maxLength", "pattern", "format", "exclusiveMinimum", "exclusiveMaximum")
TOLD = ("type", "metric", "rule", "name", "description", "dimension", "severity", "unit", "arguments", "engine",
        "implementation", "mustBe", "mustBeGreaterThan", "mustBeLessThan", "mustBeBetween", "mustBeLessOrEqualTo",
        "mustBeGreaterOrEqualTo", "id", "method", "tags", "validValues")  # fmt: skip


def fits(data: Mapping[str, Any]) -> bool:
    """Whether a document is such a contract."""
    return data.get("kind") == "DataContract" and text(data.get("apiVersion")).startswith("v3")


def schema(_data: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that the standard publishes for all versions 3."""
    return published.schema("open-data-contract-3.2.0")


def read(data: Mapping[str, Any]) -> Contract:
    """The columns and checks of its tables: one table's as those of the rows, further ones are listed as unmapped."""
    found = Reading()
    tables = [mapping(one) for one in listing(data.get("schema"))]
    for table in tables[1:]:
        found.lacks(f"table {show(text(table.get('name')))}: a contract is read as one table, the first")
    for table in tables[:1]:
        _table(table, found)
    for sla in listing(data.get("slaProperties")):
        _service(mapping(sla), found)
    for key in ("servers", "roles", "team", "support", "price"):
        if data.get(key):
            found.lacks(f"{key}: the place of data and who is responsible belong in data.sources and project.owners")
    description = data.get("description")
    purpose = text(mapping(description).get("purpose")) or text(description)
    return found.done(f"{NAME} {text(data.get('apiVersion'))}", data.get("name") or data.get("id"), purpose)


def _table(table: Mapping[str, Any], found: Reading) -> None:
    keys = []
    for one in listing(table.get("properties")):
        given = mapping(one)
        name = text(given.get("name"))
        if not name:
            continue
        _column(name, given, found)
        if given.get("primaryKey") is True:
            keys.append((number(given.get("primaryKeyPosition")) or 0, name))
    if len(keys) == 1:
        found.add({"column": keys[0][1], "unique": True})
    elif keys:
        found.add({"columns": [name for _position, name in sorted(keys)], "unique": True})
    for rule in listing(table.get("quality")):
        _quality("", mapping(rule), found)
    for relation in listing(table.get("relationships")):
        found.lacks(f"relationship {show(mapping(relation))}: say it as refers_to, with the source that has the values")


def _column(name: str, given: Mapping[str, Any], found: Reading) -> None:
    logical, options = text(given.get("logicalType")), mapping(given.get("logicalTypeOptions"))
    kind = READ.get(logical)
    if logical == "date" and any(letter in text(options.get("format")) for letter in ("H", "h", "m:")):
        kind = "datetime"  # as versions before 3.1 say it
    if logical and kind is None:
        found.lacks(f"{name}: a column of logicalType {logical}")
    custom = {
        text(mapping(one).get("property")): mapping(one).get("value") for one in listing(given.get("customProperties"))
    }
    classes = (text(custom.pop(PERSONAL, "")), text(given.get("classification")))
    personal = next((one for one in classes if one in KINDS), None)
    if classes[1] and personal is None and classes[1] != "public":
        found.lacks(f"{name}: classification {classes[1]}: state its personal data under data.personal")
    for key, value in custom.items():
        found.lacks(f"{name}: customProperty {show(key)}: {show(value)}")
    found.fields[name] = Field(name=name, type=kind, personal=personal, description=text(given.get("description")))
    column = {"column": name}
    if given.get("required") is True:
        found.add(column, missing={"at_most": 0})
    if given.get("unique") is True:
        found.add(column, unique=True)
    allowed = scalars([mapping(one).get("value") for one in listing(given.get("enum"))])
    if allowed:
        found.add(column, allowed=allowed)
    if kind in ("integer", "number"):
        found.between(name, options.get("minimum"), options.get("maximum"))
        for key, sign in (("exclusiveMinimum", ">"), ("exclusiveMaximum", "<")):
            if number(options.get(key)) is not None:
                found.lacks(f"{name}: {key} {options[key]}: say it as holds: {show(f'{name} {sign} {options[key]}')}")
    elif "minimum" in options or "maximum" in options:
        found.lacks(f"{name}: bounds of a {logical or 'column without a type'}")
    length = bounds(options.get("minLength"), options.get("maxLength"))
    if length:
        found.add(column, length=length)
    if text(options.get("pattern")):
        found.add(column, matches=anchored(options["pattern"]))
    found.rest(name, options, OPTIONS)
    for rule in listing(given.get("quality")):
        _quality(name, mapping(rule), found)
    found.rest(name, given, SAID)


def _quality(column: str, rule: Mapping[str, Any], found: Reading) -> None:
    message = show({k: v for k, v in rule.items() if v is not None})
    where = column or "the table"
    if rule.get("engine") == ENGINE and text(rule.get("implementation")):
        made = _own(text(rule["implementation"]))
        if made is not None:
            found.add(made)
            return
    about: Expected = {"column": column} if column else {}
    severity = {"severity": "warn"} if text(rule.get("severity")) in ("warning", "warn", "info") else {}
    metric = text(rule.get("metric")) or text(rule.get("rule"))
    above, below = number(rule.get("mustBeGreaterThan")), number(rule.get("mustBeLessThan"))
    arguments, low, high = mapping(rule.get("arguments")), *_ends(rule)
    if metric == "rowCount":
        # Row counts are integers.
        low, high = (low if above is None else above + 1), (high if below is None else below - 1)
    elif above is not None or below is not None:
        found.lacks(f"{where}: {message}")
        return
    share = 100.0 if rule.get("unit") == "percent" else None
    unread = set(rule) - set(TOLD)
    if metric == "rowCount" and bounds(low, high) and not column and not unread:
        ends, other = bounds(low, high), next((one for one in found.expect if set(one) == {"rows", *severity}), None)
        if other is not None and not other["rows"].keys() & ends.keys():
            other["rows"] |= ends
        else:
            found.add({"rows": ends}, **severity)
    elif (
        metric in ("nullValues", "missingValues")
        and column
        and high is not None
        and (share or high == 0)
        and not unread
    ):
        found.add(about, missing={"at_most": high / (share or 1)}, **severity)
    elif metric in ("invalidValues", "duplicateValues") and high is not None and (share or high == 0) and not unread:
        tolerance = {"tolerance": high / share} if share and high else {}
        columns = [text(one) for one in listing(arguments.get("properties"))]
        allowed = scalars(arguments.get("validValues") or rule.get("validValues"))
        if metric == "duplicateValues" and (column or columns):
            found.add(about if column else {"columns": columns}, unique=True, **tolerance, **severity)
        elif column and allowed:
            found.add(about, allowed=allowed, **tolerance, **severity)
        elif column and text(arguments.get("pattern")):
            found.add(about, matches=anchored(arguments["pattern"]), **tolerance, **severity)
        else:
            found.lacks(f"{where}: {message}")
    else:
        found.lacks(f"{where}: {message}")


def _ends(rule: Mapping[str, Any]) -> tuple[int | float | None, int | float | None]:
    exact, ends = number(rule.get("mustBe")), listing(rule.get("mustBeBetween"))
    if exact is not None:
        return exact, exact
    if len(ends) == 2:
        return number(ends[0]), number(ends[1])
    return number(rule.get("mustBeGreaterOrEqualTo")), number(rule.get("mustBeLessOrEqualTo"))


def _own(implementation: str) -> Expected | None:
    """An expectation of ours that is there as it is."""
    from mlspec.diagnostics import SpecError
    from mlspec.document import parse

    try:
        return mapping(parse(implementation, "implementation").data) or None
    except SpecError:
        return None


def _service(sla: Mapping[str, Any], found: Reading) -> None:
    value, element = number(sla.get("value")), text(sla.get("element")).rpartition(".")[2]
    if text(sla.get("property")) == "freshness" and value and element and text(sla.get("unit"))[:1] in ("d", "h"):
        found.add({"column": element}, freshness={"at_most": f"{value:g}{sla['unit'][0]}"})
    elif sla:
        found.lacks(f"slaProperties: {show(dict(sla))}")


def write(contract: Contract) -> str:
    """The contract as YAML. What the standard has no words for is there as custom quality of the engine mlspec."""
    import yaml

    columns: dict[str, dict[str, Any]] = {}
    for field in contract.fields:
        column: dict[str, Any] = {"name": field.name}
        if field.type in WRITTEN:
            column["logicalType"] = WRITTEN[field.type]
        if field.description:
            column["description"] = field.description
        if field.personal is not None:
            column["classification"] = "public" if field.personal == "public" else "restricted"
            column["customProperties"] = [{"property": PERSONAL, "value": field.personal}]
        columns[field.name] = column
    table: dict[str, Any] = {"name": contract.name, "physicalType": "table", "properties": list(columns.values())}
    services: list[dict[str, Any]] = []
    for atom in contract.expect:
        column = columns.get(atom.get("column", ""), {})
        if not _native(atom, column, table, services):
            rule = {"type": "custom", "engine": ENGINE, "implementation": show(atom)}
            (column or table).setdefault("quality", []).append(rule)
    made = {
        "kind": "DataContract",
        "apiVersion": VERSION,
        "id": contract.name,
        "name": contract.name,
        "version": "1.0.0",
        "status": "active",
        **({"description": {"purpose": contract.description}} if contract.description else {}),
        "schema": [table],
        **({"slaProperties": services} if services else {}),
    }
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=110)


def _native(atom: Expected, column: dict[str, Any], table: dict[str, Any], services: list[dict[str, Any]]) -> bool:
    """Write an expectation in the standard's own words; whether it has any for it."""
    check, asked = check_of(atom)
    if set(atom) - {"column", "columns", check}:
        return False
    kind, options = column.get("logicalType"), column.setdefault("logicalTypeOptions", {}) if column else {}
    try:
        if check == "rows" and "change" not in asked:
            # A rule has one operator.
            rules = [{"type": "library", "metric": "rowCount", OPERATORS[side]: end} for side, end in asked.items()]
            table.setdefault("quality", []).extend(rules)
            return True
        if not column:
            return False
        if check == "missing" and asked == {"at_most": 0}:
            column["required"] = True
        elif check == "missing" and set(asked) == {"at_most"}:
            share = {"mustBeLessOrEqualTo": asked["at_most"] * 100, "unit": "percent"}
            if share["mustBeLessOrEqualTo"] / 100.0 != asked["at_most"]:
                return False
            column.setdefault("quality", []).append({"type": "library", "metric": "nullValues", **share})
        elif check == "unique" and "unique" not in column:
            column["unique"] = True
        elif check == "between" and kind in ("integer", "number") and not {"minimum", "maximum"} & set(options):
            options["minimum"], options["maximum"] = asked
        elif (
            check == "length"
            and all(isinstance(end, int) for end in asked.values())
            and kind == "string"
            and not {"minLength", "maxLength"} & set(options)
        ):
            options |= {{"at_least": "minLength", "at_most": "maxLength"}[side]: end for side, end in asked.items()}
        elif check == "matches" and kind == "string" and "pattern" not in options:
            options["pattern"] = unanchored(asked)
        elif check == "allowed":
            arguments = {"validValues": list(asked)}
            rule = {"type": "library", "metric": "invalidValues", "arguments": arguments, "mustBe": 0}
            column.setdefault("quality", []).append(rule)
        elif check == "freshness" and asked["at_most"][-1] in "dh" and asked["at_most"][:-1].isdigit():
            age, unit = int(asked["at_most"][:-1]), asked["at_most"][-1]
            element = f"{table['name']}.{column['name']}"
            services.append({"property": "freshness", "value": age, "unit": unit, "element": element})
        else:
            return False
        return True
    finally:
        if column and not options:
            column.pop("logicalTypeOptions", None)
