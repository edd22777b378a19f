"""A column says something of people, and the spec does not say what is done to it.

Why: what nobody decided on is kept, copied and learned from. Each personal column wants a decision that a reviewer can
see.

Instead: add an `action`: `drop` it, or one that tells less (`hash`, `mask`, `prefix`, `bins`, `truncate`, `round`,
`top_code`, `noise`), or `keep` it with the reason.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """All that is not public."""
    for name, personal in view.project.data.personal.items():
        if personal.kind != "public" and personal.action is None:
            what = "sensitive" if personal.kind == "sensitive" else f"a {personal.kind.replace('_', ' ')}"
            message = f"'{name}' is {what}, but has no action"
            way = "add 'action': drop it, anonymise it, or keep it with a reason"
            yield view.diagnostic("personal-without-action", ("data", "personal", name), message, way, key=True)
