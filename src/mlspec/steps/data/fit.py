"""A round of fitting a preparation by parts: merges what the parts have measured."""

from typing import Any

import msgspec

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.data import fit_rounds, merging, preparation
from mlspec.steps.data.fit_rounds import Rounds
from mlspec.steps.job import Job
from mlspec.steps.serving import package_format


def run(job: Job) -> None:
    """``train`` (of all parts; of a second fit ``validation`` too), and after the first round ``state`` and
    ``measured.NUMBER`` -> ``state`` (JSON): what is known so far, or the fitted state where this is the ``last`` round;
    null where the package ``model`` consists of none of these ``candidates``.

    What can't be merged is measured over whole columns of all parts, as many at a time as the memory allows, at least
    one. Raises StepError as ``preparation.fit`` does.
    """
    train = fit_rounds.rows(job)
    if "state" in job.inputs:
        rounds = fit_rounds.read(job.inputs["state"])
    else:
        params = job.params["preparation"]
        rounds = Rounds(params, preparation.describe_target(train, params)) if _wanted(job) else None
    if rounds is None:
        results.write_json(job.outputs["state"], None)
        return
    if "state" in job.inputs:
        rounds = msgspec.structs.replace(rounds, rounds=[*rounds.rounds, _values(job, rounds)])
    if not job.params["last"]:
        results.write_json(job.outputs["state"], rounds)
        return
    fitting = rounds.fitting()
    assert not preparation.asking(fitting)
    state = preparation.fitted_state(train, rounds.params, rounds.target, fitting)
    if not state["outputs"]:
        raise StepError("no features are left after the preparation")
    results.write_json(job.outputs["state"], state)


def _wanted(job: Job) -> bool:
    """Whether the package, where there is one, has one of the candidates."""
    if "model" not in job.inputs:
        return True
    used = package_format.read_about(job.inputs["model"]).consists_of()
    return not {member.candidate for member in used}.isdisjoint(job.params["candidates"])


def _values(job: Job, rounds: Rounds) -> dict[str, Any]:
    """What the columns ask for in this round."""
    wanted = rounds.asking()
    merges = {f"{column.index}/{name}": how for column in wanted for name, how in column.merges.items()}
    totals = dict.fromkeys(merges)
    for name in (name for name in sorted(job.inputs) if name.startswith("measured.")):
        part = results.read_json(job.inputs[name])
        for key, how in merges.items():
            totals[key] = merging.added(how, totals[key], part[key])
    values = {key: merging.finished(how, totals[key]) for key, how in merges.items()}
    whole = rounds.asking()
    for column in whole:
        column.asks = {name: e for name, e in column.asks.items() if name not in column.merges}
    asking = [column for column in whole if column.asks]
    values |= preparation.measured(fit_rounds.rows(job), asking, rounds.params, rounds.target, job.memory)
    preparation.take(wanted, values)
    return values
