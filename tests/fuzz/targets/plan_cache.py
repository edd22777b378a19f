"""Answers that ``compile`` has kept: entries with a right checksum that say something else."""

import os
from pathlib import Path
from random import Random

import beside
import wild

from mlspec.cli import _memo

SHARE, TRACED = 60, True
REQUEST = (None, (), None, False, "tree", False)


def seeds() -> list[bytes]:
    """What an entry holds behind its checksum."""
    looks = "\n".join(
        (
            _memo.look(os.devnull),
            "project.yaml\t1 2 3",
            "/nowhere\tabsent",
            os.path.join("/nowhere", "") + "\t0 e3b0c44298fc1c14 code",
        )
    )
    return [
        f"done\n{looks}\n\nnothing to do\n".encode(),
        b"pending\n\nx\n",
        b"pending\n/nowhere\tabsent\n\nwork\n",
        b"",
    ]


def mutate(data: bytes, chance: Random) -> bytes:
    """Lines and bytes."""
    return wild.raw(
        data, chance, (*wild.TOKENS, b"\t", b"\n\n", b"absent", b"code", b"/proc/self/environ", b"/dev/zero", b"done\n")
    )


def one(data: bytes, scratch: Path) -> str:
    """Write the entry and ask for the answer."""
    root = beside.fresh(scratch, "plan_cache")
    spec = str(root / "project.yaml")
    place = Path(_memo._place(spec, REQUEST))
    place.parent.mkdir(parents=True)
    body = data.decode("utf-8", "surrogateescape")
    place.write_bytes(_memo._digest(body).encode() + b"\n" + data)
    found = _memo.recall(spec, REQUEST)
    return "nothing" if found is None else f"answer {found.pending}"
