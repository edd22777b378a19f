"""The project's name is in capitals.

Why: a test.

Instead: write it small.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The name."""
    name = view.project.project.name
    if name.isupper():
        yield view.diagnostic("loud-name", ("project", "name"), f"'{name}' is loud", f"did you mean '{name.lower()}'?")
