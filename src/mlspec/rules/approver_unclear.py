"""Two approvers of releases have the same key, or a stage is named twice.

Why: an approval is a signature, so with a shared key one person approves twice; a bundle goes through the stages in
their order, and a stage that comes twice has no place in it.

Instead: `mlspec release keygen` makes a key for each approver; delete the second stage.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View

CODE = "approver-unclear"


def check(view: View) -> Iterator[Diagnostic]:
    """Each approver, and each stage."""
    release = None if view.project.operation is None else view.project.operation.release
    if release is None:
        return
    known: dict[str, str] = {}
    for name, key in release.approve.items():
        if key in known:
            path = ("operation", "release", "approve", name)
            yield view.diagnostic(CODE, path, f"'{known[key]}' and '{name}' have the same key", "each needs their own")
        known.setdefault(key, name)
    for index, stage in enumerate(release.stages):
        if stage in release.stages[:index]:
            at = ("operation", "release", "stages", index)
            yield view.diagnostic(CODE, at, f"the stage '{stage}' is named twice", "delete one")
