"""Files of data as sources of a small spec: looked at by ``validate``, drafted by ``init``, read by ``run`` and
``profile``."""

import functools
import json
from pathlib import Path
from random import Random
from typing import Any

import wild
from inputs import join, shown, split

from mlspec import api
from mlspec.document import Document, parse
from mlspec.engine import raw
from mlspec.rules.check import check, facts
from mlspec.spec import Project
from mlspec.spec.draft import draft
from mlspec.spec.load import load
from mlspec.spec.resolve import resolve

SPEC: dict[str, Any] = {
    "mlspec": 1,
    "project": {"name": "p", "goal": "g"},
    "constraints": {"quality": [{"metric": "balanced_accuracy", "at_least": 0.5}]},
    "data": {"sources": {}, "columns": {"target": "y"}, "expect": [{"column": "x", "between": [0, 9]}]},
    "model": {"candidates": {"linear": {"type": "logistic_regression"}}},
}
VERBS = ("validate", "validate", "validate", "init", "read", "profile")


def head(chance: Random, source: dict[str, Any], target: str = "y") -> dict[str, Any]:
    """The head of an input: what to do, the source's settings in the spec, and the column to predict."""
    return {"verb": chance.choice(VERBS), "source": source, "target": target}


def mutate(data: bytes, chance: Random, settings: tuple[str, ...], change: Any = wild.raw) -> bytes:
    """The body changed by ``change``, now and then the verb, a setting of the source or the column."""
    said, body = split(data)
    way = chance.randrange(10)
    if way == 0:
        said["verb"] = chance.choice(VERBS)
    elif way == 1 and isinstance(said.get("source"), dict) and settings:
        said["source"][chance.choice(settings)] = chance.choice((*wild.TEXTS, *wild.VALUES, ["?"], "utf-16", ";", "'"))
    elif way == 2:
        said["target"] = chance.choice(("x", "y", "label", "split", "text", "image", "path", "", "no"))
    return join(said, body if way <= 1 and chance.random() < 0.5 else change(body, chance))


def execute(said: dict[str, Any], root: Path, file: str) -> str:
    """What the head says, on ``file`` in ``root``, which has been written."""
    verb = said.get("verb", "validate")
    if verb == "init":
        return f"drafted {len(draft(root / file, root).splitlines())}"
    if verb == "read":
        source, columns = raw.opened(str(root / file))
        return f"read {source.scan(Path(), columns).collect().width}"
    if verb == "profile":
        return f"profiled {len(api.profile(root / file).columns)}"
    source = said.get("source")
    settings = {**source, **_placed(source, file)} if isinstance(source, dict) else {"path": file}
    document, project = _read(json.dumps({"source": settings, "target": said.get("target", "y")}))
    known, found = facts(project, document, root)
    project = resolve(project, known.schemas, known.target_levels)
    found += check(project, document, known)
    return f"looked at {shown(found, dict(document.texts))}"


def _placed(source: dict[str, Any], file: str) -> dict[str, str]:
    return {"connection": f"sqlite:{file}"} if "connection" in source else {"path": file}


@functools.lru_cache(maxsize=256)
def _read(said: str) -> tuple[Document, Project]:
    asked = json.loads(said)
    spec = json.loads(json.dumps(SPEC))
    spec["data"]["sources"]["a"] = asked["source"]
    spec["data"]["columns"]["target"] = asked["target"]
    document = parse(json.dumps(spec), "project.yaml")
    return document, load(document)
