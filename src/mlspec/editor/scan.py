"""Where a cursor is in a text that need not be YAML yet: the keys around it, read off indentation and brackets."""

import re
from collections.abc import Mapping

from msgspec import Struct

from mlspec.document import Path, scalar

_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#,\[\]{}&*!|>'"%@`-][^#,\[\]{}]*?|-[^\s#,\[\]{}][^#,\[\]{}]*?)\s*:(?=\s|\Z)"""
)
_COLON = r":(?![\s,\[\]{}]|\Z)|(?<!\s)\#"  # within a plain text these two are letters
_FLOW = re.compile(
    r"""(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:(?=[\s,\[\]{}]|\Z))|(?P<comment>\#.*)"""
    r"""|(?P<text>"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?"""
    rf"""|(?:[^\s,\[\]{{}}:\#]|{_COLON})(?:[^,\[\]{{}}:\#]|{_COLON})*)"""
)
MOST = 64  # levels


class Cursor(Struct, frozen=True):
    """``path`` leads to the value that the cursor is in, or to the mapping or list where it begins a new entry
    (``is_entry``). ``prefix`` is what is written of it up to the cursor, from ``start`` on; ``values`` are the scalars
    above it by their paths."""

    path: Path
    is_entry: bool
    prefix: str
    start: int
    values: Mapping[Path, object]
    in_flow: bool


class _Frame:
    """An open mapping or list: its key or place, its column in block style."""

    __slots__ = ("indent", "is_list", "part")

    def __init__(self, indent: int, is_list: bool, part: str | int | None) -> None:
        self.indent, self.is_list, self.part = indent, is_list, part


class _Scan:
    def __init__(self) -> None:
        self.block: list[_Frame] = []
        self.flow: list[_Frame] = []
        self.values: dict[Path, object] = {}
        self.skip: int | None = None  # lines that are indented further are text

    def path(self) -> Path:
        parts = [frame.part for frame in (*self.block, *self.flow)]
        return tuple(part for part in parts if part is not None)

    def line(self, text: str, *, last: bool = False) -> tuple[bool, str, int]:
        """Take a line in; of the last one: whether an entry begins, what is written of it, and from where."""
        indent = len(text) - len(text.lstrip(" "))
        rest = text[indent:].rstrip("\r\n" if last else " \r\n")
        if self.flow:
            return self.flowing(text, 0)
        if self.skip is not None and (indent > self.skip or not rest) and not (last and not rest):
            return False, rest, indent
        self.skip = None
        if rest.startswith("#") or (not rest and not last):
            return False, rest, indent
        return self.blocks(text, indent, last)

    def blocks(self, text: str, at: int, last: bool) -> tuple[bool, str, int]:
        self.leave(at, is_item=text[at : at + 2] in ("- ", "-"))
        while text[at : at + 2] in ("- ", "-") and len(self.block) < MOST:
            top = self.block[-1] if self.block else None
            if top is not None and top.indent == at and top.is_list:
                assert isinstance(top.part, int)
                top.part += 1
            else:
                self.block.append(_Frame(at, True, 0))
            at += 1
            at += len(text[at:]) - len(text[at:].lstrip(" "))
            self.leave(at, is_item=text[at : at + 2] in ("- ", "-"))
        found = _KEY.match(text, at)
        if found is None:
            return self.value(text, at, is_entry=True)
        key = _plain(found[1])
        top = self.block[-1] if self.block else None
        if top is not None and top.indent == at and not top.is_list:
            top.part = key
        else:
            self.block.append(_Frame(at, False, key))
        at = found.end()
        after = at + len(text[at:]) - len(text[at:].lstrip(" "))
        return self.value(text, after, is_entry=False)

    def leave(self, indent: int, *, is_item: bool) -> None:
        """Close what is not around a line of that indentation."""
        while self.block and (
            self.block[-1].indent > indent
            or (self.block[-1].indent == indent and self.block[-1].is_list and not is_item)
        ):
            self.block.pop()

    def value(self, text: str, at: int, *, is_entry: bool) -> tuple[bool, str, int]:
        rest = text[at:]
        if rest[:1] in ("{", "["):
            return self.flowing(text, at)
        if rest[:1] in ("|", ">") and not is_entry:
            self.skip = self.block[-1].indent if self.block else 0
            return False, rest, at
        if is_entry and not (self.block and self.block[-1].is_list):
            # A key that is being written: its siblings are those of the mapping at this column.
            if self.block and self.block[-1].indent == at:
                self.block.pop()
            return True, rest, at
        plain = re.split(r"\s#", rest, maxsplit=1)[0]
        if not is_entry and plain.strip():
            self.values[self.path()] = _plain(plain.strip())
        return is_entry, rest, at

    def flowing(self, text: str, at: int) -> tuple[bool, str, int]:
        written, start = "", len(text)
        for found in _FLOW.finditer(text, at):
            kind = found.lastgroup
            if kind == "open" and len(self.flow) < MOST:
                self.flow.append(_Frame(0, found[0] == "[", 0 if found[0] == "[" else None))
            elif kind == "close" and self.flow:
                self.flow.pop()
                if not self.flow:
                    return False, "", len(text)
            elif kind == "comma" and self.flow:
                top = self.flow[-1]
                top.part = top.part + 1 if isinstance(top.part, int) and top.is_list else None
            elif kind == "colon" and self.flow:
                if self.flow[-1].is_list and written:
                    self.flow.append(_Frame(-1, False, _plain(written)))  # a pair without braces
                elif written:
                    self.flow[-1].part = _plain(written)
            if kind == "text":
                written, start = found[0].rstrip() if found.end() < len(text) else found[0], found.start()
                if self.flow and not self.flow[-1].is_list and self.flow[-1].part is not None:
                    self.values[self.path()] = _plain(written.strip())
            elif kind != "comment":
                written, start = "", len(text)
            if kind in ("comma", "close") and self.flow and self.flow[-1].indent == -1:
                self.flow.pop()
                if self.flow and kind == "comma" and isinstance(self.flow[-1].part, int):
                    self.flow[-1].part += 1
        begins = bool(self.flow) and (self.flow[-1].is_list or self.flow[-1].part is None)
        return begins, written, start


def _plain(text: str) -> str:
    if text[:1] in ("'", '"'):
        return text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:]
    return text


def cursor(text: str, line: int, column: int) -> Cursor:
    """Where a place is; line and column count from 0, and are of the nearest place where there is no such one."""
    lines = text.split("\n")
    line = min(max(line, 0), len(lines) - 1)
    before = lines[line].rstrip("\r")[: max(column, 0)]
    scan = _Scan()
    for one in lines[:line]:
        scan.line(one)
    begins, written, start = scan.line(before, last=True)
    if not written.strip():
        written, start = "", len(before)
    return Cursor(scan.path(), begins, written.lstrip(), start, scan.values, bool(scan.flow))


def value_of(text: object) -> object:
    """A scalar as it is read; text that is no finite number stays text."""
    try:
        return scalar(text) if isinstance(text, str) and text else text
    except ValueError:
        return text
