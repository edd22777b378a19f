"""JSON Lines."""

import json
from pathlib import Path
from random import Random

import files
import wild
from inputs import fresh, join, split

SHARE, TRACED = 150, True
ROWS = [
    {"x": 1.5, "c": "a", "d": "2020-01-01", "b": True, "y": "u"},
    {"x": None, "c": "b", "b": False, "y": "v"},
    {"y": "u", "n": 3},
]


def seeds() -> list[bytes]:
    """One for each verb."""
    body = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
    return [join({"verb": verb, "source": {}, "target": "y"}, body) for verb in sorted(set(files.VERBS))]


def mutate(data: bytes, chance: Random) -> bytes:
    """One line's values, or bytes."""
    return files.mutate(data, chance, ("path", "schema", "encoding"), _changed)


def _changed(body: bytes, chance: Random) -> bytes:
    lines = body.splitlines(keepends=True) or [b"{}\n"]
    at = chance.randrange(len(lines))
    lines[at] = wild.json_of(lines[at], chance, ("x", "c", "y", "d")).rstrip(b"\n") + b"\n"
    if chance.random() < 0.1:
        lines.insert(at, chance.choice(lines))
    return b"".join(lines)[: wild.LARGEST] if chance.random() < 0.9 else wild.raw(body, chance)


def one(data: bytes, scratch: Path) -> str:
    """Write the file and do what the head says."""
    said, body = split(data)
    root = fresh(scratch / "jsonl")
    (root / "a.jsonl").write_bytes(body)
    return files.execute(said, root, "a.jsonl")
