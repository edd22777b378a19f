"""A requirement has no check.

Why: a goal that is only written down is forgotten, and a report without it looks as if it was reached.

Instead: bind the goal to a metric, or waive it with a reason: `constraints: {waivers: [{requirement: goals.NAME,
reason: ...}]}`. The report shows the reason.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View
from mlspec.spec.requirements import requirements


def check(view: View) -> Iterator[Diagnostic]:
    """Every requirement that is bound to nothing, and not waived."""
    if view.project.project.goals:
        for requirement in requirements(view.project):
            if requirement.binding == "nothing" and not requirement.waived:
                message = f"the requirement '{requirement.id}' has no check"
                note = f"or waive it: constraints.waivers: [{{requirement: {requirement.id}, reason: ...}}]"
                yield view.diagnostic("requirement-without-check", requirement.path, message, "add its metric", note)
