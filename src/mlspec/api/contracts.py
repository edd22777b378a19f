"""Data contracts of other tools, in and out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.api.checking import validate
from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from mlspec.contracts.contract import Contract


def import_contract(file: str | os.PathLike[str]) -> "Contract":
    """What a data contract says, whose form its content tells.

    Forms: ODCS 3, Great Expectations, pandera, Croissant, Frictionless, Hugging Face. Raises SpecError where it can't
    be read.
    """
    from mlspec.contracts import reading

    try:
        content = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        message = f"'{os.fspath(file)}' can't be read: {why}"
        raise SpecError([Diagnostic(code="contract-unreadable", message=message)]) from None
    try:
        return reading.read(content, os.fspath(file))
    except SpecError as error:
        error.texts.setdefault(os.fspath(file), content.decode("utf-8", "replace"))
        raise


def export_contract(form: str, spec: str | os.PathLike[str] | None = None) -> tuple[str, list[str]]:
    """A spec's expectations as a contract of that form (``odcs``, ``croissant``, ``pandera``, ``great_expectations``),
    and those that the form has no words for.

    Raises SpecError where the spec is wrong, OSError where a file that Croissant tells the digest of can't be read.
    """
    from mlspec.contracts import writing
    from mlspec.graph import tables
    from mlspec.graph.graph import Graph
    from mlspec.plugin import Source

    checked = validate(spec)
    columns = tables.table(Graph(checked.project, checked.facts))
    made = writing.contract(checked.project, columns)
    files: dict[str, Path] = {}
    for name, use in checked.project.data.sources.items():
        if isinstance(use.plugin, Source):
            own = use.plugin.files(checked.root)
            files |= {name if len(own) == 1 else f"{name}/{part}": path for part, path in own.items()}
    return writing.write(made, form, files, checked.root), writing.lacking(made, form)
