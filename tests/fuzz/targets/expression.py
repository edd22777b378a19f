"""Expressions over columns."""

from pathlib import Path
from random import Random

import wild
from inputs import UnshowableError

from mlspec.spec.expression import FUNCTIONS, RESERVED, ExpressionError, names, typed

SHARE, TRACED = 150, True
COLUMNS = {
    "x": "number",
    "n": "integer",
    "c": "category",
    "b": "boolean",
    "d": "date",
    "t": "datetime",
    "a b": "number",
}
PIECES = (
    *COLUMNS, *sorted(RESERVED), *FUNCTIONS, *"()=<>+-*/%,'\"|", "<>", "||", "1", ".5", "1e9", "'a'", '"a b"',
    "INTEGER", "YEAR", "DATE '2020-01-01'", "(" * 20, "NOT " * 30, "-" * 30, "CASE WHEN b THEN ",
)  # fmt: skip


def seeds() -> list[bytes]:
    """One of each form."""
    return [
        *(b"x + 1 > n * 2 AND NOT b", b"CASE WHEN c = 'a' THEN 1 ELSE NULL END", b"CAST(n AS DOUBLE) / NULLIF(x, 0)"),
        *(b"EXTRACT(YEAR FROM d) IN (2020, 2021)", b"c LIKE 'a%' OR c IS NOT NULL", b"x BETWEEN 1 AND 2"),
        *(b'COALESCE("a b", x, 0) <= LEAST(n, 3)', b"SUBSTR(TRIM(c), 1, 2) || 'x'", b"t >= TIMESTAMP '2020-01-01'"),
    ]


def mutate(data: bytes, chance: Random) -> bytes:
    """Words put in, taken out or swapped."""
    if chance.random() < 0.2:
        return wild.raw(data, chance)
    words = data.decode("utf-8", "replace").split(" ")
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(words) + 1)
        if chance.random() < 0.25:
            del words[at : at + 1]
        else:
            words[at : at + chance.randrange(2)] = [
                chance.choice(PIECES) if chance.random() < 0.95 else chance.choice(wild.TEXTS)
            ]
    return " ".join(words)[:6000].encode("utf-8", "surrogatepass")


def one(data: bytes, _scratch: Path) -> str:
    """Read and type it; what is wrong has its characters."""
    text = data.decode("utf-8", "replace")
    names(text)
    try:
        return typed(text, COLUMNS).kind
    except ExpressionError as error:
        if not 0 <= error.start < error.end <= len(text) + 1:
            raise UnshowableError(f"no such place: {error.start} to {error.end}, {error.message}") from None
        return f"refused {error.message.split(chr(39))[0][:30]}"
