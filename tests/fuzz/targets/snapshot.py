"""What is known of sources that are fetched: ``.mlspec/snapshots/NAME/latest.json`` and what the lock pins of them."""

import json
from pathlib import Path
from random import Random

import beside
import wild

from mlspec.spec import pinned

SHARE, TRACED = 40, True
SPEC = beside.SPEC.replace("path: data/penguins.csv", "path: https://example.org/penguins.csv")


def seeds() -> list[bytes]:
    """A snapshot in each place."""
    _document, project = beside._read(SPEC)
    source = pinned.identity(project.data.sources["birds"])
    columns = {"species": "category", "year": "integer", "island": "category"}
    about = {"source": source, "columns": columns, "target": "species", "levels": ["a", "b"], "rows": 10}
    held = {**about, "file": "data/penguins.csv", "format": "csv", "digest": "0" * 64}
    locked = {"sources": {"birds": {**about, "files": {"data/penguins.csv": "0" * 64}}}}
    places = (".mlspec/snapshots/birds/latest.json", ".mlspec/snapshots/birds/fallback.json", "mlspec.lock")
    return [json.dumps([place, locked if place == "mlspec.lock" else held]).encode() for place in places]


def mutate(data: bytes, chance: Random) -> bytes:
    """Its values."""
    try:
        place, held = json.loads(data)
        return json.dumps(
            [place, wild.tree(held, chance, ("file", "format", "columns", "levels", "wanted", "treated", "mark"))]
        ).encode()
    except (ValueError, RecursionError, TypeError):
        return wild.raw(data, chance)


def one(data: bytes, scratch: Path) -> str:
    """Compile a spec whose source is fetched."""
    root = beside.fresh(scratch, "snapshot")
    try:
        place, held = json.loads(data)
        content = json.dumps(held).encode()
    except (ValueError, RecursionError, TypeError):
        place, content = "", data
    if place not in (".mlspec/snapshots/birds/latest.json", ".mlspec/snapshots/birds/fallback.json", "mlspec.lock"):
        place = ".mlspec/snapshots/birds/latest.json"
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_bytes(content)
    return beside.compiled(root, SPEC)[1]
