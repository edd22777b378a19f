"""Reviewers are required for an unknown section, or have invalid names.

Why: with a misspelled section or reviewer no review is requested, and the change goes through.

Instead: use the section names of the spec, and reviewers as `@user`, `@organisation/team`, or an email address.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each section and each name."""
    reviewers = view.project.constraints.reviewers
    if not reviewers:
        return
    import re

    from mlspec.spec import suggest

    owner = re.compile(r"@[A-Za-z0-9][\w./-]*|[^\s@#]+@[^\s@#]+\.[^\s@#]+")
    sections = view.project.__struct_fields__
    for section, names in reviewers.items():
        at = ("constraints", "reviewers", section)
        if section not in sections:
            message = f"the spec has no section '{section}'"
            yield view.diagnostic("reviewers-unclear", at, message, suggest.label(section, sections), key=True)
        for index, name in enumerate(names):
            if not owner.fullmatch(name):
                message = f"'{name}' is not a reviewer: write @user, @organisation/team or an email address"
                yield view.diagnostic("reviewers-unclear", (*at, index), message)
