"""Runs the rules: what is known of the data first, then every rule that can be asked with that."""

import functools
import importlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from mlspec import edits
from mlspec.diagnostics import Diagnostic, Hint
from mlspec.document import Document
from mlspec.machine.allowed_reads import Reads
from mlspec.plugins.base import Schema
from mlspec.rules import _look, _personal
from mlspec.rules.context import Counts, Facts, View
from mlspec.spec import Project, combining

MOST_ERRORS, MOST_NAMES = 100, 20
Rule = Callable[[View], Iterable[Diagnostic]]


def files() -> dict[str, Path]:
    """The file of each rule by its code: every file of ``rules/`` whose name begins with no underscore."""
    folder = Path(__file__).parents[1]
    return {
        n[:-3].replace("_", "-"): folder / n for n in sorted(os.listdir(folder)) if n.endswith(".py") and n[0] != "_"
    }


@functools.cache
def rules() -> dict[str, Rule]:
    """Every rule by its code."""
    return {code: importlib.import_module(f"mlspec.rules.{file.stem}").check for code, file in files().items()}


def facts(
    project: Project,
    document: Document,
    root: Path,
    reads: Reads | None = None,
    *,
    locked: bool = False,
    settle: "_look.Settle | None" = None,
) -> tuple[Facts, list[Diagnostic]]:
    """The contents of the headers and first rows of the sources, and what is wrong with them; ``reads``: which files
    may be read, all for None; ``locked``: of fetched sources, the snapshots in mlspec.lock come first; ``settle``:
    looks at all rows where it is not known yet what they have."""
    looks = _look.every(project, document, root, reads, locked=locked, settle=settle)
    found = [diagnostic for look in looks.values() for diagnostic in look.found]
    sources = {name: look.columns for name, look in looks.items() if look.columns is not None}
    complete = len(sources) == len(looks)
    raw, kinds = sources, _personal.raw_types(project, sources)
    sources = {name: _personal.treated(project, schema, kinds) for name, schema in raw.items()}
    # Stated types are those that treated columns are read with, not those that they are left with.
    types = {name: kind for name, kind in project.data.columns.types.items() if name not in kinds}
    made = combining.combined(replace(project.data, columns=replace(project.data.columns, types=types)), sources)
    snapshots = {name: look.snapshot for name, look in looks.items() if look.snapshot is not None}
    for name, column, kind in _personal.treated_as_another(project, raw, snapshots):
        message = f"the inferred type of '{column}' in source '{name}' is {kind}, but it is text in another source"
        stated = Hint(
            f"state the type: data.columns.types: {{{column}: category}}",
            ("category",),
            at=("data", "columns", "types", column),
        )
        found.append(edits.diagnostic(document, "sources-differ", ("data", "sources", name), message, stated, key=True))
    found += [_located(document, wrong) for wrong in made.wrong]
    schemas = made.schemas
    rows = [looks[name] for name in combining.stacked(project.data)]
    seen = [look.values for look in rows if look.columns is not None]
    levels = {value for values in seen if values is not None for value in values[0]}
    if any(values is None for values in seen):
        levels = set()
    if complete and schemas:
        found += _differing(document, schemas)
    return (
        Facts(
            root=root,
            schemas=schemas,
            sources=sources,
            raw=raw,
            raw_types=kinds,
            target_levels=tuple(sorted(levels)) if levels else None,
            rows_seen=sum(look.rows or len(look.values[0]) for look in rows if look.values is not None),
            all_rows_seen=bool(levels) and complete and all(values[1] for values in seen if values is not None),
            snapshots=snapshots,
            heads=tuple(name for name, look in looks.items() if look.is_head),
            reads=reads,
            counts=rows[0].counts if len(rows) == 1 else Counts(),
        ),
        found,
    )


def check(project: Project, document: Document, facts: Facts, *, running: bool = False) -> list[Diagnostic]:
    """What every rule finds in a resolved project, up to MOST_ERRORS, sorted by place."""
    if not facts.schemas:
        return []
    view = View(project=project, document=document, facts=facts, running=running)
    found: list[Diagnostic] = []
    errors = 0
    for diagnostic in (diagnostic for rule in rules().values() for diagnostic in rule(view)):
        found.append(diagnostic)
        errors += diagnostic.severity == "error"
        if errors == MOST_ERRORS:
            break
    return sorted(found, key=lambda d: (d.span is None, d.span, d.code))


def _located(document: Document, wrong: combining.Wrong) -> Diagnostic:
    """An error in a text, with its characters underlined where the text is on one line unchanged."""
    span = document.span(wrong.path)
    node, lines = document.node(wrong.path), document.texts.get(span.file, "").split("\n")
    if wrong.within is not None and node is not None and 0 < span.line <= len(lines):
        at = lines[span.line - 1].find(str(node.value), span.column - 1)
        if at >= 0:
            start, end = wrong.within
            span = replace(span, column=at + start + 1, end_line=span.line, end_column=at + end + 1)
    made = edits.diagnostic(document, wrong.code, wrong.path, wrong.message, wrong.label)
    return replace(made, span=span)


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:MOST_NAMES]
    return ", ".join(shown) + (f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else "")


def _differing(document: Document, schemas: dict[str, Schema]) -> list[Diagnostic]:
    names = list(schemas)
    first = {c.name for c in schemas[names[0]]}
    found = []
    for name in names[1:]:
        own = {c.name for c in schemas[name]}
        if own != first:
            what = [f"lacks {_listed(first - own)}"] if first - own else []
            what += [f"also has {_listed(own - first)}"] if own - first else []
            message = f"source '{name}' has different columns than '{names[0]}'"
            span = document.span(("data", "sources", name), key=True)
            found.append(Diagnostic(code="sources-differ", message=message, span=span, label="; ".join(what)))
    return found
