"""Delimited text in any encoding, plain or compressed; the packing is made after the change, or changed itself."""

import bz2
import gzip
import lzma
from pathlib import Path
from random import Random

import files
import wild
from inputs import fresh, join, split

SHARE, TRACED = 200, True
SETTINGS = ("separator", "missing", "quote", "decimal", "encoding", "names")
PACKED = {"": lambda body: body, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
TABLE = "x,c,d,y\n" + "".join(f"{i * 0.7:.2f},{'ab'[i % 2]},2020-01-{i + 1:02},{'uv'[i % 2]}\n" for i in range(12))
TOKENS = (
    b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"\t", b";", b"\0", b"\xef\xbb\xbf", b"x,", b"2020-02-30", b"1e999",
    b"nan", b"9" * 30, b"1" + b"0" * 400, b"\xff\xfe", b"\xe2\x80\xa8", b"\x85", b"\x0b", b"\x1c", b'"' * 9, b",,,,",
    b"true",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Each packing, a few encodings and dialects."""
    said = [
        {"source": {}},
        {"source": {"encoding": "latin-1", "separator": ";", "decimal": ","}},
        {"source": {"names": ["x", "c", "d", "y"]}},
    ]
    made = [
        join({"verb": verb, **one, "target": "y"}, TABLE.encode())
        for one in said
        for verb in ("validate", "init", "read", "profile")
    ]
    made += [
        join({"verb": "validate", "source": {"encoding": e}, "target": "y"}, TABLE.encode(e))
        for e in ("utf-16", "utf-32-le", "utf-7")
    ]
    made += [
        join({"verb": verb, "source": {}, "target": "y", "packed": p}, TABLE.encode())
        for p in PACKED
        for verb in ("validate", "read")
    ]
    zstd = bytes.fromhex("28b52ffd2011890000") + b"x,y\n1,u\n2,v\n3,u\n4"
    return [*made, join({"verb": "validate", "source": {}, "target": "y", "ending": "csv.zst"}, zstd)]


def mutate(data: bytes, chance: Random) -> bytes:
    """Cells and settings, or a packed file's own bytes."""
    said, body = split(data)
    if said.get("packed") and chance.random() < 0.3:
        # From here on the packed bytes are changed, not what they unpack to.
        body, said = (
            PACKED.get(str(said["packed"]), bytes)(body),
            {**said, "ending": f"csv.{said['packed']}", "packed": ""},
        )
    elif chance.random() < 0.1:
        said = {**said, "packed": chance.choice(tuple(PACKED))}
    return files.mutate(
        join(said, body), chance, SETTINGS, lambda b, c: wild.raw(b, c, TOKENS) if c.random() < 0.7 else wild.raw(b, c)
    )


def one(data: bytes, scratch: Path) -> str:
    """Write the file and do what the head says."""
    said, body = split(data)
    packed = said.get("packed") if said.get("packed") in PACKED else ""
    ending = said.get("ending") if said.get("ending") in ("csv.gz", "csv.bz2", "csv.xz", "csv.zst", "tsv") else ""
    name = f"a.{ending or ('csv' + (f'.{packed}' if packed else ''))}"
    root = fresh(scratch / "csv")
    (root / name).write_bytes(PACKED[str(packed or "")](body))
    return files.execute(said, root, name)
