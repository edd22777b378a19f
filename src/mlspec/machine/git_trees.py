"""git's trees, read from their bytes: what git itself would not check out is refused."""

import os
import re
from typing import NamedTuple

LARGEST = 32 << 20
KINDS = {"40000": "tree", "040000": "tree", "120000": "link", "160000": "submodule"}
FILE = re.compile(r"100[0-7]{3}")
DRIVE = re.compile(r"[A-Za-z]:")


class Entry(NamedTuple):
    """What a tree has under a name: ``kind`` is blob, tree, link or submodule, ``name`` that of the object."""

    kind: str
    name: str


def entries(data: bytes | None, width: int) -> dict[str, Entry]:
    """What a tree has, by name; ``width`` is the length of an object's name in bytes.

    Raises ValueError for a tree that is cut off or too large, for a name that leads elsewhere (absolute, ``..``,
    ``.git``, a drive letter), and for one that is there twice.
    """
    if data is None:
        raise ValueError(f"a folder with more than {LARGEST >> 20} MiB of names")
    found: dict[str, Entry] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at)
        end = data.find(b"\0", space)
        after = end + 1 + width
        mode = os.fsdecode(data[at:space])
        kind = "blob" if FILE.fullmatch(mode) else KINDS.get(mode)
        if space < 0 or end < 0 or after > len(data) or kind is None:
            raise ValueError("a folder that is not a git tree")
        name = os.fsdecode(data[space + 1 : end])
        if name in ("", ".", "..") or "/" in name or name.lower() == ".git" or DRIVE.match(name):
            raise ValueError(f"a file named '{name}'")
        if name in found:
            raise ValueError(f"two files named '{name}'")
        found[name] = Entry(kind, data[end + 1 : after].hex())
        at = after
    return found
