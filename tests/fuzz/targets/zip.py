"""Archives of pictures and texts, written from JSON with right checksums, or changed by their bytes."""

import base64
import contextlib
import io
import json
import struct
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import files
import wild
from inputs import fresh, join, split

SHARE, TRACED = 40, True
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
NAMES = (
    "../x.png", "/x.png", "a\\b.png", "C:/x.png", "u//x.png", "u/./x.png", "U/0.png", "u/0.PNG", ".hidden/x.png",
    "_x/y.png", "labels.csv", "metadata.csv", "metadata.jsonl", "train/u/0.png", "a/b/c/d/e.png", "u", "u/", "x\0.png",
    "é/1.png", "u/" + "x" * 300 + ".png",
)  # fmt: skip
TABLES = (
    "file_name,label\nu/0.png,u\n",
    "file_name\n",
    'file_name,"a\n',
    '{"file_name": "u/0.png", "label": 1e999}\n',
    "[" * 3000,
    "\xff",
    "file_name,x\n" + "u/0.png,\n" * 3,
)


def _entries(ending: str, content: bytes) -> list[dict[str, Any]]:
    held = base64.b64encode(content).decode()
    return [{"name": f"{label}/{i}.{ending}", "content": held} for label in "uv" for i in range(3)]


def seeds() -> list[bytes]:
    """Pictures, texts, with a table and with parts."""
    pictures, texts = _entries("png", PICTURE), _entries("txt", b"some words here")
    tabled = [
        *({**one, "name": one["name"].replace("/", "-")} for one in pictures[:2]),
        {"name": "labels.csv", "content": base64.b64encode(b"file_name,label\nu-0.png,u\nu-1.png,v\n").decode()},
    ]
    parts = [{**one, "name": f"{part}/{one['name']}"} for part in ("train", "test") for one in pictures[:2]]
    said = [("images", pictures), ("texts", texts), ("images", tabled), ("images", parts)]
    return [
        join({"verb": verb, "source": {"format": kind}, "target": "label", "entries": True}, json.dumps(one).encode())
        for kind, one in said
        for verb in ("validate", "init", "read")
    ]


def mutate(data: bytes, chance: Random) -> bytes:
    """Names, contents and flags; or from now on the archive's own bytes."""
    said, body = split(data)
    if said.get("entries") and chance.random() < 0.25:
        said, body = {**said, "entries": False}, archive(body)
    change = _listed if said.get("entries") else _bytes
    return files.mutate(join(said, body), chance, ("format", "path"), change)


def _listed(body: bytes, chance: Random) -> bytes:
    try:
        entries = json.loads(body)
    except (ValueError, RecursionError):
        return wild.raw(body, chance)
    if not isinstance(entries, list) or chance.random() < 0.1:
        return wild.json_of(body, chance, ("name", "content", "flags", "size", "method"))
    for _ in range(chance.choice((1, 1, 2, 4))):
        one = chance.choice(entries) if entries and chance.random() < 0.7 else {"name": "u/9.png", "content": ""}
        one = one if isinstance(one, dict) else {}
        new = dict(one)
        way = chance.randrange(6)
        if way == 0:
            new["name"] = chance.choice(NAMES) if chance.random() < 0.8 else wild.text(str(new.get("name")), chance)
        elif way == 1:
            new |= {
                "name": chance.choice(("labels.csv", "metadata.csv", "metadata.jsonl")),
                "content": base64.b64encode(chance.choice(TABLES).encode()).decode(),
            }
        elif way == 2:
            held = (
                base64.b64decode(str(new.get("content", "")), validate=False) if _is_base64(new.get("content")) else b""
            )
            new["content"] = base64.b64encode(wild.raw(held, chance)).decode()
        elif way == 3:
            new["method"] = chance.choice((0, 8, 12, 14, 99))
        elif way == 4:
            new["mode"] = chance.choice((0o120777, 0o040755, 0o100644, 0o010644, 0))
        else:
            new["zeros"] = chance.choice((1, 10**4, 10**6, 2 * 10**7))
        entries.append(new) if chance.random() < 0.4 else entries.__setitem__(
            chance.randrange(len(entries) or 1), new
        ) if entries else None
    return json.dumps(entries).encode()


def _bytes(body: bytes, chance: Random) -> bytes:
    """A field of the list of contents, or any bytes."""
    at = body.find(b"PK\x01\x02", chance.randrange(max(1, len(body))))
    at = body.find(b"PK\x05\x06") if chance.random() < 0.2 else at
    if at < 0 or chance.random() < 0.3:
        return wild.raw(body, chance)
    made = bytearray(body)
    place = at + chance.choice((8, 10, 12, 16, 20, 24, 28, 30, 32, 38, 42, 46))
    width = chance.choice((1, 2, 4))
    made[place : place + width] = struct.pack("<Q", chance.choice((0, 1, 8, 255, 2**16 - 1, 2**31, 2**32 - 1)))[:width]
    return bytes(made)


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value)
    except (ValueError, TypeError):
        return False
    return True


def archive(body: bytes) -> bytes:
    """The archive that a list of entries tells of; entries that can't be written are left out."""
    try:
        entries = json.loads(body)
    except (ValueError, RecursionError):
        return body
    out = io.BytesIO()
    with contextlib.suppress(struct.error), zipfile.ZipFile(out, "w") as made:  # more than its last record can say
        for one in entries if isinstance(entries, list) else ():
            try:
                entry = zipfile.ZipInfo(str(one["name"]))
                entry.filename = str(one["name"])
                entry.external_attr = int(one.get("mode", 0o100644)) << 16
                entry.compress_type = one.get("method", 8) if one.get("method", 8) in (0, 8, 12, 14) else 8
                content = base64.b64decode(one.get("content", "")) + b"\0" * min(int(one.get("zeros", 0)), 2 * 10**7)
                made.writestr(entry, content)
            except (
                ValueError,
                TypeError,
                KeyError,
                AttributeError,
                OverflowError,
                struct.error,
                RuntimeError,
                UserWarning,
            ):
                continue
    return out.getvalue()


def one(data: bytes, scratch: Path) -> str:
    """Write the archive and do what the head says."""
    said, body = split(data)
    root = fresh(scratch / "zip")
    (root / "a.zip").write_bytes(archive(body) if said.get("entries") else body)
    return files.execute(said, root, "a.zip")
