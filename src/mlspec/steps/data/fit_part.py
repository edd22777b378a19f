"""Measures of one part of the training rows what a preparation is fitted by."""

from mlspec.steps import results
from mlspec.steps.data import fit_rounds, merging, preparation
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``state`` (the rounds before), ``train`` and, where they are fitted on, ``validation`` (of the part) ->
    ``measured`` (JSON): all that can be merged."""
    train, rounds = fit_rounds.rows(job), fit_rounds.read(job.inputs["state"])
    found = {}
    wanted = [] if rounds is None else [column for column in rounds.asking() if column.merges]
    for batch in preparation.batches(train, wanted, job.memory):
        merges = {f"{column.index}/{name}": how for column in batch for name, how in column.merges.items()}
        asked = [merging.measure(how).alias(key) for key, how in merges.items()]
        seen = preparation.look(train, batch, asked, few=True)
        found.update({key: merging.written(how, seen[key][0]) for key, how in merges.items()})
    results.write_json(job.outputs["measured"], found)
