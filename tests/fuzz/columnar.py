"""Small columnar files, and changes to them that keep the lengths that a reader looks at first."""

import functools
import io
import struct
from random import Random
from typing import Any

import wild


@functools.cache
def frame() -> Any:
    """A table with a column of each type."""
    import datetime

    import polars as pl

    return pl.DataFrame(
        {
            "x": [i * 0.37 for i in range(20)],
            "y": ["uv"[i % 2] for i in range(20)],
            "n": list(range(20)),
            "b": [i % 3 == 0 for i in range(20)],
            "d": [datetime.date(2020, 1, 1)] * 20,
            "t": [datetime.datetime(2020, 1, 1, 12)] * 20,
            "l": [[1, 2]] * 20,
            "s": [{"a": 1}] * 20,
        }
    )


def parquet(plain: bool, compression: str) -> bytes:
    """A Parquet file; ``plain`` without the nested columns."""
    out = io.BytesIO()
    (frame().drop("l", "s") if plain else frame()).write_parquet(out, compression=compression)
    return out.getvalue()


def arrow(plain: bool, compression: str) -> bytes:
    """An Arrow file."""
    out = io.BytesIO()
    (frame().drop("l", "s") if plain else frame()).write_ipc(out, compression=compression)
    return out.getvalue()


def footed(body: bytes, chance: Random, magic: bytes) -> bytes:
    """The footer's bytes changed and its length set right, so that what it says is what is read; else any bytes."""
    size = len(magic)
    if len(body) < 2 * size + 4 or not body.endswith(magic) or chance.random() < 0.35:
        return wild.raw(body, chance)
    (length,) = struct.unpack("<I", body[-size - 4 : -size])
    if length > len(body) - size - 4:
        return wild.raw(body, chance)
    start = len(body) - size - 4 - length
    footer = bytearray(body[start : start + length])
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(max(1, len(footer)))
        way = chance.randrange(6)
        if way == 0:
            footer[at : at + 1] = bytes([chance.randrange(256)])
        elif way == 1:
            footer[at : at + 4] = struct.pack("<i", chance.choice((0, 1, -1, 2**31 - 1, -(2**31), len(body))))
        elif way == 2:
            footer[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 6)))
        elif way == 3:
            del footer[at : at + chance.randrange(1, 9)]
        elif way == 4 and at < len(footer):
            footer[at] ^= 1 << chance.randrange(8)
        else:
            footer[at : at + 5] = b"\xff\xff\xff\xff\x0f"  # the largest varint of 32 bits
    return body[:start] + bytes(footer) + struct.pack("<I", len(footer)) + magic
