"""Workbooks, most of them with a part that is read and says something else."""

import importlib.util
import io
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import files
import wild
from inputs import fresh, join, split

SHARE, TRACED = 40, False
ROWS = [["x", "y", "n"], [1.5, "u", 1], [None, "v", 2], [2.5, "u", None]]


def is_held(data: bytes) -> bool:
    """Always: a child process has unpacked all of the sheet before anything else does."""
    return True


def seeds() -> list[bytes]:
    """One for each verb."""
    body = _written()
    return [join({"verb": verb, "source": {}, "target": "y"}, body) for verb in sorted(set(files.VERBS))]


def mutate(data: bytes, chance: Random) -> bytes:
    """The text of a part, or any bytes."""
    return files.mutate(data, chance, ("path", "sheet", "header", "missing"), _changed)


def _changed(body: bytes, chance: Random) -> bytes:
    if chance.random() < 0.2:
        return wild.raw(body, chance)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # an input that was no archive stays one
        return wild.raw(body, chance)
    name = chance.choice(sorted(parts))
    parts[name] = wild.raw(parts[name], chance)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for one_name, part in parts.items():
            archive.writestr(one_name, part)
    return out.getvalue()


def one(data: bytes, scratch: Path) -> str:
    """Write the file and do what the head says."""
    said, body = split(data)
    root = fresh(scratch / "excel")
    (root / "a.xlsx").write_bytes(body)
    return files.execute(said, root, "a.xlsx")


def apart(data: bytes, scratch: Path) -> str:
    """The same, with the look made in a child process."""
    return one(files.apart(data), scratch)


def _written() -> bytes:
    found = importlib.util.spec_from_file_location("workbooks", Path(__file__).parents[2] / "workbooks.py")
    assert found is not None
    assert found.loader is not None
    workbooks: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(workbooks)
    out = io.BytesIO()
    workbooks.write(out, Data=ROWS)
    return out.getvalue()
