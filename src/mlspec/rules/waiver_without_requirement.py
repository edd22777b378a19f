"""A waiver names a requirement that the spec does not have, or that is waived already.

Why: an outdated waiver would silently waive the next requirement with that name.

Instead: delete the waiver, or correct the name: `mlspec validate --requirements` lists them.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View
from mlspec.spec.requirements import requirements


def check(view: View) -> Iterator[Diagnostic]:
    """Each waiver against the list of requirements."""
    waivers = view.project.constraints.waivers
    if not waivers:
        return
    from mlspec.spec import suggest

    stated = [requirement.id for requirement in requirements(view.project)]
    seen: set[str] = set()
    for index, waiver in enumerate(waivers):
        path = ("constraints", "waivers", index, "requirement")
        name = waiver.requirement
        if name not in stated:
            message = f"there is no requirement '{name}'"
            note = f"requirements: {', '.join(stated) or 'none'}"
            yield view.diagnostic(
                "waiver-without-requirement", path, message, suggest.label(name, stated) if stated else "", note
            )
        elif name in seen:
            message = f"'{name}' is waived twice"
            yield view.diagnostic("waiver-without-requirement", path, message, "delete one")
        seen.add(name)
