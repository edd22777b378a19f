"""A personal column has no action.

Why: without a decision, personal data would be kept, copied and used for training. Each personal column needs a
decision that a reviewer can see.

Instead: add an `action`: `drop`, an anonymiser (`hash`, `mask`, `prefix`, `bins`, `truncate`, `round`, `top_code`,
`noise`), or `keep` with a reason.
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
