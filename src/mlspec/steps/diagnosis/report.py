"""Writes the results of the checks, and stops the run if the spec asks for it."""

from collections.abc import Sequence

import msgspec
from msgspec import structs

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.diagnosis.finding import Check
from mlspec.steps.job import Job


def finish(job: Job, found: Sequence[Check], note: str = "") -> None:
    """``report`` (every check) and ``verdict``; raises StepError where one fails and that is to stop the run."""
    accepted = job.params.get("accept", {})
    found = [
        structs.replace(check, fails=False, accepted=accepted[check.check])
        if check.fails and check.check in accepted
        else check
        for check in found
    ]
    failing = [check for check in found if check.fails]
    results.write_json(job.outputs["report"], {"checks": msgspec.to_builtins(found), "note": note})
    results.write_json(job.outputs["verdict"], {"fails": len(failing)})
    stops = job.params["stops"]
    ending = [check for check in failing if stops is True or (stops and check.check in stops)]
    if ending:
        text = [f"{check.check}: {check.measured} (expected: {check.expected}); {check.advice}" for check in ending]
        raise StepError("; ".join(text))
