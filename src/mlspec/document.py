"""Text -> Document: plain data, and a span in the file for every path."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlspec.diagnostics import Diagnostic, Label, Span, SpecError

Path = tuple[str | int, ...]

LARGEST = 1024 * 1024
DEEPEST = 64
MOST_ALIASED = 10_000

_INT = re.compile(r"[-+]?[0-9]+$")
_OCT = re.compile(r"0o[0-7]+$")
_HEX = re.compile(r"0x[0-9a-fA-F]+$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Node:
    """A value as it stands in a file: ``kind`` is map, list or scalar; ``value`` pairs, items or plain data."""

    __slots__ = ("end", "file", "kind", "start", "value")

    def __init__(self, kind: str, value: Any, file: str, start: tuple[int, int], end: tuple[int, int]) -> None:
        self.kind, self.value, self.file, self.start, self.end = kind, value, file, start, end

    def span(self) -> Span:
        """Where it stands."""
        return Span(self.file, self.start[0] + 1, self.start[1] + 1, self.end[0] + 1, self.end[1] + 1)

    def plain(self) -> Any:
        """The value as plain data."""
        if self.kind == "map":
            return {key.value: item.plain() for key, item in self.value}
        if self.kind == "list":
            return [item.plain() for item in self.value]
        return self.value


class Document:
    """A parsed file, overlays laid over it included."""

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
        """Where a path stands, or the nearest part of it that exists; ``key``: where its key stands."""
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


def parse(text: bytes | str, file: str, *, large: bool = False) -> Document:
    """The document in a text. Raises SpecError with what is wrong, each thing at its place."""
    if isinstance(text, bytes):
        if len(text) > LARGEST and not large:
            raise SpecError(
                [
                    Diagnostic(
                        code="file-too-large",
                        message=f"{file} has {len(text):,} bytes, a spec at most {LARGEST:,}",
                        notes=("add --large if this is meant",),
                    )
                ]
            )
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
    text = text.removeprefix("\ufeff")
    builder = _Builder(file)
    root = builder.build(text)
    if builder.found:
        raise SpecError(builder.found)
    assert root is not None
    return Document(file, root, {file: text})


def scalar(text: str) -> Any:
    """A plain scalar by the YAML 1.2 core schema. Raises ValueError for what is no finite number."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    first = text[0]
    if first in "+-.0123456789":
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                raise ValueError(f"{text} is too large for a number")
            return value
        if _OCT.match(text):
            return int(text[2:], 8)
        if _HEX.match(text):
            return int(text[2:], 16)
        if _NOT_FINITE.match(text):
            raise ValueError(f"{text} is not a finite number")
    return text


class _StopError(Exception):
    """Reading further would only add noise."""


