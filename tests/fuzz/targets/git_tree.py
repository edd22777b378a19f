"""The bytes of git's trees, which git hands over as they are."""

from pathlib import Path
from random import Random

import wild
from inputs import UnshowableError

from mlspec.machine import git_trees

SHARE, TRACED = 150, True
TOKENS = (
    b"100644 a\0", b"40000 b\0", b"120000 c\0", b"160000 d\0", b"100644 .git\0", b"100644 ..\0", b"100644 a/b\0",
    b"0 \0", b"\0" * 20, b"\xff" * 20, b"100644 \xe2\x80\x8cgit\0", b"100644 GIT~1\0", b"100644 a\\b\0",
    b"100644 \n::x\0", b"040000 ", b"100664 ",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Trees with names of 20 and of 32 bytes, which the first byte says."""
    entries = (b"100644 a\0", b"40000 b\0", b"100755 c.py\0", b"120000 link\0", b"160000 sub\0")
    return [bytes([size]) + b"".join(entry + bytes(range(size)) for entry in entries) for size in (20, 32)]


def mutate(data: bytes, chance: Random) -> bytes:
    """Entries and bytes."""
    return data[:1] + wild.raw(data[1:], chance, TOKENS)


def one(data: bytes, _scratch: Path) -> str:
    """Read it."""
    try:
        found = git_trees.entries(data[1:], 32 if data[:1] == b" " else 20)
    except ValueError as error:
        return f"refused {str(error).split(chr(39))[0]}"
    for name in found:
        if "/" in name or name.lower() in ("", ".", "..", ".git") or "\0" in name:
            raise UnshowableError(f"a name that leads elsewhere: {name!r}")
    return f"tree {min(5, len(found))}"
