"""Inputs of several parts as one string of bytes: a line of JSON that says what to do, and a body."""

import json
import shutil
from pathlib import Path
from typing import Any

from mlspec.diagnostics import Diagnostic, SpecError, printable, render

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SPECS = ROOT / "specs"


class UnshowableError(AssertionError):
    """What is printed would reach a terminal raw, or begin a workflow command, or has no place."""


def join(head: dict[str, Any], body: bytes) -> bytes:
    """The input with that head and body."""
    return json.dumps(head).encode() + b"\n" + body


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Head and body of an input; an empty head where the first line is none."""
    line, _, body = data.partition(b"\n")
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        return {}, data
    return (head, body) if isinstance(head, dict) else ({}, data)


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def shown(found: "list[Diagnostic] | tuple[Diagnostic, ...]", texts: dict[str, str]) -> str:
    """The codes of diagnostics, once they have been rendered. Raises UnshowableError."""
    text = render(found, texts)
    text.encode()
    for line in text.split("\n"):
        if printable(line) != line:
            raise UnshowableError(f"raw characters are printed: {line!r}")
        if line.startswith(("::", "##[")):
            raise UnshowableError(f"a line begins a workflow command: {line!r}")
    return ",".join(sorted({one.code for one in found}))


def refused(error: SpecError, texts: dict[str, str]) -> str:
    """The codes of what was refused, once it has been rendered."""
    return shown(error.diagnostics, {**texts, **error.texts})
