"""Data contracts of other tools, in and out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.api.checking import validate
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import safe_files
from mlspec.specfile import find

MOST_ADDED = 500  # each is placed by reading the whole spec again

if TYPE_CHECKING:
    from mlspec.contracts.contract import Contract


def import_contract(file: str | os.PathLike[str]) -> "Contract":
    """The statements of a data contract, whose format is detected from its content.

    Forms: ODCS 3, Great Expectations, pandera, Croissant, Frictionless, Hugging Face. Raises SpecError where it can't
    be read.
    """
    from mlspec.contracts import reading

    try:
        content = safe_files.read(file)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        message = f"'{os.fspath(file)}' can't be read: {why}"
        raise SpecError([Diagnostic(code="contract-unreadable", message=message)]) from None
    try:
        return reading.read(content, os.fspath(file))
    except SpecError as error:
        error.texts.setdefault(os.fspath(file), content.decode("utf-8", "replace"))
        raise


def add_contract(found: "Contract", spec: str | os.PathLike[str]) -> tuple[str, list[str]]:
    """A spec's text with what a contract states added to it, and what is not added, each with why.

    What the spec says already stays as it is. Raises SpecError where the spec is no YAML, has no mapping ``data``, or
    the contract states more than ``MOST_ADDED`` things.
    """
    from mlspec.contracts.contract import show
    from mlspec.diff import rewrite
    from mlspec.document import parse

    file = find(spec)
    content = safe_files.read(file)
    parse(content, file)
    text = content.decode()
    entries: list[tuple[tuple[str, ...], object]] = []
    for field in found.fields:
        if field.type is not None:
            entries.append((("data", "columns", "types", field.name), field.type))
        if field.personal is not None:
            entries.append((("data", "personal", field.name), {"kind": field.personal}))
    entries += [(("data", "expect"), dict(one)) for one in found.expect]
    if len(entries) > MOST_ADDED:
        message = f"the contract states {len(entries):,} things; at most {MOST_ADDED:,} can be added to a spec"
        note = "leave out --write, and copy what is printed into the spec"
        raise SpecError([Diagnostic(code="contract-too-large", message=message, notes=(note,))])
    left = []
    for at, value in entries:
        document = parse(text, file)
        node = document.node(at)
        if at[-1] == "expect":
            listed = node.plain() if node is not None else []
            if not isinstance(listed, list):
                left.append(f"expect: {show(value)}: data.expect is not a list")
                continue
            if value in listed:
                continue
            made = rewrite.added(text, file, (*at, len(listed)), value)
            if made is not None and node is None:
                made = _a_line_each(made, file, at)
        elif node is not None:
            if node.plain() != value and at[1] != "personal":
                left.append(f"{'.'.join(at)}: {show(value)}: it is {show(node.plain())} here")
            continue
        else:
            made = rewrite.added(text, file, at, value)
        if made is None:
            left.append(f"{'.'.join(at)}: {show(value)}: nothing can be added there")
        else:
            text = made
    return text, left


def _a_line_each(text: str, file: str, at: tuple[str, ...]) -> str:
    """The text whose new list of one entry is in lines of its own, where its key has a line of its own."""
    from mlspec.diff import rewrite
    from mlspec.document import parse

    node = parse(text, file).node(at)
    lines = text.splitlines(keepends=True)
    if node is None or not lines[node.start[0]].lstrip().startswith(f"{at[-1]}: ["):
        return text
    line = lines[node.start[0]]
    indent = line[: len(line) - len(line.lstrip())]
    lines[node.start[0]] = f"{indent}{at[-1]}:\n{indent}  - {rewrite.flow(node.plain()[0])}\n"
    return "".join(lines)


def export_contract(
    form: str, spec: str | os.PathLike[str] | None = None, *, allow_outside: bool = False
) -> tuple[str, list[str]]:
    """A spec's expectations as a contract of that form (``odcs``, ``croissant``, ``pandera``, ``great_expectations``),
    and those that the form has no words for. ``allow_outside``: as for ``validate``.

    Raises SpecError where the spec is wrong, OSError if a file whose digest Croissant needs cannot be read.
    """
    from mlspec.contracts import writing
    from mlspec.graph import tables
    from mlspec.graph.graph import Graph
    from mlspec.plugins.source import Source

    checked = validate(spec, allow_outside=allow_outside)
    columns = tables.table(Graph(checked.project, checked.facts))
    made = writing.contract(checked.project, columns)
    files: dict[str, Path] = {}
    for name, use in checked.project.data.sources.items():
        if isinstance(use.plugin, Source):
            own = use.plugin.files(checked.root)
            files |= {name if len(own) == 1 else f"{name}/{part}": path for part, path in own.items()}
    return writing.write(made, form, files, checked.root), writing.lacking(made, form)
