"""Requests to a service: a byte that says which address, then the body, to the application without a network between.

Nothing but an answer in JSON may come of one: with a status below 500, or 503 for what takes too long.
"""

import asyncio
import functools
import importlib.util
import json
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import wild

from mlspec.api import service
from mlspec.serving.app import App
from mlspec.serving.metrics import Metrics
from mlspec.serving.model import Model
from mlspec.serving.tokens import Tokens
from mlspec.steps.serving import package

SHARE, TRACED = 100, True
PATHS = ("/predict", "/v2/models/m/infer")
TYPES = {"integer": "INT64", "number": "FP64", "boolean": "BOOL"}


@functools.cache
def _packages() -> ModuleType:
    file = Path(__file__).parents[2] / "serving" / "packages.py"
    spec = importlib.util.spec_from_file_location("packages", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@functools.cache
def _app(scratch: Path) -> App:
    folder = scratch / "request-model"
    if not folder.exists():
        _packages().write(folder, classes=3, abstain_below=0.6)
    loaded = package.load(folder)
    model = Model(loaded, folder, "m", service.by_table(loaded))
    return App(model, max_rows=20, timeout=60.0, tokens=Tokens(), metrics=Metrics())


def seeds() -> list[bytes]:
    """A row, several rows, and the same for the protocol."""
    rows, kinds = _packages().rows(3, seed=8), _packages().KINDS
    inputs = [
        {"name": name, "shape": [3], "datatype": TYPES.get(kind, "BYTES"), "data": [row[name] for row in rows]}
        for name, kind in kinds.items()
    ]
    bodies = [(0, rows[0]), (0, rows), (1, {"inputs": inputs}), (1, {"id": "1", "inputs": inputs, "outputs": []})]
    return [bytes([path]) + json.dumps(body).encode() for path, body in bodies]


def mutate(data: bytes, chance: Random) -> bytes:
    """Values by their places, or bytes."""
    keys = (*_packages().KINDS, "inputs", "data", "shape", "datatype", "name", "outputs", "id")
    body = wild.json_of(data[1:], chance, keys) if chance.random() < 0.8 else wild.raw(data[1:], chance)
    return data[:1] + body


def one(data: bytes, scratch: Path) -> str:
    """Ask, and look at the answer."""
    path = PATHS[(data[0] if data else 0) % 2]
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": data[1:], "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "state": {}}
    asyncio.run(_app(scratch)(scope, receive, send))
    start, end = sent
    status, said = start["status"], json.loads(end["body"])
    assert status < 500, said
    assert ("error" in said) == (status != 200), said
    return str(status)
