"""Answers that ``compile`` has kept: entries with a right seal that say something else, and unsealed ones."""

import os
from pathlib import Path
from random import Random

import beside
import wild

from mlspec.cli import _memo
from mlspec.machine import seals

SHARE, TRACED = 30, True
UNSEALED = b"unsealed:"
REQUEST = (None, (), None, False, "tree", False)


def seeds() -> list[bytes]:
    """What an entry holds before its seal."""
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
        UNSEALED + b"done\n\nx\n",
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
    folder = root / _memo.CACHE
    (folder / _memo.ENTRIES).mkdir(parents=True)
    stored = data.removeprefix(UNSEALED) if data.startswith(UNSEALED) else seals.sealed(data, seals.make(folder))
    (folder / _memo.ENTRIES / _memo._name(spec, REQUEST)).write_bytes(stored)
    found = _memo.recall(spec, REQUEST)
    return "nothing" if found is None else f"answer {found.pending}"
