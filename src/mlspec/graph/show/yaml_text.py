"""Plain data as YAML that YAML 1.1 and 1.2 read alike; entries put into a mapping in a text, whose rest stays as is."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

PLAIN = re.compile(r"[A-Za-z_][\w./-]*(?: [\w./=-]+)*", re.ASCII)
WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
BREAKS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Entry(Struct, frozen=True):
    """An entry of a mapping in a text: its key's place, and where its lines begin and end."""

    line: int
    column: int
    start: int
    end: int
    node: Any

    def plain(self) -> Any:
        """Its value as plain data. Raises ValueError, with the reason, where YAML's own types don't allow that."""
        import yaml

        try:
            return yaml.SafeLoader("").construct_document(self.node)
        except (yaml.YAMLError, TypeError, AttributeError, ArithmeticError, LookupError) as error:
            raise ValueError(" ".join(str(error).split())) from None


class Mapped(Struct, frozen=True):
    """The entries of a mapping that stands under a top-level key; ``end`` is where one more goes, ``indent`` how deep.

    ``broken`` says why entries can't be added, where they can't.
    """

    entries: dict[str, Entry]
    end: int
    indent: int
    broken: str = ""


def scalar(value: Any) -> str:
    """A text, number, boolean or null on one line."""
    if isinstance(value, str):
        if PLAIN.fullmatch(value) and value.lower() not in WORDS:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
    if isinstance(value, float):
        mantissa, mark, exponent = repr(value).partition("e")
        return mantissa if not mark else f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"
    return json.dumps(value)


def block(value: Any, indent: int = 0) -> Iterator[str]:
    """Lines of a mapping or a list of plain data, as deep as it goes."""
    space = " " * indent
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Mapping | list) and item:
                yield f"{space}{scalar(key)}:"
                yield from block(item, indent + (2 if isinstance(item, Mapping) else 0))
            else:
                yield f"{space}{scalar(key)}: {_empty(item)}"
        return
    for item in value:
        if isinstance(item, Mapping | list) and item:
            first, *rest = block(item, indent + 2)
            yield f"{space}- {first.lstrip(' ')}"
            yield from rest
        else:
            yield f"{space}- {_empty(item)}"


def mapping(text: str, key: str) -> Mapped | None:
    """The mapping under a top-level key; None where there is no such key.

    Raises ValueError, with the reason, for a text that is no mapping in YAML.
    """
    import yaml

    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("it is no mapping")
    for name, node in root.value:
        if name.value == key:
            return _mapped(text, node)
    return None


def merged(text: str, key: str, entries: Mapping[str, str], drop: Collection[str]) -> str:
    """The text with these entries (lines without indentation) under a top-level key, in place of those to be dropped.

    They stand together where the first dropped one stood, or last. Raises ValueError where that can't be done.
    """
    found = _usable(text, key)
    new = _lines(entries, found.indent)
    dropped = sorted((there.start, there.end) for name, there in found.entries.items() if name in drop)
    if not dropped:
        return _changed(text, key, found, [(found.end, found.end, new)])
    first, *others = dropped
    return _changed(text, key, found, [(*first, new), *((*place, "") for place in others)])


def replaced(text: str, key: str, entries: Mapping[str, str], drop: Collection[str]) -> str:
    """The text with these entries under a top-level key, each in place of the one of its name or else last, and without
    those to be dropped. Raises ValueError where that can't be done."""
    found = _usable(text, key)
    changes = []
    for name, there in found.entries.items():
        if name in entries:
            changes.append((there.start, there.end, _lines({name: entries[name]}, found.indent)))
        elif name in drop:
            changes.append((there.start, there.end, ""))
    new = {name: lines for name, lines in entries.items() if name not in found.entries}
    return _changed(text, key, found, [*changes, (found.end, found.end, _lines(new, found.indent))])


def _usable(text: str, key: str) -> Mapped:
    found = mapping(text, key)
    if found is None:
        return Mapped({}, -1, 2)
    if found.broken:
        raise ValueError(found.broken)
    return found


def _changed(text: str, key: str, found: Mapped, changes: Sequence[tuple[int, int, str]]) -> str:
    """The text with these stretches of it replaced."""
    if found.end < 0:
        return _ended(text) + f"{key}:\n" + "".join(new for _start, _end_, new in changes)
    parts, before = [], 0
    for start, end, new in sorted(changes, key=lambda change: change[:2]):
        parts += [_ended(text[before:start]), new]
        before = end
    return "".join([*parts, text[before:]])


def _lines(entries: Mapping[str, str], indent: int) -> str:
    space = " " * indent
    return "".join(f"{space}{scalar(name)}:\n{_indented(lines, indent + 2)}" for name, lines in entries.items())


def _mapped(text: str, node: Any) -> Mapped:
    import yaml

    if isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null"):
        line_end = text.find("\n", node.end_mark.index)
        return Mapped({}, len(text) if line_end < 0 else line_end + 1, 2, "" if node.value == "" else "it is null")
    if not isinstance(node, yaml.MappingNode):
        return Mapped({}, 0, 2, "it is no mapping")
    if node.flow_style:
        return Mapped({}, 0, 2, "it is written in braces")
    if any(not isinstance(key, yaml.ScalarNode) for key, _value in node.value):
        return Mapped({}, 0, 2, "one of its keys is a list or a mapping")
    entries = {}
    for key, value in node.value:
        # Comments and empty lines behind an entry are the next one's.
        last = text.find("\n", max(key.end_mark.index, _end(text, value) - 1))
        stop = len(text) if last < 0 else last + 1
        start = _line_start(text, key.start_mark.index)
        entries[key.value] = Entry(key.start_mark.line + 1, key.start_mark.column + 1, start, stop, value)
    return Mapped(entries, max(entry.end for entry in entries.values()), node.start_mark.column)


def _end(text: str, node: Any) -> int:
    """Where the last thing in a node ends: a block itself ends only where the next thing begins."""
    if not isinstance(node.value, str) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    start: int = node.start_mark.index
    return start + len(text[start : node.end_mark.index].rstrip())


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _indented(lines: str, indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in lines.split("\n"))


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _empty(value: Any) -> str:
    return "{}" if isinstance(value, Mapping) else "[]" if isinstance(value, list) else scalar(value)
