"""Changes of meaning -> edits of a spec's text that leave the rest of it, comments and spelling, as it is."""

from collections.abc import Sequence
from typing import Any

from mlspec.diff.change import Change
from mlspec.diff.meaning import NAME, ORDER, Meaning, meaning
from mlspec.document import Document, Node, Path, parse
from mlspec.spec.load import load

Place = tuple[int, int]
Edit = tuple[int, int, str]


def rewritten(text: str, of: Meaning, changes: Sequence[Change], file: str) -> str | None:
    """The text with each change made, one after the other; None where one can't be."""
    order = ("renamed", "removed", "changed", "added", "reordered")
    for change in sorted(changes, key=lambda one: (order.index(one.kind), one.position or 0)):
        edits = _edits(text, of, change)
        if edits is None:
            return None
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        document = parse(text, file)
        of = meaning(load(document), document)
    return text


def added(text: str, file: str, at: Path, value: Any) -> str | None:
    """The text with a value put where nothing is yet; None where what is there takes none.

    The last part of ``at`` may be a list's length: then the value is its next entry.
    """
    edit = _added(_Lines(text), parse(text, file), at, value)
    return None if edit is None else text[: edit[0]] + edit[2] + text[edit[1] :]


def without(text: str, document: Document, at: Path) -> Edit | None:
    """The edit that takes an entry away; None where it is not there, or nothing would be left."""
    return _without(_Lines(text), document, at)


def put(text: str, document: Document, at: Path, value: Any) -> Edit | None:
    """The edit that gives a place a value, whether or not there is one; None where what is there takes none."""
    lines, node = _Lines(text), document.node(at)
    return _added(lines, document, at, value) if node is None else _replaced(lines, node, value)


def last_line(node: Node) -> int:
    """The last line of a value."""
    line, column = _end(node)
    return line if column or line == node.start[0] else line - 1


def _edits(text: str, of: Meaning, change: Change) -> list[Edit] | None:
    lines = _Lines(text)
    if change.kind == "renamed":
        return _rename(lines, of.document, change)
    if change.key[-1] == ORDER:
        return _in_order(lines, of, change)
    if _is_ordered_part(change):
        return _whole_list(lines, of, change)
    at = _place(of, change)
    if at is None:
        return None
    if change.kind == "removed" or (change.new is None and change.kind == "changed"):
        edit = _without(lines, of.document, at)
        return None if edit is None else [edit]
    node = of.document.node(at)
    if node is not None:
        return [_replaced(lines, node, change.new)]
    short = of.document.node(at[:-1])
    if short is not None and short.kind == "scalar":
        # A short spelling (`impute: median`) holds the value of the one setting that it means.
        return [_replaced(lines, short, change.new)]
    edit = _added(lines, of.document, at, change.new)
    return None if edit is None else [edit]


class _Lines:
    """A text with the offset of each line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def offset(self, place: Place) -> int:
        """The offset of a line and column."""
        return self.starts[min(place[0], len(self.starts) - 1)] + place[1]

    def line(self, number: int) -> str:
        """A line, its end included."""
        return self.text[self.starts[number] : self.starts[number + 1]]


def _place(of: Meaning, change: Change) -> Path | None:
    """Where in the document a change is to be made: an entry of a list by what identifies it there."""
    if change.key in of.leaves:
        leaf = of.leaves[change.key]
        return leaf.at if leaf.pattern.rpartition(".")[2] != NAME else None
    if change.key in of.entities:
        return of.entities[change.key].at
    *above, last = change.key
    parent = tuple(above)
    at: Path
    if parent in of.entities:
        at = of.entities[parent].at
    else:
        at = tuple(part for part in parent if not part.startswith("["))
        if len(at) < len(parent):
            return None
    if last.startswith("["):
        node = of.document.node(at)
        return (*at, len(node.value) if node is not None and node.kind == "list" else 0)
    return (*at, last)


def _is_ordered_part(change: Change) -> bool:
    """Whether it adds an entry at a place of an ordered list that is not its end: the list is written again."""
    return change.kind == "added" and change.position is not None and change.rule.startswith("preprocessing")


def _in_order(lines: _Lines, of: Meaning, change: Change) -> list[Edit] | None:
    """The entries of a list in another order, each as it is written; those that the change does not name stay."""
    key = change.key[:-1]
    node = of.document.node(of.entities[key].at if key in of.entities else tuple(key))
    if node is None or node.kind != "list" or change.key not in of.leaves:
        return None
    now: list[str] = of.leaves[change.key].value
    wanted = iter([name for name in (f"[{one}]" for one in change.new) if name in now])
    named = {f"[{one}]" for one in change.new}
    order = [now.index(next(wanted)) if name in named else index for index, name in enumerate(now)]
    spans = [(lines.offset(start), lines.offset(end)) for start, end in _parts(node)]
    texts = [lines.text[start:end] for start, end in spans]
    return [(*span, texts[index]) for span, index in zip(spans, order, strict=True)]


def _whole_list(lines: _Lines, of: Meaning, change: Change) -> list[Edit] | None:
    from mlspec.diff import nested

    key = change.key[:-1]
    tree: Any = nested.apply(nested.tree(of), [change])
    for part in key:
        tree = tree[part]
    at = of.entities[key].at if key in of.entities else tuple(key)
    node = of.document.node(at)
    if node is None:
        return None
    made = meaning(nested.project(nested.apply(nested.tree(of), [change])), of.document)
    value = nested.entry(made, key) if key in made.entities else nested.plain(tree)
    return [_replaced(lines, node, value)]


def _rename(lines: _Lines, document: Document, change: Change) -> list[Edit] | None:
    edits = []
    places: list[Path] = [tuple(change.key[:-1])]
    if change.key[:2] == ("model", "candidates"):
        places.append(("tuning",))
    for at in places:
        node = document.node(at)
        for key, _value in node.value if node is not None and node.kind == "map" else ():
            if key.value == change.old:
                edits.append(_replaced(lines, key, change.new))
    return edits or None


def replaced(text: str, node: Node, value: Any) -> Edit:
    """The edit that puts another value in place of a node."""
    return _replaced(_Lines(text), node, value)


def _replaced(lines: _Lines, node: Node, value: Any) -> Edit:
    return lines.offset(node.start), lines.offset(_end(node)), flow(value)


def flow(value: Any) -> str:
    """A value on one line."""
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...").removesuffix("\n")


def _end(node: Node) -> Place:
    """Where a value really ends: a block's own mark follows the blank lines and comments after it."""
    own: Place = node.end
    if node.kind == "scalar" or not node.value:
        return own
    last: Place = node.value[-1][0].end if node.kind == "map" else (0, 0)
    inner = _end(node.value[-1][1] if node.kind == "map" else node.value[-1])
    return max(own if _is_flow(node) else last, inner, last)


