"""The published schema in a real editor's language server: what it marks, offers and explains agrees with the command.

Needs npm's yaml-language-server, on the path or named by MLSPEC_YAML_LS: ``npm install yaml-language-server`` in some
folder, then ``MLSPEC_YAML_LS=.../node_modules/.bin/yaml-language-server pytest tests/editor``.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.spec.load import load
from mlspec.spec.schema import text as schema_text

SERVER = os.environ.get("MLSPEC_YAML_LS") or shutil.which("yaml-language-server") or ""
pytestmark = pytest.mark.skipif(not Path(SERVER).is_file(), reason="yaml-language-server is not installed")

GOOD = """\
mlspec: 1
project: {name: small, task: regression}
constraints:
  latency: {p95: 5ms}
data:
  sources:
    people: {path: people.csv}
  columns: {target: income}
preprocessing:
  numeric:
    - impute: median
    - scale
model:
  candidates:
    net:
      type: torch.mlp
      epochs: 3
backend: gpu
"""
MISTAKES = {  # a replacement in the good spec, and the line where both must see it
    "unknown key": ("latency: {p95", "latencyy: {p95", 4),
    "unknown key of a model": ("epochs: 3", "epoch: 3", 17),
    "wrong type": ("epochs: 3", "epochs: three", 17),
    "out of range": ("epochs: 3", "epochs: 0", 17),
    "unit": ("p95: 5ms", "p95: 5", 4),
    "enum": ("task: regression", "task: regresion", 2),
    "model": ("type: torch.mlp", "type: torch.mpl", 16),
    "preset": ("backend: gpu", "backend: gpuu", 18),
    "step": ("- scale", "- scalee", 12),
    "shorthand": ("impute: median", "impute: medain", 11),
    "missing key": ("columns: {target: income}", "columns: {}", 8),
}


class Server:
    """A language server spoken to over its standard streams."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number = 0
        self.published: dict[str, list[dict[str, Any]]] = {}
        (folder / "schema.json").write_text(schema_text())
        self.schemas = {(folder / "schema.json").as_uri(): "*.yaml"}
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}})
        self.tell("initialized", {})
        settings = {"yaml": {"schemas": self.schemas, "validate": True, "completion": True, "hover": True}}
        self.tell("workspace/didChangeConfiguration", {"settings": settings})

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self.number and "method" not in message:
                return message.get("result")

    def receive(self) -> dict[str, Any]:
        """The next message; what the server asks of an editor is answered on the way."""
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if "method" in message and "id" in message:
            configured = [
                {"schemas": self.schemas, "validate": True, "completion": True, "hover": True},
                {},
                {},
                {},
                {},
            ]
            wanted = (
                len(message.get("params", {}).get("items", [])) if message["method"].endswith("configuration") else 0
            )
            self.send({"id": message["id"], "result": configured[:wanted] if wanted else None})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.published[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def diagnostics(self, uri: str, text: str) -> list[dict[str, Any]]:
        self.published.pop(uri, None)
        self.tell(
            "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}
        )
        while uri not in self.published:
            self.receive()
        return self.published[uri]

    def at(self, method: str, uri: str, line: int, character: int) -> Any:
        return self.ask(method, {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("editor"))
    yield running
    running.process.kill()
    running.process.communicate()


def ours(text: str) -> set[int]:
    """The lines that the command marks."""
    try:
        load(parse(text, "f"))
    except SpecError as error:
        return {d.span.line for d in error.diagnostics if d.span is not None}
    return set()


def test_a_good_spec_is_good_in_both(server: Server, tmp_path: Path) -> None:
    assert ours(GOOD) == set()
    assert server.diagnostics((tmp_path / "good.yaml").as_uri(), GOOD) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_marked_on_the_same_line(name: str, server: Server, tmp_path: Path) -> None:
    before, after, line = MISTAKES[name]
    text = GOOD.replace(before, after)
    assert text != GOOD
    assert ours(text) == {line}
    marked = server.diagnostics((tmp_path / f"{name.replace(' ', '-')}.yaml").as_uri(), text)
    assert line in {d["range"]["start"]["line"] + 1 for d in marked}, marked


def test_keys_of_the_chosen_model_are_offered_and_explained(server: Server, tmp_path: Path) -> None:
    text = GOOD.replace("      epochs: 3\n", "      \n")
    uri = (tmp_path / "completion.yaml").as_uri()
    server.diagnostics(uri, text)
    found = server.at("textDocument/completion", uri, 16, 6)
    offered = {item["label"] for item in (found["items"] if isinstance(found, dict) else found)}
    assert {"epochs", "dropout", "hidden", "learning_rate"} <= offered
    assert "max_leaf_nodes" not in offered
    uri = (tmp_path / "types.yaml").as_uri()
    server.diagnostics(uri, GOOD.replace("type: torch.mlp", "type: "))
    found = server.at("textDocument/completion", uri, 15, 12)
    offered = {item["label"] for item in (found["items"] if isinstance(found, dict) else found)}
    assert {"torch.mlp", "ridge", "hist_gradient_boosting"} <= offered
    uri = (tmp_path / "hover.yaml").as_uri()
    server.diagnostics(uri, GOOD)
    told = json.dumps(server.at("textDocument/hover", uri, 16, 8))
    assert "passes over the training rows" in told