class _Builder:
    """Events -> nodes, one pass, no recursion; collects every finding that does not end the reading."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Diagnostic] = []

    def add(self, code: str, message: str, mark: Any, end: Any = None, **more: Any) -> None:
        end = mark if end is None else end
        stop = (
            (end.line, end.column)
            if (end.line, end.column) > (mark.line, mark.column)
            else (mark.line, mark.column + 1)
        )
        self.found.append(
            Diagnostic(
                code=code,
                message=message,
                span=Span(self.file, mark.line + 1, mark.column + 1, stop[0] + 1, stop[1] + 1),
                **more,
            )
        )

    def build(self, text: str) -> Node | None:
        import yaml

        try:
            return self._events(yaml.parse(text, Loader=yaml.CLoader))
        except _StopError:
            return None
        except yaml.YAMLError as error:
            self._explain(text, error)
            return None

    def _events(self, events: Any) -> Node | None:
        import yaml

        root: Node | None = None
        # Open values: the node, its pending key, its anchor, how many values it holds, its keys so far.
        stack: list[tuple[Node, list[Any], str | None, list[int], dict[str, Node]]] = []
        anchors: dict[str, tuple[Node, int]] = {}
        open_anchors: set[str] = set()
        aliased = documents = 0
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self.add(
                        "several-documents",
                        "a spec is one document, a second one starts here",
                        event.start_mark,
                        event.end_mark,
                    )
                    raise _StopError
                continue
            if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
                continue
            if kind in ("SequenceEndEvent", "MappingEndEvent"):
                node, _pending, anchor, count, _seen = stack.pop()
                if node.kind == "map" or event.end_mark.column > event.start_mark.column:
                    node.end = (event.end_mark.line, event.end_mark.column)
                if anchor is not None:
                    anchors[anchor] = (node, count[0])
                    open_anchors.discard(anchor)
                if stack:
                    stack[-1][3][0] += count[0]
                self._attach(stack, node)
                if not stack:
                    root = node
                continue
            start = (event.start_mark.line, event.start_mark.column)
            end = (event.end_mark.line, event.end_mark.column)
            tag = getattr(event, "tag", None)
            if tag is not None and tag != "!":
                self.add(
                    "tag",
                    f"tags are not part of the language: {tag}",
                    event.start_mark,
                    event.end_mark,
                    label="delete the tag",
                )
            if isinstance(event, yaml.ScalarEvent):
                value: Any = event.value
                if not event.style:
                    try:
                        value = scalar(event.value)
                    except ValueError as error:
                        self.add(
                            "not-a-number",
                            str(error),
                            event.start_mark,
                            event.end_mark,
                            label="write a finite number, or quote it",
                        )
                node = Node("scalar", value, self.file, start, end)
                if event.anchor is not None:
                    anchors[event.anchor] = (node, 1)
                if stack:
                    stack[-1][3][0] += 1
                    self._attach(stack, node)
                else:
                    root = node
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor in open_anchors:
                    self.add(
                        "recursive-alias",
                        f"'*{event.anchor}' stands inside what it names",
                        event.start_mark,
                        event.end_mark,
                    )
                    raise _StopError
                if event.anchor not in anchors:
                    self.add(
                        "unknown-alias",
                        f"there is no anchor '&{event.anchor}' before this",
                        event.start_mark,
                        event.end_mark,
                    )
                    raise _StopError
                node, size = anchors[event.anchor]
                aliased += size
                if aliased > MOST_ALIASED:
                    self.add(
                        "too-many-aliases",
                        f"aliases stand for more than {MOST_ALIASED:,} values",
                        event.start_mark,
                        event.end_mark,
                    )
                    raise _StopError
                if stack:
                    stack[-1][3][0] += size
                self._attach(stack, node)
            else:
                node = Node("map" if kind == "MappingStartEvent" else "list", [], self.file, start, end)
                if event.anchor is not None:
                    open_anchors.add(event.anchor)
                stack.append((node, [], event.anchor, [1], {}))
                if len(stack) > DEEPEST:
                    self.add("too-deep", f"values are nested deeper than {DEEPEST} levels", event.start_mark)
                    raise _StopError
        if root is None:
            self.found.append(
                Diagnostic(
                    code="empty-file",
                    message="the file has nothing in it",
                    span=Span(self.file, 1, 1, 1, 2),
                    notes=("`mlspec init DATA` writes a first spec",),
                )
            )
        return root

    def _attach(self, stack: list[Any], node: Node) -> None:
        if not stack:
            return
        parent, pending, _anchor, _count, seen = stack[-1]
        if parent.kind == "list":
            parent.value.append(node)
        elif not pending:
            pending.append(node)
        else:
            key = pending.pop()
            self._pair(parent, key, node, seen)

    def _pair(self, parent: Node, key: Node, node: Node, seen: dict[str, Node]) -> None:
        where = key.span()
        if key.kind == "scalar" and key.value == "<<":
            self.found.append(
                Diagnostic(
                    code="merge-key",
                    message="merge keys ('<<') are not part of the language",
                    span=where,
                    label="write the keys out, or use a profile",
                )
            )
            return
        if key.kind != "scalar" or not isinstance(key.value, str):
            self.found.append(
                Diagnostic(
                    code="key-not-text",
                    message="keys are text",
                    span=where,
                    label="put it in quotes" if key.kind == "scalar" else "a list or mapping can't be a key",
                )
            )
            return
        first = seen.setdefault(key.value, key)
        if first is not key:
            self.found.append(
                Diagnostic(
                    code="duplicate-key",
                    message=f"key '{key.value}' stands twice",
                    span=where,
                    label="delete one of the two",
                    also=(Label(first.span(), "first set here"),),
                )
            )
            return
        parent.value.append((key, node))

    def _explain(self, text: str, error: Any) -> None:
        """A better message than libyaml's: the pure-Python scanner reads once more, and common slips are named."""
        import yaml

        try:
            for _event in yaml.parse(text, Loader=yaml.SafeLoader):
                pass
        except yaml.YAMLError as better:
            error = better
        except RecursionError:
            pass
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:
            place = getattr(error, "position", 0)
            line = text[:place].count("\n")
            column = place - (text.rfind("\n", 0, place) + 1)
        else:
            line, column = mark.line, mark.column
        lines = text.splitlines() or [""]
        if line >= len(lines):
            line, column = len(lines) - 1, len(lines[-1])
        here = lines[line]
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        code, message, label = "syntax", f"this is not YAML: {problem}", ""
        if here[: len(here) - len(here.lstrip())].count("\t") or (column < len(here) and here[column] == "\t"):
            code, message, label = "tab", "a tab can't indent, YAML takes spaces only", "use spaces"
            column = here.index("\t")
        elif here.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            code, message, label, column = (
                "merge-conflict",
                "an unfinished merge: the file has conflict markers",
                "settle the conflict",
                0,
            )
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
        self.found.append(Diagnostic(code=code, message=message, span=span, label=label, also=also))
