"""Text -> Document: plain data, and a span in the file for every path."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlspec.diagnostics import Diagnostic, Edit, Fix, Label, Span, SpecError
from mlspec.machine.patterns import pattern

Path = tuple[str | int, ...]

LARGEST = 1024 * 1024
DEEPEST = 64
MOST_ALIASED = 10_000
MOST_FOUND = 100
MOST_VALUES = 200_000
EXPLAINED = 64 * 1024

MOST_DIGITS = 1_000  # of a number; Python reads no integers from 4,300 on

_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCT = pattern(r"0o[0-7]+\Z")
_HEX = pattern(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = pattern(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
# A word, and what may follow one everywhere.
_UNQUOTED = pattern(r"[^\s,:#'\"\[\]{}\\]+(?=\s*(?:[,}\]]|\Z)|\s+#|\s*:(?:\s|\Z))")
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Node:
    """A value as it is in a file: ``kind`` is map, list or scalar; ``value`` pairs, items or plain data."""

    __slots__ = ("end", "file", "kind", "start", "value")

    def __init__(self, kind: str, value: Any, file: str, start: tuple[int, int], end: tuple[int, int]) -> None:
        self.kind, self.value, self.file, self.start, self.end = kind, value, file, start, end

    def span(self) -> Span:
        """Where it is."""
        return Span(self.file, self.start[0] + 1, self.start[1] + 1, self.end[0] + 1, self.end[1] + 1)

    def plain(self) -> Any:
        """The value as plain data."""
        if self.kind == "map":
            return {key.value: item.plain() for key, item in self.value}
        if self.kind == "list":
            return [item.plain() for item in self.value]
        return self.value


class Document:
    """A parsed file, overlays applied to it included."""

    def __init__(self, file: str, root: Node, texts: Mapping[str, str]) -> None:
        self.file, self.root, self.texts = file, root, texts

    @property
    def data(self) -> Any:
        """All of it as plain data."""
        return self.root.plain()

    def node(self, path: Iterable[str | int]) -> Node | None:
        """The value at a path."""
        node: Node | None = self.root
        for part in path:
            if node is None:
                return None
            if node.kind == "map":
                node = next((item for key, item in node.value if key.value == part), None)
            elif node.kind == "list" and isinstance(part, int) and 0 <= part < len(node.value):
                node = node.value[part]
            else:
                return None
        return node

    def span(self, path: Path, *, key: bool = False) -> Span:
        """The place of a path, or of its nearest existing part; ``key``: where its key is."""
        for length in range(len(path), 0, -1):
            node = self.node(path[:length])
            if node is None:
                continue
            parent = self.node(path[: length - 1])
            if (key or length < len(path)) and parent is not None and parent.kind == "map":
                where: Node = next(k for k, _v in parent.value if k.value == path[length - 1])
                return where.span()
            return node.span()
        return Span(self.file, 1, 1, 1, 2)


def too_large(file: str, size: int) -> SpecError:
    """That a spec has more bytes than people write."""
    message = f"{file} has {size:,} bytes, a spec at most {LARGEST:,}"
    return SpecError([Diagnostic(code="file-too-large", message=message, notes=("add --large if this is meant",))])


def parse(text: bytes | str, file: str, *, large: bool = False) -> Document:
    """The document in a text. Raises SpecError with what is wrong, each thing at its place."""
    if isinstance(text, bytes):
        if len(text) > LARGEST and not large:
            raise too_large(file, len(text))
        raw = text
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
            raise SpecError(
                [
                    Diagnostic(
                        code="not-utf-8",
                        message="the file is not UTF-8 text",
                        span=Span(file, line, column, line, column + 1),
                    )
                ]
            ) from None
    else:
        _demand_text(text, file)
    text = text.removeprefix("\ufeff")
    builder = _Builder(file, float("inf") if large else MOST_VALUES)
    root = builder.build(text)
    if builder.found:
        raise SpecError(builder.found)
    assert root is not None
    return Document(file, root, {file: text})


def _demand_text(text: str, file: str) -> None:
    """Raises SpecError for a text with half a character in it: bytes of a command line that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line, column = text.count("\n", 0, error.start) + 1, error.start - text.rfind("\n", 0, error.start)
        span = Span(file, line, column, line, column + 1)
        raise SpecError([Diagnostic(code="not-utf-8", message="this is not UTF-8 text", span=span)]) from None


