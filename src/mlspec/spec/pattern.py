"""Regular expressions of a spec, read here without an engine: the part of their syntax that Python's `re` and the data
engine (Rust's regex) understand alike, within a size that the engine takes. Neither looks back or ahead."""

import re
from typing import NoReturn

MOST_CHARACTERS, DEEPEST, LARGEST = 1_000, 50, 100_000
# About how many states of an automaton mean one of these.
LITERAL, ANY, CLASS = 4, 10, 700
FLAGS = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
NAME = re.compile(r"\?P?<([A-Za-z_][A-Za-z0-9_]*)>")
TIMES = re.compile(r"\{(\d{1,6})(?:(,)(\d{0,6}))?\}", re.ASCII)
POSIX = re.compile(r"\[:\^?(alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]")
CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|[xuU]\{([0-9A-Fa-f]{1,6})\}")
PROPERTY = re.compile(r"[pP](?:([LMNPSZC])|\{(\w{1,20})\})", re.ASCII)
PROPERTIES = frozenset(
    (
        *("L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe"),
        *("Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co", "Cn"),
        *("Alphabetic", "Uppercase", "Lowercase", "White_Space", "Latin", "Greek", "Cyrillic", "Han", "Hiragana"),
        *("Katakana", "Hangul", "Arabic", "Hebrew", "Thai", "Devanagari"),
    )
)


class PatternError(ValueError):
    """What is wrong with a pattern, with the position of the character that it is about."""


def check(text: str) -> None:
    """Raises PatternError for a pattern that the data engine would refuse."""
    if len(text) > MOST_CHARACTERS:
        raise PatternError(f"longer than {MOST_CHARACTERS:,} characters")
    reader = _Reader(text)
    size = reader.alternatives(0)
    if reader.at < len(text):
        reader.fail("there is no '(' before this ')'")
    if size * (4 if reader.folds else 1) > LARGEST:
        raise PatternError("the repeated part is too large")


class _Reader:
    """One reading of one pattern; what its methods give are sizes."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.folds = False
        self.names: set[str] = set()

    def fail(self, message: str) -> NoReturn:
        raise PatternError(f"{message} at position {self.at + 1}")

    def next(self, *signs: str) -> bool:
        """Take one of these signs, if it is here."""
        found = next((sign for sign in signs if self.text.startswith(sign, self.at)), None)
        self.at += len(found or "")
        return found is not None

    def match(self, pattern: "re.Pattern[str]") -> "re.Match[str] | None":
        found = pattern.match(self.text, self.at)
        self.at = self.at if found is None else found.end()
        return found

    def alternatives(self, depth: int) -> int:
        if depth > DEEPEST:
            self.fail("nested too deeply")
        size = 1
        while self.at < len(self.text) and self.text[self.at] != ")":
            size += 1 if self.next("|") else self.repeated(depth)
        return size

    def repeated(self, depth: int) -> int:
        size = self.single(depth)
        while self.at < len(self.text) and self.text[self.at] in "*+?{":
            if self.next("*", "+", "?"):
                size += 2
                continue
            times = self.match(TIMES)
            if times is None:
                self.fail("'{' is for repetitions like {2} or {2,5} (else write \\{)")
            low, high = int(times[1]), int(times[3] or times[1])
            if low > high:
                self.fail(f"nothing is repeated {low} to {high} times before this,")
            size *= max(high, low, 1) + 1
            if size > LARGEST:
                self.fail("the repeated part is too large before this,")
        return size

    def single(self, depth: int) -> int:
        sign = self.text[self.at]
        if sign in "*+?{":
            self.fail(f"there is nothing that '{sign}' could repeat")
        self.at += 1
        if sign == "(":
            return self.group(depth)
        if sign == "[":
            return self.listed()
        if sign == "\\":
            return self.assertion() or self.escaped()[0]
        return ANY if sign == "." else LITERAL

    def group(self, depth: int) -> int:
        if self.next("?:") or not self.text.startswith("?", self.at):
            return self.closed(depth)
        name = self.match(NAME)
        if name is not None:
            if name[1] in self.names:
                self.fail(f"a second group is called '{name[1]}' before this,")
            self.names.add(name[1])
            return self.closed(depth)
        flags = self.match(FLAGS)
        if flags is None:
            self.fail("lookaround, back-references and comments are not supported")
        said = flags[1] + (flags[2] or "")
        if not said or len(set(said)) < len(said):
            self.fail("each flag may be named once, before this,")
        self.folds |= "i" in flags[1]
        if flags[3] == ":":
            return self.closed(depth)
        if flags.start() > 1 or self.text[self.at : self.at + 1] in tuple("*+?{"):
            self.fail("flags for the whole pattern must be at the start, before this,")
        return 1

    def closed(self, depth: int) -> int:
        size = self.alternatives(depth + 1)
        if not self.next(")"):
            self.fail("a ')' is missing")
        return size

    def assertion(self) -> int:
        """A place between characters; 0 where none is here."""
        if not self.next("b", "B", "A", "z"):
            return 0
        if self.text.startswith("{", self.at):
            self.fail("a position between characters cannot be repeated")
        return LITERAL

    def escaped(self) -> tuple[int, str]:
        """What follows a backslash: its size, and the character, if it is one."""
        sign = self.text[self.at : self.at + 1]
        if sign in ("d", "D", "s", "S", "w", "W") and sign:
            self.at += 1
            return (CLASS if sign in "wW" else ANY), ""
        if sign in ("p", "P") and sign:
            found = self.match(PROPERTY)
            if found is None or (found[2] is not None and found[2] not in PROPERTIES):
                self.fail("unknown character property")
            return CLASS, ""
        if sign in ("x", "u", "U") and sign:
            digits = self.match(CODE)
            code = -1 if digits is None else int(next(part for part in digits.groups() if part is not None), 16)
            if not (0 <= code < 0xD800 or 0xE000 <= code < 0x110000):
                self.fail("unknown character")
            return LITERAL, chr(code)
        if not sign or not sign.isascii() or (sign.isalnum() and sign not in "ntrfva") or sign in "<>" or sign < " ":
            self.fail(f"'\\{sign}' is not supported by both engines")
        self.at += 1
        return LITERAL, sign

    def listed(self) -> int:
        """A set of characters, behind its '['."""
        self.next("^")
        size, first = ANY, True
        while first or not self.next("]"):
            if self.at >= len(self.text):
                self.fail("a ']' is missing")
            size += self.entry(first)
            first = False
        return size

    def entry(self, first: bool) -> int:
        """A character, a range or a class within a set."""
        size, low = (ANY, "") if self.match(POSIX) else self.character(first)
        if not self.text.startswith("-", self.at) or self.text.startswith("-]", self.at):
            return size
        if not low:
            self.fail("a character class cannot start a range (else write \\-)")
        self.at += 1
        _size, high = self.character(False)
        if not high or high < low:
            self.fail("this range is invalid or reversed,")
        return ANY

    def character(self, first: bool) -> tuple[int, str]:
        if self.next("\\"):
            return self.escaped()
        sign = self.text[self.at : self.at + 1]
        if sign == "[" or self.text[self.at : self.at + 2] in ("&&", "--", "~~"):
            self.fail("nested sets are not supported (else write \\[)")
        if not sign or (sign == "]" and not first):
            self.fail("a ']' is missing")
        self.at += 1
        return LITERAL, sign
