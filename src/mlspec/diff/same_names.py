"""Three versions of a spec brought to the same names: what one side renamed is called so in the others too."""

from collections.abc import Iterator

from msgspec import Struct

from mlspec.diff import renames, rewrite
from mlspec.diff.meaning import Key, Meaning, meaning
from mlspec.document import Document, Node, Path, parse
from mlspec.spec.load import load


class Aligned(Struct, frozen=True):
    """The three texts with the same names. ``clashes``: the old name of each entry to which the sides gave different
    names, or that one of them renamed and the other removed."""

    base: str
    ours: str
    theirs: str
    clashes: tuple[Key, ...] = ()


def same_names(base: str, ours: str, theirs: str, file: str) -> Aligned:
    """The three texts, an entry that one of the sides renamed under its new name in each, wherever it is named."""
    before, one, other = (_meaning(text, file) for text in (base, ours, theirs))
    mine, yours = (dict(renames.find(before, side)) for side in (one, other))
    clashes = []
    for old in dict.fromkeys((*mine, *yours)):
        own, there = mine.get(old), yours.get(old)
        new = own or there
        assert new is not None
        side = other if there is None else one
        if own is not None and there is not None and own == there:
            pass
        elif (own is not None and there is not None) or old not in side.entities:
            clashes.append(old)
            continue
        elif new in side.entities:
            # The name is taken: then the entries themselves clash.
            continue
        elif own is None:
            ours = _under_new_name(ours, old, new, file)
        else:
            theirs = _under_new_name(theirs, old, new, file)
        base = _under_new_name(base, old, new, file)
    return Aligned(base, ours, theirs, tuple(clashes))


def _meaning(text: str, file: str) -> Meaning:
    document = parse(text, file)
    return meaning(load(document), document)


def _under_new_name(text: str, old: Key, new: Key, file: str) -> str:
    document = parse(text, file)
    if document.node(old) is None:
        return text
    edits = [rewrite.replaced(text, node, new[-1]) for node in _named(document, old)]
    for start, end, word in sorted(set(edits), reverse=True):
        text = text[:start] + word + text[end:]
    return text


def _named(document: Document, old: Key) -> Iterator[Node]:
    """Each place where a candidate or source is named: in the spec itself and in its profiles."""
    places = [("model", "candidates"), ("tuning",)] if old[0] == "model" else [("data", "sources")]
    profiles = document.node(("profiles",))
    names = [key.value for key, _ in profiles.value] if profiles is not None and profiles.kind == "map" else []
    around: list[Path] = [(), *(("profiles", name) for name in names)]
    for above in around:
        for place in places:
            node = document.node((*above, *place))
            yield from (key for key, _ in node.value if key.value == old[-1]) if node and node.kind == "map" else ()
        if old[0] == "data":
            data = document.node((*above, "data"))
            yield from () if data is None else _sources(data, old[-1])


def _sources(root: Node, name: str) -> Iterator[Node]:
    """The values of ``source`` that are a name, wherever data refers to a source."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.kind == "list":
            stack += node.value
        for key, value in node.value if node.kind == "map" else ():
            if key.value == "source" and value.kind == "scalar" and value.value == name:
                yield value
            # There, `source` is a column.
            stack += [value] if key.value != "as_of" else []
