"""SQLite files: their schema's text changed in place, their pages and headers, or any bytes."""

import sqlite3
import struct
import tempfile
from pathlib import Path
from random import Random

import files
import wild
from inputs import fresh, join, split

SHARE, TRACED = 100, False
SCHEMAS = (
    "CREATE TABLE t(x REAL, y TEXT, n INT, d DATE)",
    "CREATE TABLE t(x REAL, y TEXT, n INT, d DATE, g TEXT AS (upper(y)))",
    "CREATE TABLE t(x REAL, y TEXT, n INT, d DATE, PRIMARY KEY (n)) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE t USING fts5(x, y)",
    "CREATE VIEW t AS SELECT 1 AS x, 'u' AS y",
)
WORDS = (
    b"AS (", b"randomblob(9)", b"zeroblob(99999999)", b"hex(", b"CHECK (1)", b"t", b"sqlite_master", b"TEXT", b"VIEW",
    b"WITHOUT ROWID", b"DEFAULT x", b"COLLATE NOCASE", b"VIRTUAL", b"USING", b"json(y)", b"(SELECT 1)",
    b"printf('%.*c', 99999999, 'x')",
)  # fmt: skip


def _file(schema: str, page: int, encoding: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA page_size = {page}")
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute(schema)
        if "d DATE" in schema:
            rows = [(i * 0.7, "uv"[i % 2], i, f"2020-01-{i + 1:02}") for i in range(20)]
            connection.executemany("INSERT INTO t (x, y, n, d) VALUES (?, ?, ?, ?)", rows)
        connection.commit()
        connection.close()
        return path.read_bytes()


is_held = files.is_held


def seeds() -> list[bytes]:
    """Each schema; small pages and UTF-16 too."""
    made = [_file(schema, 512, "UTF-8") for schema in SCHEMAS] + [_file(SCHEMAS[0], 1024, "UTF-16le")]
    said = {"verb": "validate", "source": {"connection": "sqlite:a.db", "table": "t"}, "target": "y"}
    return [join(said, body) for body in made]


def mutate(data: bytes, chance: Random) -> bytes:
    """What the schema says, what the header says, or bytes."""
    return files.mutate(data, chance, ("table", "connection", "query", "schema"), _changed)


def _changed(body: bytes, chance: Random) -> bytes:
    made = bytearray(body)
    way = chance.randrange(4)
    start = body.find(b"CREATE ")
    if way == 0 and start > 0:
        end = start + 70
        for _ in range(chance.randrange(1, 4)):  # of the same length, so that the record around it stays whole
            word = chance.choice(WORDS)
            at = chance.randrange(start, max(start + 1, end - len(word)))
            made[at : at + len(word)] = word
        return bytes(made)
    if way == 1 and len(made) >= 100:
        at, width = chance.choice(
            ((16, 2), (18, 1), (19, 1), (20, 1), (24, 4), (28, 4), (32, 4), (36, 4), (44, 4), (52, 4), (56, 4), (96, 4))
        )
        value = chance.choice((0, 1, 2, 3, 255, 512, 65535, 2**31 - 1))
        made[at : at + width] = (value % 256**width).to_bytes(width, "big")
        return bytes(made)
    if way == 2 and len(made) > 120:
        page = struct.unpack(">H", made[16:18])[0] or 512
        at = chance.choice((100, *range(page, len(made), page))) + chance.randrange(40)
        if at < len(made):
            made[at] = chance.choice((0, 1, 2, 5, 10, 13, 127, 128, 255, chance.randrange(256)))
        return bytes(made)
    return wild.raw(body, chance)


def one(data: bytes, scratch: Path) -> str:
    """Write the file and look at its table."""
    said, body = split(data)
    if not isinstance(said.get("source"), dict) or "connection" not in said["source"]:
        said = {**said, "source": {"connection": "sqlite:a.db", "table": "t"}}
    root = fresh(scratch / "sqlite")
    (root / "a.db").write_bytes(body)
    return files.execute({**said, "verb": "validate"}, root, "a.db")


def apart(data: bytes, scratch: Path) -> str:
    """The same, with the look made in a child process."""
    return one(files.apart(data), scratch)
