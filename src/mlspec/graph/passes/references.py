"""What the check of the data compares with that is not data: the spreads that mlspec.lock has pinned, and the day. It
stands behind the files, by whose digests it knows whether the data is what was pinned."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.spec import pinned


def references(graph: Graph) -> Graph:
    """Fills ``reference`` of expectations on drift and anomalies, where the data is another than the pinned one, and
    ``today`` of those on freshness."""
    step = graph.steps.get("expect")
    if step is None or not any(one.keys() & {"drift", "anomalies", "freshness"} for one in step.params["expectations"]):
        return graph
    locked, now = pinned.locked_references(Path(graph.facts.root)), content(graph)
    filled: list[dict[str, Any]] = []
    for asked in step.params["expectations"]:
        compares = asked.keys() & {"drift", "anomalies"} and not graph.facts.accepted
        before = locked.get(key(asked)) if compares else None
        if before is not None and before.of != now:
            asked = {**asked, "reference": msgspec.json.decode(msgspec.json.encode(before.sketch))}
        if "freshness" in asked:
            asked = {**asked, "today": datetime.now(UTC).date().isoformat()}
        filled.append(asked)
    step = replace(step, params={**step.params, "expectations": filled})
    return graph.replace({**graph.steps, "expect": step})


def key(asked: dict[str, Any]) -> str:
    """The name of a pinned spread: the source, if it is one by itself, and the column."""
    return f"{asked.get('source', '')}/{asked['column']}".lstrip("/")


def content(graph: Graph) -> str:
    """A digest of all that the sources read."""
    read = {step.id: step.files for step in graph.steps.values() if step.kind == "source"}
    return hashlib.sha256(msgspec.json.encode(read, order="deterministic")).hexdigest()
