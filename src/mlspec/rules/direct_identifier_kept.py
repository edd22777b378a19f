"""A direct identifier is kept, but `constraints.privacy.direct_identifiers` forbids it.

Why: the two statements contradict each other.

Instead: `drop`, `hash` or `mask` the column, or remove the constraint.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Columns that are kept, where none may be."""
    if "privacy" not in view.project.constraints.gates:
        return
    from mlspec.constraints.privacy import Privacy

    privacy = view.project.constraints.one(Privacy)
    if privacy is None or privacy.direct_identifiers is None:
        return
    for name, personal in view.project.data.personal.items():
        if personal.kind == "direct_identifier" and personal.action is not None and personal.action.name == "keep":
            message = (
                f"'{name}' is a direct identifier and is kept, which constraints.privacy.direct_identifiers forbids"
            )
            at = ("data", "personal", name, "action")
            yield view.diagnostic("direct-identifier-kept", at, message, "drop, hash or mask it")
