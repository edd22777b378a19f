"""Files of data as sources of a small spec: looked at by ``validate``, drafted by ``init``, read by ``run`` and
``profile``."""

import functools
import json
from pathlib import Path
from random import Random
from typing import Any

import here
import wild
from inputs import join, shown, split

from mlspec import api
from mlspec.api import new_data
from mlspec.document import Document, parse
from mlspec.draft import draft
from mlspec.machine import allowed_reads
from mlspec.rules.check import check, facts
from mlspec.spec import Project
from mlspec.spec.load import load
from mlspec.spec.resolve import resolve
from mlspec.steps.data import raw_rows
from mlspec.steps.serving import package_format

SPEC: dict[str, Any] = {
    "mlspec": 1,
    "project": {"name": "p", "goal": "g"},
    "constraints": {"quality": [{"metric": "balanced_accuracy", "at_least": 0.5}]},
    "data": {"sources": {}, "columns": {"target": "y"}, "expect": [{"column": "x", "between": [0, 9]}]},
    "model": {"candidates": {"linear": {"type": "logistic_regression"}}},
}
VERBS = ("validate", "validate", "validate", "init", "read", "profile")


HELD = ("validate", "init")  # that ask a child process where the reader can crash


def is_held(data: bytes) -> bool:
    """Whether what this input does to the process would be done to a child."""
    return split(data)[0].get("verb", "validate") in HELD


def mutate(data: bytes, chance: Random, settings: tuple[str, ...], change: Any = wild.raw) -> bytes:
    """The body changed by ``change``, now and then the verb, a setting of the source or the column."""
    said, body = split(data)
    way = chance.randrange(10)
    if way == 0:
        said["verb"] = chance.choice(VERBS)
    elif way == 1 and isinstance(said.get("source"), dict) and settings:
        said["source"][chance.choice(settings)] = chance.choice((*wild.TEXTS, *wild.VALUES, ["?"], "utf-16", ";", "'"))
    elif way == 2 and chance.random() < 0.02:
        said["apart"] = True
    elif way == 2:
        said["target"] = chance.choice(("x", "y", "label", "split", "text", "image", "path", "", "no"))
    return join(said, body if way <= 1 and chance.random() < 0.5 else change(body, chance))


def apart(data: bytes) -> bytes:
    """The input that has its look made in a child process."""
    said, body = split(data)
    return join({**said, "apart": True}, body)


def execute(said: dict[str, Any], root: Path, file: str) -> str:
    """What the head says, on ``file`` in ``root``, which has been written."""
    with here.looks(apart=said.get("apart") is True):
        return _executed(said, root, file)


def _executed(said: dict[str, Any], root: Path, file: str) -> str:
    verb = said.get("verb", "validate")
    if verb == "init":
        return f"drafted {len(draft(root / file, root, with_rows=False).written().places)}"
    if verb == "read":
        _source, columns, _notes = raw_rows.opened(str(root / file))
        model: Any = _Model(columns)
        return f"read {new_data.from_file(str(root / file), model, (), {}).rows.width}"
    if verb == "profile":
        return f"profiled {len(api.profile(root / file).columns)}"
    source = said.get("source")
    settings = {**source, **_placed(source, file)} if isinstance(source, dict) else {"path": file}
    document, project = _read(json.dumps({"source": settings, "target": said.get("target", "y")}))
    known, found = facts(project, document, root, allowed_reads.around(root))
    project = resolve(project, known.schemas, known.target_levels)
    found += check(project, document, known)
    return f"looked at {shown(found, dict(document.texts))}"


class _Model:
    """As much of a model as reading its rows takes: the columns that it knows."""

    def __init__(self, columns: Any) -> None:
        kinds = tuple((column.name, column.type) for column in columns)
        self.about: Any = package_format.About(
            candidate="c", model=("ridge", {}), columns=kinds, target="y", target_type="number",
            task="regression", classes=None, positive=None,
        )  # fmt: skip

    def levels(self) -> dict[str, list[str]]:
        """It knows no categories."""
        return {}


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
