"""A small package, and what asks the application that serves it without a network between."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from mlspec.api import service
from mlspec.serving.app import App
from mlspec.serving.metrics import Metrics
from mlspec.serving.model import Model
from mlspec.serving.tokens import Tokens
from mlspec.steps.serving import package

from . import packages


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


Ask = Callable[..., Reply]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with three classes that hands some rows to people."""
    return packages.write(tmp_path_factory.mktemp("small") / "model", classes=3, abstain_below=0.6)


def app_of(folder: Path, *, tokens: tuple[str, ...] = (), timeout: float = 10.0, log: Any = None) -> App:
    loaded = package.load(folder)
    model = Model(loaded, folder, "small", service.by_table(loaded))
    metrics = Metrics()
    return App(model, max_rows=50, timeout=timeout, tokens=Tokens(tokens), metrics=metrics, log=log)


def asked(
    app: App,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "",
    busy: bool = False,
) -> Reply:
    """The answer to one request; a ``body`` that is no bytes is sent as JSON."""
    data = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method or ("GET" if body is None else "POST"),
        "path": path,
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "state": {"busy": busy},
    }
    asyncio.run(app(scope, receive, send))
    start, end = sent
    return Reply(start["status"], {n.decode(): v.decode() for n, v in start["headers"]}, end["body"])


@pytest.fixture(scope="session")
def app(folder: Path) -> App:
    return app_of(folder)


@pytest.fixture
def ask(app: App) -> Ask:
    return lambda path, body=None, headers=None, **more: asked(app, path, body, headers, **more)
