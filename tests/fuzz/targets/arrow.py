"""Arrow files, most of them with a footer that is read and says something else."""

from pathlib import Path
from random import Random

import columnar
import files
from inputs import fresh, join, split

SHARE, TRACED = 150, False
MAGIC = b"ARROW1"

is_held = files.is_held


def seeds() -> list[bytes]:
    """Plain and nested, packed and not, one for each verb."""
    made = [columnar.arrow(plain, packing) for plain in (True, False) for packing in ("uncompressed", "zstd", "lz4")]
    return [
        join({"verb": verb, "source": {}, "target": "y"}, body) for body in made for verb in sorted(set(files.VERBS))
    ]


def mutate(data: bytes, chance: Random) -> bytes:
    """The footer, or any bytes."""
    return files.mutate(data, chance, ("path",), lambda body, c: columnar.footed(body, c, MAGIC))


def one(data: bytes, scratch: Path) -> str:
    """Write the file and do what the head says."""
    said, body = split(data)
    root = fresh(scratch / "arrow")
    (root / "a.arrow").write_bytes(body)
    return files.execute(said, root, "a.arrow")


def apart(data: bytes, scratch: Path) -> str:
    """The same, with the look made in a child process."""
    return one(files.apart(data), scratch)
