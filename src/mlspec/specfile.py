"""Which file is meant when a spec is named, or none is. Imports nothing that takes time."""

import os

SPEC = "project.yaml"


def find(spec: str | os.PathLike[str] | None = None) -> str:
    """The spec's file: the file named, the ``project.yaml`` in the folder named, or the nearest one from here upwards.

    Raises SpecError when there is none.
    """
    if spec is not None:
        path = os.fspath(spec)
        return os.path.join(path, SPEC) if os.path.isdir(path) else path
    up = ""
    while True:
        if os.path.exists(up + SPEC):
            return up + SPEC
        if os.path.samefile(up or ".", up + ".."):
            break
        up += "../"
    message = f"no {SPEC} here or in a parent folder"
    note = "name a spec, or write one: mlspec init DATA"
    from mlspec.diagnostics import Diagnostic, SpecError

    raise SpecError([Diagnostic(code="spec-not-found", message=message, notes=(note,))])
