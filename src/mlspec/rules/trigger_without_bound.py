"""The spec states when predictions are made, but not how fast they must be.

Why: for single requests the latency matters, for batches the throughput. Neither is measured without a bound.

Instead: add `constraints.latency` (on request, in a stream) or `constraints.throughput` (in batches), or waive
`trigger` with a reason.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View
from mlspec.spec.requirements import TRIGGERS


def check(view: View) -> Iterator[Diagnostic]:
    """The trigger against the constraints."""
    trigger = view.project.project.users.trigger
    constraints = view.project.constraints
    if trigger is None or any(waiver.requirement == "trigger" for waiver in constraints.waivers):
        return
    wanted = "throughput" if trigger == "batch" else "latency"
    if wanted not in constraints.gates:
        message = f"predictions are made {TRIGGERS[trigger]}, but constraints.{wanted} is missing"
        label = f"add constraints.{wanted}"
        yield view.diagnostic("trigger-without-bound", ("project", "users", "trigger"), message, label)
