"""Exported models: what a folder says of itself, of its preparation, and the files of weights."""

import base64
import json
from pathlib import Path
from random import Random
from typing import Any

import wild
from inputs import fresh

from mlspec import api

SHARE, TRACED = 20, False
KEYS = (
    "candidate", "model", "columns", "target", "task", "classes", "positive", "threshold", "abstain_below", "members",
    "derived", "treatments", "keys", "personal", "groups", "calibration", "stages", "levels", "center", "width",
    "name", "type", "weight",
)  # fmt: skip


def seeds() -> list[bytes]:
    """None but those of the corpus, which runs have written."""
    return []


def mutate(data: bytes, chance: Random) -> bytes:
    """One of the files: JSON by its values, others by their bytes; names too."""
    try:
        files: dict[str, Any] = json.loads(data)
        name = chance.choice(sorted(files))
        content = _bytes(files[name])
    except (ValueError, TypeError, IndexError, AttributeError):
        return wild.raw(data, chance)
    if name.endswith(".json") and chance.random() < 0.9:
        content = wild.json_of(content, chance, KEYS)
    elif chance.random() < 0.05:
        files[chance.choice(("model/sklearn.py", "model/zipfile.py", "../x", "members/a/state.json"))] = files.pop(name)
        return json.dumps(files).encode()
    else:
        content = wild.raw(content, chance)
    files[name] = _text(content)
    return json.dumps(files).encode()


def one(data: bytes, scratch: Path) -> str:
    """Load the folder and predict a few rows."""
    folder = fresh(scratch / "package")
    try:
        files = json.loads(data)
        assert isinstance(files, dict)
    except (ValueError, RecursionError, AssertionError):
        files = {"package.json": data.decode("latin-1")}
    for name, content in files.items():
        path = folder / name
        if "\0" in name or not path.resolve().is_relative_to(folder.resolve()) or len(name) > 200:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_bytes(content))
        except (OSError, ValueError, TypeError, AttributeError):
            continue
    if not (folder / "package.json").is_file():
        return "no package"
    model = api.load_model(folder)
    rows = _rows()
    found = api.predict(model, rows)
    return f"predicted {found.width}"


def _rows() -> Any:
    import polars as pl

    text = (
        b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year,x,c\n"
        + b"Biscoe,40,18,190,3700,male,2007,1,a\nDream,,17,200,,,2008,,\n"
    )
    return pl.read_csv(text)


def _bytes(content: Any) -> bytes:
    return (
        base64.b64decode(content[7:])
        if isinstance(content, str) and content.startswith("base64:")
        else content.encode()
    )


def _text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(content).decode()
    return text


def of(folder: Path) -> bytes:
    """A package's folder as an input."""
    held = {
        path.relative_to(folder).as_posix(): _text(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return json.dumps({name: text for name, text in held.items() if name != "README.md"}).encode()
