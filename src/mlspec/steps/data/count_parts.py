"""Adds up what a split by hash, done by parts, has put where."""

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.data import split
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``counts.NUMBER`` (see ``split_part``) -> ``starts``, ``report``, as ``assign_parts`` gives them.

    Raises StepError as ``split`` does.
    """
    params, (target, _kind) = job.params, job.params["target"]
    rows = lacking = 0
    totals = [0, 0, 0]
    classes: list[dict[str, int]] = [{}, {}, {}]
    starts = {}
    for name in sorted(job.inputs):
        if not name.startswith("counts."):
            continue
        part = results.read_json(job.inputs[name])
        starts[name.partition(".")[2]] = totals[0]
        rows, lacking = rows + part["rows"], lacking + part["without_target"]
        totals = [total + more for total, more in zip(totals, part["parts"], strict=True)]
        for total, more in zip(classes, part["classes"], strict=False):
            for value, count in more.items():
                total[value] = total.get(value, 0) + count
    split.demand_targets(rows, lacking, sum(totals), target)
    empty = split.lacks_rows(totals, params)
    if empty:
        because = f"; {lacking:,} of {rows:,} rows have no '{target}'" if lacking else ""
        why = split.few_values(params["column"])
        raise StepError(f"the split leaves no {empty} rows of {sum(totals):,}{why}{because}")
    if params["classes"]:
        split.demand_classes(classes, target)
    results.write_json(job.outputs["starts"], starts)
    results.write_json(job.outputs["report"], {"rows": rows, "without_target": lacking, "within_gap": 0})
