"""Expressions over columns, in the part of SQL that is the same everywhere: read and typed here, without an engine, so
that a wrong name or type is found before anything runs; computed by the engine that runs."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from msgspec import Struct

NUMERIC, MOMENTS, TEXT, TRUTH, NOTHING = ("integer", "number"), ("date", "datetime"), "category", "boolean", "nothing"
Kind = str
"""A column's type, or ``nothing`` for NULL."""

TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|\|\||[-+*/%(),=<>]))""",
    re.VERBOSE,
)
RESERVED = frozenset(
    (
        *("AND", "OR", "NOT", "IS", "NULL", "IN", "LIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST"),
        *("AS", "TRUE", "FALSE", "EXTRACT", "FROM"),
    )
)
CASTS = {
    "INTEGER": "integer", "BIGINT": "integer", "DOUBLE": "number", "FLOAT": "number", "BOOLEAN": TRUTH,
    "VARCHAR": TEXT, "TEXT": TEXT, "DATE": "date", "TIMESTAMP": "datetime",
}  # fmt: skip
PARTS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
# The engine's parser takes fifty levels of its own, up to two of which mean one here.
MOST_CHARACTERS, MOST_SIGNS, DEEPEST = 4_000, 400, 20
LARGEST_INTEGER, MOST_DIGITS, MOST_DECIMALS = 2**63 - 1, 30, 300
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?\Z", re.ASCII)


class ExpressionError(Exception):
    """What is wrong with an expression, and the characters that it is about."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.start, self.end = message, start, end


class Typed(Struct, frozen=True):
    """What an expression gives, and the columns that it reads."""

    kind: Kind
    columns: tuple[str, ...]


def typed(text: str, columns: Mapping[str, Kind]) -> Typed:
    """The type of an expression over columns of these types. Raises ExpressionError."""
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"longer than {MOST_CHARACTERS:,} characters", 0, 1)
    reader = _Reader(text, columns)
    kind = reader.whole()
    return Typed(kind, tuple(dict.fromkeys(reader.read)))


def names(text: str) -> tuple[str, ...]:
    """The columns that an expression names, whatever they are; empty where it can't be read."""

    class Anything(dict[str, Kind]):
        def __contains__(self, key: object) -> bool:
            return True

        def __getitem__(self, key: str) -> Kind:
            return NOTHING

    try:
        return typed(text, Anything()).columns
    except ExpressionError:
        return ()


class Token(Struct, frozen=True):
    """A word, number, text, quoted name or sign: its kind, and where it is."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words, numbers, texts and signs of an expression, and its end. Raises ExpressionError."""
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(f"'{text[start]}' is not valid here", start, start + 1)
        kind = match.lastgroup
        found.append(Token(kind, match[kind], match.start(kind), match.end(kind)))
        at = match.end()
        if kind == "sign" and text.startswith("--", at - 1):
            raise ExpressionError("'--' starts a comment in SQL: put a space between the two", at - 1, at + 1)
    signs = [token for token in found if token.kind == "sign" and token.text not in ("(", ")", ",")]
    if len(signs) > MOST_SIGNS:
        raise ExpressionError(f"more than {MOST_SIGNS} signs", signs[-1].start, signs[-1].end)
    return [*found, Token("end", "", len(text), len(text) + 1)]