def scalar(text: str) -> Any:
    """A plain scalar by the YAML 1.2 core schema. Raises ValueError for what is no finite number, and for an integer
    of more than 64 bits, which neither JSON nor a table of data can hold."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    first = text[0]
    if first in "+-.0123456789":
        if _INT.match(text):
            return _integer(text, 10)
        if _FLOAT.match(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                raise ValueError(f"{_short(text)} is too large for a number")
            return value
        if _OCT.match(text):
            return _integer(text, 8)
        if _HEX.match(text):
            return _integer(text, 16)
        if _NOT_FINITE.match(text):
            raise ValueError(f"{text} is not a finite number")
    return text


def _integer(text: str, base: int) -> int:
    value = int(text, base) if len(text) <= MOST_DIGITS else 1 << 64
    if -(1 << 63) <= value < 1 << 63:
        return value
    raise ValueError(f"{_short(text)} is too large for an integer")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


class _StopError(Exception):
    """Reading further would only add noise."""


class _Open:
    """A list or mapping that is not closed yet: its pending key, its anchor, how many values it holds, its keys."""

    __slots__ = ("anchor", "count", "key", "keys", "node")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node, self.anchor, self.count = node, anchor, 1
        self.key: Node | None = None
        self.keys: dict[Any, Node] = {}


class _Builder:
    """Events -> nodes, one pass, no recursion; collects every finding that does not end the reading."""

    def __init__(self, file: str, most: float) -> None:
        self.file, self.most = file, most
        self.values = 0
        self.found: list[Diagnostic] = []
        self.lines: list[str] = []
        self.root: Node | None = None
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.aliased = self.documents = 0

    def add(self, code: str, event: Any, message: str, label: str = "") -> None:
        """Note what is wrong with an event."""
        span = _between(self.file, event.start_mark, event.end_mark)
        self.found.append(Diagnostic(code=code, message=message, span=span, label=label))

    def add_span(self, code: str, span: Span, message: str, label: str, also: tuple[Label, ...] = ()) -> None:
        """Note what is wrong with a place; where it is to be put in quotes, that is how to."""
        fixes: tuple[Fix, ...] = ()
        line = self.lines[span.line - 1] if label == "put it in quotes" else ""
        plain = _UNQUOTED.match(line, span.column - 1) if line else None
        if plain is not None:
            end = plain.end() + 1
            edit = Edit(Span(self.file, span.line, span.column, span.line, end), f'"{plain[0]}"')
            fixes = (Fix(f"put {plain[0]} in quotes", (edit,)),)
        self.found.append(Diagnostic(code=code, message=message, span=span, label=label, also=also, fixes=fixes))

    def build(self, text: str) -> Node | None:
        """The root of a text, None where something was found that ends the reading."""
        import yaml

        self.lines = text.split("\n")
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._document,
        }
        try:
            for event in yaml.parse(text, Loader=yaml.CLoader):
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except _StopError:
            return None
        except yaml.YAMLError as error:
            self._explain(text, error)
            return None
        if self.root is None:
            first, note = Span(self.file, 1, 1, 1, 2), "`mlspec init DATA` writes a first spec"
            message = "the file has nothing in it"
            self.found.append(Diagnostic(code="empty-file", message=message, span=first, notes=(note,)))
        return self.root

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.add("several-documents", event, "a spec is one document, a second one starts here")
            raise _StopError

    def _scalar(self, event: Any) -> None:
        value: Any = event.value
        if event.tag is not None and event.tag != "!":
            self._tag(event)
        elif not event.style:
            try:
                value = scalar(value)
            except ValueError as error:
                self.add("not-a-number", event, str(error), "write a smaller, finite number, or quote it")
        node = Node("scalar", value, self.file, *_ends(event))
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1)
        self._attach(node, 1)

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if any(outer.anchor == name for outer in self.stack):
            self.add("recursive-alias", event, f"'*{name}' is inside the value that it refers to")
            raise _StopError
        if name not in self.anchors:
            self.add("unknown-alias", event, f"there is no anchor '&{name}' before this")
            raise _StopError
        node, size = self.anchors[name]
        self.aliased += size
        if self.aliased > MOST_ALIASED:
            self.add("too-many-aliases", event, f"aliases expand to more than {MOST_ALIASED:,} values")
            raise _StopError
        self._attach(node, size)

    def _start(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            self._tag(event)
        kind = "map" if type(event).__name__ == "MappingStartEvent" else "list"
        self.stack.append(_Open(Node(kind, [], self.file, *_ends(event)), event.anchor))
        if len(self.stack) > DEEPEST:
            self.add("too-deep", event, f"values are nested deeper than {DEEPEST} levels")
            raise _StopError

    def _end(self, event: Any) -> None:
        closed = self.stack.pop()
        if closed.node.kind == "map" or event.end_mark.column > event.start_mark.column:
            closed.node.end = (event.end_mark.line, event.end_mark.column)
        if closed.anchor is not None:
            self.anchors[closed.anchor] = (closed.node, closed.count)
        self._attach(closed.node, closed.count)

    def _tag(self, event: Any) -> None:
        self.add("tag", event, f"tags are not part of the language: {event.tag}", "delete the tag")

    def _attach(self, node: Node, count: int) -> None:
        """Put a finished value of so many values where it belongs."""
        self.values += 1
        if self.values > self.most:
            message = f"the file holds more than {self.most:,} values"
            note = "add --large if this is meant"
            self.found.append(Diagnostic(code="file-too-large", message=message, span=node.span(), notes=(note,)))
        if len(self.found) >= MOST_FOUND or self.values > self.most:
            raise _StopError
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.count += count
        if parent.node.kind == "list":
            parent.node.value.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            self._pair(parent, parent.key, node)
            parent.key = None

    def _pair(self, parent: _Open, key: Node, node: Node) -> None:
        if key.kind != "scalar" or not isinstance(key.value, str):
            label = "put it in quotes" if key.kind == "scalar" else "a list or mapping can't be a key"
            self.add_span("key-not-text", key.span(), "keys are text", label)
            return
        if key.value == "<<":
            message, label = "merge keys ('<<') are not part of the language", "write the keys out, or use a profile"
            self.found.append(Diagnostic(code="merge-key", message=message, span=key.span(), label=label))
            return
        first = parent.keys.setdefault(key.value, key)
        if first is not key:
            message, also = f"key '{key.value}' is duplicated", (Label(first.span(), "first set here"),)
            label = "delete one of the two"
            self.found.append(
                Diagnostic(code="duplicate-key", message=message, span=key.span(), label=label, also=also)
            )
            return
        parent.node.value.append((key, node))

    def _explain(self, text: str, error: Any) -> None:
        """A better message than libyaml's: the pure-Python scanner reads once more, and common slips are named."""
        import yaml

        try:
            # It takes ten seconds for a megabyte.
            for _event in yaml.parse(text, Loader=yaml.SafeLoader) if len(text) <= EXPLAINED else ():
                pass
        except yaml.YAMLError as better:
            error = better
        except (RecursionError, ValueError):
            pass  # of a character that there is not, for one
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:
            place = getattr(error, "position", 0)
            line = text[:place].count("\n")
            column = place - (text.rfind("\n", 0, place) + 1)
        else:
            line, column = mark.line, mark.column
        lines = [row.rstrip("\r") for row in text.split("\n")]
        if line >= len(lines):
            line, column = len(lines) - 1, len(lines[-1])
        here = lines[line]
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        code, message, label = "syntax", f"this is not YAML: {problem}", ""
        conflict = next((i for i, row in enumerate(lines) if row.startswith(("<<<<<<< ", ">>>>>>> "))), None)
        if conflict is not None:
            code, message = "merge-conflict", "an unfinished merge: the file has conflict markers"
            label, line, column = "settle the conflict", conflict, 0
        elif here[: len(here) - len(here.lstrip())].count("\t") or (column < len(here) and here[column] == "\t"):
            code, message, label = "tab", "a tab can't indent, YAML takes spaces only", "use spaces"
            column = here.index("\t")
        elif column < len(here) and here[column] in "@`%":
            message, label = f"a value can't start with '{here[column]}'", "put it in quotes"
        elif "mapping values are not allowed" in problem:
            message, label = (
                "a ': ' inside a value, or wrong indentation",
                "quote the value, or line it up with the keys around it",
            )
        elif "could not find expected" in problem:
            message, label = "a key without ': ' behind it", "write 'key: value'"
        span = Span(self.file, line + 1, column + 1, line + 1, column + 2)
        context = getattr(error, "context_mark", None)
        also: tuple[Label, ...] = ()
        if context is not None and context.line != line and context.line < len(lines):
            what = str(getattr(error, "context", "") or "").replace("while ", "")
            also = (
                Label(
                    Span(self.file, context.line + 1, context.column + 1, context.line + 1, context.column + 2), what
                ),
            )
        self.add_span(code, span, message, label, also)


def _ends(event: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    start, end = event.start_mark, event.end_mark
    return (start.line, start.column), (end.line, end.column)


def _between(file: str, start: Any, end: Any) -> Span:
    """A span of at least one character."""
    last = max((end.line, end.column), (start.line, start.column + 1))
    return Span(file, start.line + 1, start.column + 1, last[0] + 1, last[1] + 1)