def _is_flow(node: Node) -> bool:
    """Whether a mapping or list is written in brackets: then something is before its first part."""
    if not node.value:
        return True
    first = node.value[0][0] if node.kind == "map" else node.value[0]
    if node.kind == "list":
        # A block list starts at its first dash, two columns or more before the entry; a flow list at its bracket.
        return node.end[0] == node.start[0] and node.end > _end(node.value[-1])
    return bool(node.start != first.start)


def _parts(node: Node) -> list[tuple[Place, Place]]:
    """Where each entry of a mapping or list starts and ends."""
    if node.kind == "map":
        return [(key.start, max(key.end, _end(value))) for key, value in node.value]
    return [(item.start, _end(item)) for item in node.value]


def _without(lines: _Lines, document: Document, at: Path) -> Edit | None:
    """The edit that takes an entry away, with its line where it has one of its own."""
    parent = document.node(at[:-1])
    if parent is None or document.node(at) is None or parent.kind == "scalar":
        return None
    keys = [key.value for key, _ in parent.value] if parent.kind == "map" else list(range(len(parent.value)))
    index, parts = keys.index(at[-1]), _parts(parent)
    start, end = lines.offset(parts[index][0]), lines.offset(parts[index][1])
    if len(parts) == 1:
        # The last one of a block leaves nothing that could be alone: its container goes with it.
        if _is_flow(parent):
            return start, end, ""
        return _without(lines, document, at[:-1]) if len(at) > 1 else None
    if _is_flow(parent):
        if index + 1 < len(parts):
            return start, lines.offset(parts[index + 1][0]), ""
        return lines.offset(parts[index - 1][1]), end, ""
    return lines.starts[parts[index][0][0]], lines.starts[min(parts[index][1][0] + 1, len(lines.starts) - 1)], ""


def _added(lines: _Lines, document: Document, at: Path, value: Any) -> Edit | None:
    """The edit that puts a value where nothing is yet; what should be around it is made with it."""
    length = len(at) - 1
    while length and document.node(at[:length]) is None:
        length -= 1
    parent = document.node(at[:length])
    if parent is None or parent.kind == "scalar":
        return None
    for part in reversed(at[length + 1 :]):
        value = [value] if isinstance(part, int) else {part: value}
    name = at[length]
    if parent.kind == "list":
        new = flow(value)
    elif isinstance(name, str):
        new = f"{flow(name)}: {flow(value)}"
    else:
        return None
    parts = _parts(parent)
    if _is_flow(parent):
        inside = lines.offset(parts[-1][1]) if parts else lines.offset(parent.end) - 1
        return inside, inside, f", {new}" if parts else new
    last = parts[-1]
    behind = lines.starts[min(last[1][0] + 1, len(lines.starts) - 1)]
    indent = parts[0][0][1]
    lead = lines.line(parts[0][0][0])[:indent] if parent.kind == "list" else " " * indent
    if parent.kind == "list" and lead.strip() != "-":
        return None
    broken = "" if lines.text[:behind].endswith("\n") or not behind else "\n"
    return behind, behind, f"{broken}{lead}{new}\n"
