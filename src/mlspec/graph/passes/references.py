"""What the check of the data compares with that is not data: what mlspec.lock has pinned of it, and the day. It runs
after the files, by whose digests it knows whether the data is what was pinned."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.spec import pinned

Sketch = dict[str, Any]


def references(graph: Graph) -> Graph:
    """Fills ``before`` (and ``reference``, a column's spread) of expectations on what is pinned, where the data is
    another than the pinned one, and ``today`` of those on freshness."""
    step = graph.steps.get("expect")
    if step is None:
        return graph
    locked, now = pinned.locked_references(Path(graph.facts.root)), content(graph)
    filled: list[dict[str, Any]] = []
    for asked in step.params["expectations"]:
        found: dict[str, Sketch] = {}
        for part, name in () if graph.facts.accepted else names(asked).items():
            before = locked.get(name)
            if before is not None and before.of != now:
                found[part] = msgspec.json.decode(msgspec.json.encode(before.sketch))
        if "spread" in found:
            asked = {**asked, "reference": found.pop("spread")}
        if found:
            asked = {**asked, "before": found}
        if "freshness" in asked:
            asked = {**asked, "today": datetime.now(UTC).date().isoformat()}
        filled.append(asked)
    if filled == step.params["expectations"]:
        return graph
    step = replace(step, params={**step.params, "expectations": filled})
    return graph.replace({**graph.steps, "expect": step})


def names(asked: Mapping[str, Any]) -> dict[str, str]:
    """What is pinned for an expectation, each by the name that it has in mlspec.lock: of the source, if it is one by
    itself, and the column; numbers of rows, levels and missing shares have names that no column's spread has."""
    source = asked.get("source", "")

    def of(column: str, what: str = "") -> str:
        return f"{source}/{column}{what}".lstrip("/")

    found = {}
    if "rows" in asked and asked["rows"].get("change"):
        found["rows"] = of("", ":rows")
    if asked.keys() & {"drift", "anomalies"} and "column" in asked:
        found["spread"] = of(asked["column"])
    elif "anomalies" in asked:
        found |= {f"spread/{column}": of(column) for column in asked.get("columns", ())}
    if "unseen" in asked:
        found["levels"] = of(asked["column"], ":levels")
    if "missing" in asked and asked["missing"].get("change"):
        found["missing"] = of(asked["column"], ":missing")
    return found


def pins(entry: Mapping[str, Any]) -> Iterator[tuple[str, Sketch]]:
    """What the check of the data has measured that is to be pinned, by its names."""
    seen = entry["measured"]
    has = {"spread": seen.get("sketch"), "levels": seen.get("levels"), "rows": {"rows": entry["rows"]}}
    has |= {f"spread/{column}": sketch for column, sketch in seen.get("sketches", {}).items()}
    if seen.get("missing") is not None:
        has["missing"] = {"missing": seen["missing"]}
    for part, name in names(entry["expectation"]).items():
        sketch = has.get(part)
        if sketch is not None:
            yield name, sketch


def content(graph: Graph) -> str:
    """A digest of all that the sources read."""
    read = {step.id: step.files for step in graph.steps.values() if step.kind == "source"}
    return hashlib.sha256(msgspec.json.encode(read, order="deterministic")).hexdigest()
