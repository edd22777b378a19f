"""mlspec for notebooks and scripts: what the commands do, as plain functions.

    from mlspec import api

    run = api.run("specs/penguins")
    run.facts.scores

Whatever is wrong with a spec is raised as ``SpecError``; a step that fails is told in the run, not raised.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from mlspec.document import Document
    from mlspec.rules.context import Facts
    from mlspec.spec import Project

SPEC = "project.yaml"


class Checked(msgspec.Struct, frozen=True):
    """A spec without mistakes. ``project`` has everything filled in that follows from the task; ``diagnostics`` holds
    warnings alone."""

    path: str
    root: Path
    project: "Project"
    document: "Document"
    facts: "Facts"
    diagnostics: tuple[Diagnostic, ...] = ()


def find(spec: str | Path | None = None) -> str:
    """The spec's file: the file named, the ``project.yaml`` in the folder named, or the nearest one from here upwards.

    Raises SpecError when there is none.
    """
    if spec is not None:
        path = Path(spec)
        return str(path / SPEC if path.is_dir() else path)
    here = Path.cwd()
    for up, folder in enumerate((here, *here.parents)):
        if (folder / SPEC).is_file():
            return "../" * up + SPEC
    message = f"no {SPEC} here or in a parent folder"
    note = "name a spec, or write one: mlspec init DATA"
    raise SpecError([Diagnostic(code="spec-not-found", message=message, notes=(note,))])
