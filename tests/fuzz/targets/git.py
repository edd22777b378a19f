"""Commits whose trees hold wild names and kinds, written object by object, and compared by ``diff``."""

import hashlib
import json
import os
import zlib
from pathlib import Path
from random import Random
from typing import Any

import wild
from inputs import fresh, refused

from mlspec.diagnostics import SpecError
from mlspec.diff.between import Options, between
from mlspec.diff.show.text import text
from mlspec.diff.version import versions

SHARE, TRACED = 2, False
SPEC = """\
project: {name: small, task: binary_classification}
constraints: {quality: [{metric: roc_auc, at_least: 0.8}]}
data: {sources: {people: {path: people.csv}}, columns: {target: income}}
model: {candidates: {one: {type: logistic_regression}}}
"""
ROWS = "age,job,income\n" + "".join(f"{20 + i},{'abc'[i % 3]},{'high' if i % 2 else 'low'}\n" for i in range(9))
LOCK = json.dumps(
    {"version": 1, "sources": {"people": {"files": {"people.csv": "0" * 64}, "columns": {"age": "integer"}}}}
)
NAMES = (
    "project.yaml",
    "people.csv",
    "mlspec.lock",
    "..",
    ".",
    "/etc",
    "/tmp/x",
    ".git",
    "a/b",
    "a\\b",
    "C:x",
    "",
    "x" * 300,
    "\n::error::x",
    "\x1b[31m",
    "own.py",
    "é",
    "\ud800",
)
MODES = ("100644", "100755", "120000", "160000", "40000", "040000", "0", "777777", "x", "100644 ", "")


def seeds() -> list[bytes]:
    """A commit and one after it."""
    plain = [["100644", "project.yaml", SPEC], ["100644", "people.csv", ROWS], ["100644", "mlspec.lock", LOCK]]
    second = [["100644", "project.yaml", SPEC.replace("0.8", "0.7")], *plain[1:]]
    inner = [["40000", "a", plain], ["100644", "own.py", "class Net: pass\n"]]
    return [
        json.dumps({"base": one, "head": other, "how": how}).encode()
        for one, other, how in ((plain, second, "two"), (inner, plain, "two"), (plain, second, "one"))
    ]


def mutate(data: bytes, chance: Random) -> bytes:
    """Entries of the trees, the contents of files, or the bytes of an object."""
    try:
        said = json.loads(data)
        side = said[chance.choice(("base", "head"))]
        entry = chance.choice(side)
    except (ValueError, KeyError, TypeError, IndexError):
        return chance.choice(seeds())
    way = chance.randrange(8)
    if way == 0:
        entry[0] = chance.choice(MODES)
    elif way in (1, 2):
        entry[1] = chance.choice(NAMES) if chance.random() < 0.8 else chance.choice(wild.TEXTS)
    elif way == 3:
        side.append(
            [
                chance.choice(MODES[:5]),
                chance.choice(NAMES),
                chance.choice((SPEC, ROWS, LOCK, "x", [["100644", "y", "z"]])),
            ]
        )
    elif way == 4:
        side.remove(entry)
    elif way == 5 and len(entry) > 2 and isinstance(entry[2], str):
        entry[2] = wild.raw(entry[2].encode("utf-8", "replace"), chance).decode("utf-8", "replace")
    elif way == 6:
        said["damage"] = [
            chance.choice(("tree", "blob", "commit")),
            chance.choice(("cut", "type", "size", "gone", "zlib", "name")),
        ]
    else:
        said["how"] = chance.choice(("one", "two", "range", "file"))
    return json.dumps(said).encode()


class _Repository:
    """A repository made of loose objects."""

    def __init__(self, root: Path, damage: Any) -> None:
        self.root, self.damage = root, damage if isinstance(damage, list) and len(damage) == 2 else ["", ""]
        for name in ("objects", "refs/heads"):
            (root / ".git" / name).mkdir(parents=True)
        (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
        (root / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")

    def put(self, kind: str, body: bytes) -> str:
        """An object's name, once it is stored; a damaged one where that was asked for."""
        held = b"%s %d\0" % (kind.encode(), len(body)) + body
        name = hashlib.sha1(held, usedforsecurity=False).hexdigest()
        what = self.damage[1] if self.damage[0] == kind else ""
        if what == "type":
            held = b"blob %d\0" % len(body) + body if kind != "blob" else b"tree %d\0" % len(body) + body
        if what == "size":
            held = b"%s 99999999999\0" % kind.encode() + body
        if what == "name":
            held += b"x"
        packed = zlib.compress(held)
        packed = packed[: len(packed) // 2] if what == "cut" else b"\xff" * 9 if what == "zlib" else packed
        path = self.root / ".git/objects" / name[:2] / name[2:]
        path.parent.mkdir(exist_ok=True)
        if what != "gone":
            path.write_bytes(packed)
        return name

    def tree(self, entries: Any, depth: int = 0) -> str:
        """The name of a tree, its entries in the order that they are given in."""
        body = b""
        for entry in entries if isinstance(entries, list) and depth < 4 else ():
            if not isinstance(entry, list) or len(entry) != 3:
                continue
            mode, name, held = (str(entry[0]), str(entry[1]), entry[2])
            inner = (
                self.tree(held, depth + 1)
                if isinstance(held, list)
                else self.put("blob", str(held).encode("utf-8", "replace"))
            )
            body += b"%s %s\0" % (mode.encode(), name.encode("utf-8", "surrogatepass")) + bytes.fromhex(inner)
        return self.put("tree", body)

    def commit(self, entries: Any, parent: str | None) -> str:
        """The name of a commit."""
        above = f"parent {parent}\n" if parent else ""
        person = "t <t@localhost> 1600000000 +0000"
        body = f"tree {self.tree(entries)}\n{above}author {person}\ncommitter {person}\n\none\n".encode()
        name = self.put("commit", body)
        (self.root / ".git/refs/heads/main").write_text(name + "\n")
        return name


def one(data: bytes, scratch: Path) -> str:
    """Write the repository and compare."""
    try:
        said = json.loads(data)
        assert isinstance(said, dict)
    except (ValueError, RecursionError, AssertionError):
        said = {"base": [["100644", "project.yaml", data.decode("latin-1")]]}
    before = set(os.listdir(scratch))
    root = fresh(scratch / "git")
    made = _Repository(root, said.get("damage"))
    base = made.commit(said.get("base"), None)
    made.commit(said.get("head"), base)
    (root / "project.yaml").write_text(SPEC)
    (root / "people.csv").write_text(ROWS)
    arguments = {"one": (base,), "range": (f"{base}..HEAD",), "file": (f"{base}:a/project.yaml", "HEAD:project.yaml")}
    here = os.getcwd()
    os.chdir(root)
    try:
        found = between(*versions(*(*arguments.get(str(said.get("how")), (base, "HEAD")), None)[:2], None), Options())
        text(found)
        return f"diff {min(9, len(found.changes))}"
    except SpecError as error:
        return f"refused {refused(error, {})}"
    finally:
        os.chdir(here)
        assert set(os.listdir(scratch)) - before <= {"git"}, set(os.listdir(scratch)) - before
