"""Which rows are trained on, validated on, tested on or held out: said once for all parts, taken from each part."""

from collections.abc import Iterator

from mlspec.graph.divided.steps import Tables, beside, gathering, numbered, part
from mlspec.graph.step import Input, Step

SPLIT = ("train", "validation", "test")
FOLD = ("train", "validation", "heldout")


def split(step: Step, tables: Tables) -> Iterator[Step]:
    """The split of tables some of which are divided."""
    whole = {name: read for name, read in sorted(step.inputs.items()) if name.startswith("table.")}
    of = [table for read in whole.values() for table in tables.get(read.step, [read])]
    tables[step.id] = [Input(f"{step.id}.part.{place}", "train") for place, _table in numbered(of)]
    more = {name: read for name, read in step.inputs.items() if name not in whole}
    rows = f"{step.id}.rows"
    if step.params["by"] == "hash" and step.params["sample"] is None and "dropped" not in step.inputs:
        # Where a row belongs follows from the row alone: nothing has to be known of the others.
        mine = [
            part(step, place, "split_part", step.params, {"table": table, **more}, (*SPLIT, "counts"))
            for place, table in numbered(of)
        ]
        yield from mine
        counts = {f"counts.{place}": Input(one.id, "counts") for place, one in numbered(mine)}
        yield beside(step, rows, "count_parts", step.params, counts, ("starts", "report"))
    else:
        assigned = tuple(f"rows.{place}" for place, _table in numbered(of))
        yield beside(step, rows, "assign", step.params, step.inputs, (*assigned, "starts", "report"))
        mine = [
            part(step, place, "split_part", {}, {"table": table, "rows": Input(rows, f"rows.{place}")}, SPLIT)
            for place, table in numbered(of)
        ]
        yield from mine
    yield gathering(step, dict.fromkeys(SPLIT, mine), {"report": Input(rows, "report")})


def fold(step: Step, tables: Tables) -> Iterator[Step]:
    """A fold of a divided split: its training rows, and behind them its validation rows, each part by itself."""
    of = [Input(read.step, name) for name in ("train", "validation") for read in tables["split"]]
    rows = f"{step.id}.rows"
    assigned = tuple(f"rows.{place}" for place, _table in numbered(of))
    more = tuple(name for name in step.outputs if name not in FOLD)
    yield beside(step, rows, "assign_fold", step.params, step.inputs, (*assigned, "starts", *more))
    mine = [
        part(step, place, "fold_part", {}, {"table": table, "rows": Input(rows, f"rows.{place}")}, FOLD)
        for place, table in numbered(of)
    ]
    yield from mine
    yield gathering(step, dict.fromkeys(FOLD, mine), {name: Input(rows, name) for name in more})
    tables[step.id] = [Input(one.id, "train") for one in mine]
