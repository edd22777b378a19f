"""Measures in one part of the rows what expectations ask for, as far as it can be merged."""

from typing import Any

import polars as pl

from mlspec.steps import results
from mlspec.steps.data import exact_sums, expected_rows, merged_measures
from mlspec.steps.data.expected_rows import known, numbered
from mlspec.steps.data.merged_measures import GROUPS, SAMPLES, SUMS, VALUES
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``table.SOURCE`` (of the part), ``source.*`` -> ``measured``, a folder (see ``merged_measures``); where rows can
    be left out ``dropped`` and ``quarantine`` of the part.

    ``expectations``: pairs of the number and the expectation.
    """
    (name,) = (name for name in job.inputs if name.startswith("table."))
    rows = numbered(job.inputs[name], name.partition(".")[2])
    stated: list[tuple[int, dict[str, Any]]] = job.params["expectations"]
    wanted = {"rows": pl.len()}
    groups: dict[int, pl.LazyFrame] = {}
    for index, asked in stated:
        measures = merged_measures.of_part(asked, known(job, asked))
        wanted |= {f"{index}/{measure}": e for measure, e in measures.items()}
        if "groups" in asked:
            groups[index] = rows.group_by(asked.get("columns") or [asked["column"]]).len()
    seen, *counted = pl.collect_all(
        [rows.select([e.alias(key) for key, e in wanted.items()]), *groups.values()], engine="streaming"
    )
    folder = job.outputs["measured"]
    folder.mkdir()
    seen.write_parquet(folder / VALUES)
    for index, table in zip(groups, counted, strict=True):
        table.write_parquet(folder / GROUPS.format(index))
    sums = {}
    for index, asked in stated:
        if asked.keys() & {"sum", "mean"}:
            cell = pl.col(asked["column"]).cast(pl.Float64)
            values = rows.select(cell.drop_nulls()).collect().to_series()
            sums[str(index)] = [exact_sums.moments(values.to_numpy()).written(), values.sum()]
    results.write_json(folder / SUMS, sums)
    samples = {}
    for index, asked in stated:
        broken = any(seen[key][0] for key in seen.columns if key.startswith(f"{index}/breaking/"))
        masked = job.params.get("masked", [])
        samples[str(index)] = expected_rows.sample(rows, asked, known(job, asked), masked) if broken else []
    results.write_json(folder / SAMPLES, samples)
    if "dropped" in job.outputs:
        expected_rows.leave_out(job, [asked for _index, asked in stated], rows)
