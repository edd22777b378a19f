"""What is wrong with a merged spec that was wrong with neither of its sides: found as ``mlspec validate`` does, but
without a look at the data."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import Document, Node, parse
from mlspec.machine import allowed_reads
from mlspec.plugins.base import Column
from mlspec.rules.check import check
from mlspec.rules.context import Facts
from mlspec.spec.load import load
from mlspec.spec.read import with_profile
from mlspec.spec.resolve import resolve

MOST_COLUMNS, MOST_PROFILES, LONGEST = 2_000, 100, 100
MOST_READ = 3_000_000  # characters: the text is checked once for each profile


def faults(text: str, sides: Sequence[str], file: str) -> list[Diagnostic]:
    """The errors of a text, in each of its profiles too, that none of the sides has."""
    columns = _columns([parse(side, file) for side in sides])
    known = {_said(one) for side in sides for _, one in _every(side, columns, file)}
    found: dict[tuple[str, str], Diagnostic] = {}
    for profile, one in _every(text, columns, file):
        if _said(one) not in known and _said(one) not in found:
            note = () if profile is None else (f"with the profile {profile}",)
            found[_said(one)] = replace(one, notes=(*one.notes, *note))
    return list(found.values())


def _said(one: Diagnostic) -> tuple[str, str]:
    return one.code, one.message


def _every(text: str, columns: tuple[Column, ...], file: str) -> Iterator[tuple[str | None, Diagnostic]]:
    try:
        document = parse(text, file)
    except SpecError as error:
        yield from ((None, one) for one in error.diagnostics)
        return
    yield from ((None, one) for one in _errors(document, columns))
    profiles = document.node(("profiles",))
    most = min(MOST_PROFILES, MOST_READ // max(1, len(text)))
    for key, _ in profiles.value[:most] if profiles is not None and profiles.kind == "map" else ():
        yield from ((key.value, one) for one in _errors(with_profile(document, key.value), columns))


def _errors(document: Document, columns: tuple[Column, ...]) -> list[Diagnostic]:
    try:
        project = load(document)
    except SpecError as error:
        return list(error.diagnostics)
    # The columns are unknown here: whatever the spec calls by a name could be one.
    schemas = dict.fromkeys(project.data.sources, columns)
    root = Path(document.file).parent
    facts = Facts(root=root, schemas=schemas, sources=schemas, reads=allowed_reads.around(root))
    found = check(resolve(project, schemas, None), document, facts)
    return [one for one in found if one.severity == "error"]


def _columns(documents: Sequence[Document]) -> tuple[Column, ...]:
    names: dict[str, None] = {}
    for document in documents:
        stack: list[Node] = [document.root]
        while stack and len(names) < MOST_COLUMNS:
            node = stack.pop()
            if node.kind == "map":
                stack += [part for pair in node.value for part in pair]
            elif node.kind == "list":
                stack += node.value
            elif isinstance(node.value, str) and 0 < len(node.value) <= LONGEST:
                names[node.value] = None
    return tuple(Column(name, "category") for name in sorted(names))
