"""Values and texts that have broken readers before, and the changes that put them into an input."""

import copy
import json
import struct
from collections.abc import Sequence
from random import Random
from typing import Any

NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 100, 10**18, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, 10**350, -(10**350), 10**5000),
    *(0.0, -0.0, 0.5, 1e-9, 5e-324, 1e308),
)
TEXTS: tuple[str, ...] = (
    "", " ", "\0", "\ufeff", "\u202e", "\u2028", "\x85", "\x1b[31m", "é" * 50, "a" * 5000, "::error::x",
    "\n::error::x", "\n", "a\n", "\r", "\t", "a.b.c", "a:b", "m:X", ".:X", "..:X", "1:1", "~", "*", "?", "**", "-",
    "--help", "%", "${env:HOME}", "${env:}", "${", "2020-13-45", "9999999-01-01", "0000-00-00",
    "2020-01-01T00:00:00+99:99", "1e999", "nan", "inf", "-inf", ".nan", "0x", "0x" + "f" * 5000, "1_000", "5 ms",
    "1e5ms", "9" * 30 + "d", "1e400MB", "0.0000000000001B", "9" * 400 + "s", "..", "../..", "/dev/zero",
    "/proc/self/environ", "/dev/full", "pipe", "/", "/etc/passwd", "C:\\x", "\\", "a" * 300, "[", "(((((",
    "(?:a{1000}){1000}", "(" * 3000, "a{99999999999999999999}", "(?P<x>", "(?i)(?-i:a)", "(a+)+$", "x' OR 1", "1/0",
    "x + ", "CASE WHEN", "CAST(x AS INTEGER)", "((((((x))))))", "NOT " * 100 + "x", "'" * 3,
    "x IN (" + "1," * 500 + "1)", '"x"', "x || 'a' LIKE '%'", "EXTRACT(YEAR FROM x)", "-" * 500 + "1", "https://[::1",
    "https://u:p@h/%00", "s3://", "postgresql://u@h/db", "sqlite:", "sqlite:x.db", "file:///x", "zip", "zlib", "rot13",
    "hex", "idna", "punycode", "undefined", "unicode_escape", "utf-16", "utf-7", "latin-1", "__class__", "__proto__",
    "\ud800", "\u0130", "ß" * 10,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], {"a": 1}, {"": ""}, [None], ["x"] * 3, [1, "a", None]),
    *({"at_least": 1, "at_most": 0}, {"at_least": 10**400}, {"at_most": None}, [0] * 300, {"x": {"x": {"x": {}}}}),
    *NUMBERS,
    *TEXTS,
)
TOKENS: tuple[bytes, ...] = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\t", b'"', b"'", b",", b";", b"\\",
    b"\x1b[", b"{", b"}", b"[", b"]", b": ", b"- ", b"&a ", b"*a", b"!!x ", b"<<: ", b"---\n", b"? ", b"%", b"#", b"|",
    b">", b"null", b"true", b"NaN", b"Infinity", b"1e999", b"-0", b"9" * 400, b"\xed\xa0\x80", b"\\ud800", b"\\u0000",
    b"(", b")", b"(" * 100, b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\xc2\x85", b"../", b"/", b"::error::", b"=",
    b"a" * 300,
)  # fmt: skip
LARGEST = 256 * 1024


def raw(data: bytes, chance: Random, tokens: Sequence[bytes] = TOKENS) -> bytes:
    """The bytes with a few of them changed, cut, moved, doubled, or wild ones put in."""
    made = bytearray(data or b"x")
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        size, way = len(made), chance.randrange(10)
        # The ends hold headers and footers: half of the changes go there.
        at = chance.choice(
            (chance.randrange(size), chance.randrange(min(size, 64)), size - 1 - chance.randrange(min(size, 400)))
        )
        if way == 0:
            made[at] = chance.randrange(256)
        elif way == 1:
            made[at] ^= 1 << chance.randrange(8)
        elif way == 2:
            width = chance.choice((1, 2, 4, 8))
            made[at : at + width] = struct.pack("<q", chance.choice((0, -1, 1, 2**31, 2**63 - 1, -(2**63), 255)))[
                :width
            ]
        elif way == 3:
            del made[at : at + chance.choice((1, 2, 8, 50, 400))]
        elif way == 4:
            del made[at:]
        elif way == 5:
            made[at:at] = made[at : at + chance.choice((1, 4, 20, 200))]
        elif way == 6:
            other = chance.randrange(size)
            width = chance.choice((1, 4, 20))
            made[at : at + width] = made[other : other + width]
        elif way == 7:
            made[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        else:
            made[at:at] = chance.choice(tokens)
        if not made:
            made = bytearray(b"x")
    return bytes(made[:LARGEST])


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of a value and of all that it holds."""
    found = [at]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        found += paths(item, (*at, key))
    return found


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What a path leads to."""
    for key in path:
        value = value[key]
    return value


def tree(value: Any, chance: Random, keys: Sequence[str] = (), values: Sequence[Any] = VALUES) -> Any:
    """Plain data with a few of its values or keys deleted, replaced, moved, or added."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        known = paths(value)
        path = chance.choice(known)
        if not path:
            if chance.random() < 0.02:
                return copy.deepcopy(chance.choice(values))
            continue
        holder, key, way = at(value, path[:-1]), path[-1], chance.randrange(8)
        if way == 0:
            del holder[key]
        elif way in (1, 2, 3):
            holder[key] = copy.deepcopy(chance.choice(values))
        elif way == 4:
            holder[key] = copy.deepcopy(at(value, chance.choice(known)))
        elif way == 5 and isinstance(holder[key], str):
            holder[key] = text(holder[key], chance)
        elif isinstance(holder, dict):
            name = chance.choice(keys) if keys and chance.random() < 0.6 else chance.choice(TEXTS)
            holder[name] = copy.deepcopy(chance.choice(values))
        else:
            holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(chance.choice(values)))
    return value


def text(value: str, chance: Random) -> str:
    """A text with a wild one in it, around it, or in place of a part."""
    start = chance.randrange(len(value) + 1)
    end = chance.choice((start, start, min(len(value), start + chance.randrange(1, 9)), len(value)))
    return value[:start] + chance.choice(TEXTS) + value[end:]


def as_json(value: Any) -> bytes:
    """JSON of any plain data, lone surrogates and numbers of any length included."""
    return json.dumps(value).encode()


def json_of(data: bytes, chance: Random, keys: Sequence[str] = ()) -> bytes:
    """A JSON text with its values changed, one time in six its bytes."""
    if chance.random() < 1 / 6:
        return raw(data, chance)
    try:
        return as_json(tree(json.loads(data), chance, keys))
    except (ValueError, RecursionError):
        return raw(data, chance)