class _Reader:
    """One reading of one expression, by precedence."""

    def __init__(self, text: str, columns: Mapping[str, Kind]) -> None:
        self.text, self.columns = text, columns
        self.tokens, self.at, self.depth = tokens(text), 0, 0
        self.read: list[str] = []

    def whole(self) -> Kind:
        kind = self.either()
        if self.now.kind != "end":
            self.fail(f"'{self.now.text}' is not valid here", self.at)
        return kind

    # Tokens.

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def word(self, *words: str) -> bool:
        """Take these words, if they are here."""
        ahead = self.tokens[self.at : self.at + len(words)]
        if [t.text.upper() for t in ahead] == list(words) and all(t.kind in ("word", "sign") for t in ahead):
            self.at += len(words)
            return True
        return False

    def demand(self, word: str) -> None:
        if not self.word(word):
            shown = f"'{self.now.text}'" if self.now.text else "the end"
            self.fail(f"'{word}' is expected before {shown}", self.at)

    def fail(self, message: str, first: int, after: int | None = None) -> NoReturn:
        """Refuse the tokens from ``first`` on, to those before ``after``, or to the last that was read."""
        last = max(first, min(self.at if after is None else after, len(self.tokens) - 1) - 1)
        end = self.tokens[first].end if last == first else self.tokens[last].end
        raise ExpressionError(message, self.tokens[first].start, end)

    def wants(self, kind: Kind, allowed: Sequence[Kind], what: str, first: int, after: int | None = None) -> None:
        if kind not in (*allowed, NOTHING):
            self.fail(f"{what} takes {_listed(allowed)}, but this is {_a(kind)}", first, after)

    def deeper(self, inner: "Callable[[], Kind]") -> Kind:
        """Read what is nested, as deep as people write."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail("nested too deeply", self.at, self.at + 1)
        kind = inner()
        self.depth -= 1
        return kind

    def like(self, one: Kind, other: Kind, what: str, first: int) -> Kind:
        """The type of two values side by side."""
        if NOTHING in (one, other):
            return other if one == NOTHING else one
        if one in NUMERIC and other in NUMERIC:
            return one if one == other else "number"
        if one in MOMENTS and other in MOMENTS:
            return one if one == other else "datetime"
        if one != other:
            self.fail(f"{what} {_a(one)} and {_a(other)} cannot be combined", first)
        return one

    # Precedence, from the loosest.

    def either(self) -> Kind:
        return self.logic("OR", self.both)

    def both(self) -> Kind:
        return self.logic("AND", self.negated)

    def logic(self, word: str, inner: "Callable[[], Kind]") -> Kind:
        first, kind = self.at, inner()
        while self.now.text.upper() == word and self.now.kind == "word":
            self.wants(kind, (TRUTH,), word, first)
            self.at += 1
            first = self.at
            kind = inner()
            self.wants(kind, (TRUTH,), word, first)
        return kind

    def negated(self) -> Kind:
        if self.word("NOT"):
            first = self.at
            self.wants(self.deeper(self.negated), (TRUTH,), "NOT", first)
            return TRUTH
        return self.compared()

    def compared(self) -> Kind:
        first, kind = self.at, self.sum()
        if self.word("IS"):
            self.word("NOT")
            self.demand("NULL")
            return TRUTH
        negated = self.word("NOT")
        if self.word("BETWEEN"):
            self.like(kind, self.sum(), "BETWEEN:", first)
            self.demand("AND")
            self.like(kind, self.sum(), "BETWEEN:", first)
            return TRUTH
        if self.word("IN"):
            self.demand("(")
            for one in self.listed(self.either):
                self.like(kind, one, "IN:", first)
            return TRUTH
        if self.word("LIKE"):
            self.wants(kind, (TEXT,), "LIKE", first)
            pattern = self.at
            self.wants(self.sum(), (TEXT,), "LIKE", pattern)
            return TRUTH
        if negated:
            self.fail("NOT must be followed by BETWEEN, IN or LIKE", self.at)
        if self.now.kind == "sign" and self.now.text in ("=", "<>", "!=", "<", "<=", ">", ">="):
            self.at += 1
            self.like(kind, self.sum(), "compared:", first)
            return TRUTH
        return kind

    def sum(self) -> Kind:
        first, kind = self.at, self.product()
        while self.now.kind == "sign" and self.now.text in ("+", "-", "||"):
            sign = self.now.text
            allowed: Sequence[Kind] = (TEXT,) if sign == "||" else NUMERIC
            self.wants(kind, allowed, f"'{sign}'", first)
            self.at += 1
            second = self.at
            other = self.product()
            self.wants(other, allowed, f"'{sign}'", second)
            kind = self.like(kind, other, f"'{sign}':", first)
        return kind

    def product(self) -> Kind:
        first, kind = self.at, self.signed()
        while self.now.kind == "sign" and self.now.text in ("*", "/", "%"):
            sign = self.now.text
            self.wants(kind, NUMERIC, f"'{sign}'", first)
            self.at += 1
            second = self.at
            other = self.signed()
            self.wants(other, NUMERIC, f"'{sign}'", second)
            kind = "number" if sign == "/" else self.like(kind, other, f"'{sign}':", first)
        return kind

    def signed(self) -> Kind:
        if self.word("-"):
            first = self.at
            kind = self.deeper(self.signed)
            self.wants(kind, NUMERIC, "'-'", first)
            return kind
        return self.deeper(self.value)

    def value(self) -> Kind:
        token, first = self.now, self.at
        self.at += 1
        if token.kind == "number":
            return self.number(token, first)
        if token.kind == "text":
            return TEXT
        if token.text == "(":
            kind = self.either()
            self.demand(")")
            return kind
        if token.kind == "quoted":
            return self.column(token.text[1:-1].replace('""', '"'), first)
        upper = token.text.upper()
        if token.kind != "word":
            self.at = first
            self.fail(f"'{token.text}' is not valid here" if token.text else "a value is expected at the end", first)
        if upper in ("TRUE", "FALSE"):
            return TRUTH
        if upper == "NULL":
            return NOTHING
        if upper in ("DATE", "TIMESTAMP") and self.now.kind == "text":
            return self.moment(upper)
        if upper == "CASE":
            return self.case(first)
        if upper in ("CAST", "EXTRACT"):
            return self.cast(first) if upper == "CAST" else self.extract(first)
        if upper in RESERVED:
            self.at = first
            self.fail(f"'{token.text}' is not valid here", first)
        return self.function(upper, first) if self.word("(") else self.column(token.text, first)

    def number(self, token: Token, first: int) -> Kind:
        """A number that the engine can hold."""
        if len(token.text) > MOST_DIGITS:
            self.fail(f"a number may have at most {MOST_DIGITS} characters", first)
        if token.text.isdigit():
            if int(token.text) > LARGEST_INTEGER:
                self.fail("too large for an integer: write it with a decimal point", first)
            return "integer"
        if float(token.text) == float("inf"):
            self.fail("too large for a number", first)
        return "number"

    def moment(self, word: str) -> Kind:
        """A date, or a moment, as it is written out."""
        from datetime import datetime

        written = self.now.text[1:-1]
        try:
            if MOMENT.match(written) is None or (word == "DATE" and len(written) > len("2024-01-31")):
                raise ValueError
            datetime.fromisoformat(written)
        except ValueError:
            form = "2024-01-31" if word == "DATE" else "2024-01-31 12:30:00"
            self.fail(f"{word} is written as '{form}'", self.at, self.at + 1)
        self.at += 1
        return CASTS[word]

    def column(self, name: str, first: int) -> Kind:
        if name not in self.columns:
            from mlspec.spec import suggest

            guess = suggest.nearest(name, list(self.columns))
            self.fail(f"there is no column '{name}'" + (f", did you mean '{guess}'?" if guess else ""), first)
        self.read.append(name)
        return self.columns[name]

    def listed(self, inner: "Callable[[], Kind]") -> list[Kind]:
        """What is between commas, to the closing bracket."""
        found = [inner()]
        while self.word(","):
            found.append(inner())
        self.demand(")")
        return found

    def case(self, first: int) -> Kind:
        kind = NOTHING
        if self.now.text.upper() != "WHEN":
            self.fail("CASE must be followed by WHEN", self.at)
        while self.word("WHEN"):
            asked = self.at
            self.wants(self.either(), (TRUTH,), "WHEN", asked)
            self.demand("THEN")
            kind = self.like(kind, self.either(), "CASE:", first)
        if self.word("ELSE"):
            kind = self.like(kind, self.either(), "CASE:", first)
        self.demand("END")
        return kind

    def cast(self, first: int) -> Kind:
        self.demand("(")
        self.either()
        self.demand("AS")
        wanted = self.now.text.upper()
        if wanted not in CASTS:
            self.fail(f"CAST has no type '{self.now.text}': {', '.join(CASTS)}", self.at)
        self.at += 1
        self.demand(")")
        return CASTS[wanted]

    def extract(self, first: int) -> Kind:
        self.demand("(")
        if self.now.text.upper() not in PARTS:
            self.fail(f"EXTRACT has no part '{self.now.text}': {', '.join(PARTS)}", self.at)
        self.at += 1
        self.demand("FROM")
        moment = self.at
        self.wants(self.either(), MOMENTS, "EXTRACT", moment)
        self.demand(")")
        return "integer"

    def function(self, name: str, first: int) -> Kind:
        known = FUNCTIONS.get(name)
        if known is None:
            from mlspec.spec import suggest

            guess = suggest.nearest(name, list(FUNCTIONS))
            self.at = first + 1
            self.fail(f"there is no function {name}" + (f", did you mean {guess}?" if guess else ""), first)
        takes, gives = known
        starts = [self.at]
        kinds = [self.either()]
        while self.word(","):
            starts.append(self.at)
            kinds.append(self.either())
        after = [*(start - 1 for start in starts[1:]), self.at]
        self.demand(")")
        least = sum(1 for one in takes if not one.startswith("?"))
        many = bool(takes) and takes[-1] == "..."
        if len(kinds) < least - many or (len(kinds) > len(takes) and not many):
            self.fail(f"{name} takes {_count(takes)}, here {'is' if len(kinds) == 1 else 'are'} {len(kinds)}", first)
        for kind, start, end, wanted in zip(kinds, starts, after, takes, strict=False):
            allowed = {"n": NUMERIC, "t": (TEXT,), "i": ("integer",)}.get(wanted.lstrip("?"))
            if allowed is not None:
                self.wants(kind, allowed, name, start, end)
        if name == "ROUND" and len(starts) > 1:
            self.decimals(starts[1], after[1])
        if name == "SUBSTR" and len(starts) > 2 and self.tokens[starts[2]].text == "-":
            self.fail("the length in SUBSTR cannot be negative", starts[2], after[2])
        if gives != "same":
            return gives
        together = kinds[0]
        for kind in kinds[1:] if name in SIDE_BY_SIDE else ():
            together = self.like(together, kind, f"{name}:", first)
        return together

    def decimals(self, start: int, end: int) -> None:
        """How many decimals: the engine wants the number itself."""
        token = self.tokens[start]
        if end != start + 1 or not token.text.isdigit() or int(token.text) > MOST_DECIMALS:
            self.fail(f"ROUND takes a number from 0 to {MOST_DECIMALS}", start, end)


# What each function takes (n number, i integer, t text, a anything; ? may be left out; ... any more) and gives.
FUNCTIONS: dict[str, tuple[tuple[str, ...], Kind]] = {
    "ABS": (("n",), "same"), "ROUND": (("n", "?i"), "same"), "FLOOR": (("n",), "same"), "CEIL": (("n",), "same"),
    "LN": (("n",), "number"), "LOG10": (("n",), "number"), "EXP": (("n",), "number"), "SQRT": (("n",), "number"),
    "COALESCE": (("a", "a", "..."), "same"), "NULLIF": (("a", "a"), "same"),
    "GREATEST": (("a", "a", "..."), "same"), "LEAST": (("a", "a", "..."), "same"),
    "LOWER": (("t",), TEXT), "UPPER": (("t",), TEXT), "TRIM": (("t",), TEXT), "LENGTH": (("t",), "integer"),
    "SUBSTR": (("t", "i", "?i"), TEXT), "STARTS_WITH": (("t", "t"), TRUTH), "ENDS_WITH": (("t", "t"), TRUTH),
}  # fmt: skip
SIDE_BY_SIDE = ("COALESCE", "NULLIF", "GREATEST", "LEAST")


def _a(kind: Kind) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" if kind != NOTHING else "NULL"


def _listed(kinds: Sequence[Kind]) -> str:
    return " or ".join(_a(kind) for kind in kinds)


def _count(takes: Sequence[str]) -> str:
    if takes[-1] == "...":
        return f"{len(takes) - 1} or more values"
    least = sum(1 for one in takes if not one.startswith("?"))
    most = len(takes)
    return f"{most} value{'s' if most > 1 else ''}" if least == most else f"{least} or {most} values"
