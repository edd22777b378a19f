"""What a gate has decided, seen in its run: whether the test rows may still judge, and what the project has waived."""

from msgspec.structs import replace

from mlspec.engine.run.holdout_ledger import Holdout
from mlspec.plugins.verdict import Verdict
from mlspec.spec.requirements import Requirement

JUDGED = frozenset({"quality", "guardrail", "fairness", "abstention"})
"""What is decided by looking at the answers to test rows."""


def seen(decided: Verdict, requirement: Requirement, holdout: Holdout | None) -> Verdict:
    """The verdict of the requirement's gate.

    What passes on test rows that have judged more models than allowed is unknown; what fails on them, fails. A waived
    requirement keeps its verdict and says why it does not count.
    """
    found = replace(decided, gate=f"gate.{requirement.id}", waived=requirement.waived)
    if holdout is None or not holdout.exceeded() or requirement.check.get("of") not in JUDGED:
        return found
    if found.verdict != "pass":
        return found
    reason = (
        f"the test rows have judged {holdout.place - 1} other models, {holdout.allowed} uses are allowed: "
        f"fresh rows are needed ({decided.reason})"
    )
    return replace(found, verdict="unknown", reason=reason)
