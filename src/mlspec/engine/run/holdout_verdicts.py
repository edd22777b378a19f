"""What a gate has decided, seen in its run: whether the test rows may still judge, and what the project has waived."""

from typing import Any

from mlspec.engine.run.holdout_ledger import Holdout
from mlspec.spec.requirements import Requirement

JUDGED = frozenset({"quality", "guardrail", "fairness", "abstention"})
"""What is decided by looking at the answers to test rows."""


def seen(decided: dict[str, Any], requirement: Requirement, holdout: Holdout | None) -> dict[str, Any]:
    """The verdict of the requirement's gate.

    What passes on test rows that have judged more models than allowed is unknown; what fails on them, fails. A waived
    requirement keeps its verdict and says why it does not count.
    """
    found = {**decided, "gate": f"gate.{requirement.id}"}
    if requirement.waived:
        found["waived"] = requirement.waived
    worn = holdout is not None and holdout.exceeded() and requirement.check.get("of") in JUDGED
    if worn and holdout is not None and found["verdict"] == "pass":
        found["verdict"] = "unknown"
        found["reason"] = (
            f"{holdout.place - 1} other models were evaluated on the test rows, but {holdout.allowed} uses are "
            "allowed: "
            f"new test rows are needed ({decided['reason']})"
        )
    return found
