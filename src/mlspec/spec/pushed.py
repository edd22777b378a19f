"""The parts of a filter that a database may carry out: each is true of every row of which the engine finds it true."""

from collections.abc import Collection, Iterator

from mlspec.plugins.source import Condition
from mlspec.spec.expression import RESERVED, ExpressionError, tokens

SIGNS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
LARGEST = 2**53
"""Beyond it not every integer is a double, and engines compare differently."""


def conditions(text: str, columns: Collection[str]) -> tuple[Condition, ...]:
    """Of a filter's parts that all must hold: those that compare one of these columns with numbers, or ask if it is
    missing. Text is left out, since databases compare it by their collations, and moments, since SQLite has none."""
    try:
        found = tokens(text)[:-1]
    except ExpressionError:
        return ()
    words = [token.text.upper() if token.kind in ("word", "sign") else token.text for token in found]
    kinds = [token.kind for token in found]
    parts = _parts(words, kinds)
    if parts is None:
        return ()
    made = (_condition(words[start:end], kinds[start:end], [t.text for t in found[start:end]]) for start, end in parts)
    return tuple(one for one in made if one is not None and one.column in columns)


def _parts(words: list[str], kinds: list[str]) -> list[tuple[int, int]] | None:
    """The places of the parts that AND joins; None where something else does."""
    parts, start, depth, between = [], 0, 0, False
    for index, (word, kind) in enumerate(zip(words, kinds, strict=True)):
        if kind not in ("word", "sign"):
            continue
        depth += word in ("(", "CASE")
        depth -= word in (")", "END")
        if depth == 0 and word == "OR":
            return None
        if depth == 0 and word == "BETWEEN":
            between = True
        elif depth == 0 and word == "AND" and between:
            between = False
        elif depth == 0 and word == "AND":
            parts.append((start, index))
            start = index + 1
    return [*parts, (start, len(words))]


def _condition(words: list[str], kinds: list[str], texts: list[str]) -> Condition | None:
    """A part, where it is one of those that can be carried out elsewhere."""
    values = _Numbers(words, kinds)
    if not words:
        return None
    column = _column(kinds[0], texts[0])
    if column is None:
        literal = values.one(0)
        if literal is None:
            return None
        at = values.at
        if at + 2 != len(words) or words[at] not in SIGNS:
            return None
        column = _column(kinds[at + 1], texts[at + 1])
        return None if column is None else Condition(column, TURNED[SIGNS[words[at]]], (literal,))
    rest = words[1:]
    if rest in (["IS", "NULL"], ["IS", "NOT", "NULL"]):
        return Condition(column, " ".join(rest), ())
    negated = rest[:1] == ["NOT"]
    at = 2 if negated else 1
    if at >= len(words) or kinds[at] not in ("word", "sign"):
        return None
    operator = f"NOT {words[at]}" if negated else words[at]
    if words[at] == "BETWEEN":
        return _made(column, operator, list(values.separated(at + 1, "AND")), len(words), values.at, least=2)
    if words[at] == "IN" and words[at + 1 : at + 2] == ["("] and words[-1] == ")":
        return _made(column, operator, list(values.separated(at + 2, ",")), len(words) - 1, values.at, least=1)
    if words[at] in SIGNS and not negated:
        literal = values.one(at + 1)
        return None if literal is None else _made(column, SIGNS[words[at]], [literal], len(words), values.at, least=1)
    return None


def _made(column: str, operator: str, values: list[str], end: int, at: int, *, least: int) -> Condition | None:
    return Condition(column, operator, tuple(values)) if at == end and len(values) >= least else None


def _column(kind: str, text: str) -> str | None:
    if kind == "quoted":
        return text[1:-1].replace('""', '"')
    return text if kind == "word" and text.upper() not in RESERVED else None


class _Numbers:
    """Numbers among the words of a part; ``at`` is behind the last one that was read."""

    def __init__(self, words: list[str], kinds: list[str]) -> None:
        self.words, self.kinds, self.at = words, kinds, 0

    def one(self, at: int) -> str | None:
        """The number that is there."""
        self.at = at
        sign = "-" if self.words[at : at + 1] == ["-"] else ""
        at += bool(sign)
        if at >= len(self.words) or self.kinds[at] != "number" or not abs(float(self.words[at])) < LARGEST:
            return None
        self.at = at + 1
        return sign + self.words[at]

    def separated(self, at: int, between: str) -> Iterator[str]:
        """The numbers from there on, with this word between them."""
        while (found := self.one(at)) is not None:
            yield found
            if self.words[self.at : self.at + 1] != [between]:
                return
            at = self.at + 1
