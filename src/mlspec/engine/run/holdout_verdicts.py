"""What a gate has decided, seen in its run: whether the test rows may still judge, and what the project has waived."""

from msgspec.structs import replace

from mlspec import registry
from mlspec.engine.run.holdout_ledger import Holdout
from mlspec.plugins.verdict import Verdict
from mlspec.spec.requirements import Requirement


def seen(decided: Verdict, requirement: Requirement, holdout: Holdout | None) -> Verdict:
    """The verdict of the requirement's gate.

    What passes on test rows that have judged more models than allowed is unknown; what fails on them, fails. A waived
    requirement keeps its verdict and says why it does not count.
    """
    found = replace(decided, gate=f"gate.{requirement.id}", waived=requirement.waived)
    worn = holdout is not None and holdout.exceeded() and registry.constraint(requirement.check["of"]).on_test_rows
    if holdout is None or not worn or found.verdict != "pass":
        return found
    reason = (
        f"{holdout.place - 1} other models were evaluated on the test rows, but {holdout.allowed} uses are allowed: "
        f"new test rows are needed ({decided.reason})"
    )
    return replace(found, verdict="unknown", reason=reason)
