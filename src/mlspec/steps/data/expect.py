"""Checks what must be true of the data, all checks of a table in one scan."""

from typing import Any

import polars as pl

from mlspec.diagnostics import StepError
from mlspec.spec.expect import measured_by_parts, needs_all_rows
from mlspec.steps import results
from mlspec.steps.data import anomalies, distinct_rows, drift, expectations, expected_rows, merged_measures, parquet
from mlspec.steps.data.expectations import Fault
from mlspec.steps.data.expected_rows import known, numbered, plain
from mlspec.steps.job import Job

SHOWN = 5


def run(job: Job) -> None:
    """``table.*``, ``source.*`` -> ``report`` (what was measured), ``verdict`` (always the same bytes: a run that fails
    stops here); where rows can be left out ``dropped`` (source and number of each) and ``quarantine`` (the rows).

    Raises StepError that lists every expectation that does not hold, placed at the first.
    """
    report, broken = [], []
    tables_ = _tables(job)
    parts = [job.inputs[name] for name in sorted(job.inputs) if name.startswith("measured.")]
    merged = merged_measures.Merged(parts) if parts else None
    seen = _measured(job, tables_, merged)
    for index, asked in enumerate(job.params["expectations"]):
        measured, rows, found = seen[index]
        leaves = bool(found) and _leaves_out(asked, measured, rows)
        stops = bool(found) and asked.get("severity") != "warn" and not leaves
        entry: dict[str, Any] = {
            "expectation": asked,
            "measured": measured,
            "rows": rows,
            "holds": leaves or not found,
        }
        if found:
            entry["faults"] = [fault.text for fault in found]
            if merged is not None and _is_merged(asked) and not needs_all_rows(asked):
                entry["sample"] = merged.sample(index)
            else:
                rows_of, masked = tables_[asked.get("source", "")], job.params.get("masked", [])
                entry["sample"] = expected_rows.sample(rows_of, asked, known(job, asked), masked)
            _tell(found, entry["sample"])
        report.append(entry)
        if stops:
            broken.append((index, found))
    results.write_json(job.outputs["report"], report)
    if broken:
        message = "; ".join(fault.text for _index, found in broken for fault in found)
        offers = [fault.offer for _index, found in broken for fault in found if fault.offer]
        more = f"; {len(offers) - SHOWN:,} more in the log" if len(offers) > SHOWN else ""
        way = f". If that is as it should be: {'; '.join(offers[:SHOWN])}{more}" if offers else ""
        raise StepError(f"the data is not as expected: {message}{way}", path=("data", "expect", broken[0][0]))
    if "dropped" in job.outputs:
        if any(name.startswith("dropped.") for name in job.inputs):
            merged_measures.join_left_out(job)
        else:
            expected_rows.leave_out(job, job.params["expectations"], tables_[""])
        count = parquet.count(parquet.scan(job.outputs["dropped"]))
        if count:
            print(f"{count:,} rows are left out")
    results.write_json(job.outputs["verdict"], {"holds": True})


def _tables(job: Job) -> "dict[str, pl.LazyFrame]":
    """The rows that are used, under the empty name, unless their parts say all of them; and the tables of sources that
    are looked at by themselves."""
    tables = [name for name in sorted(job.inputs) if name.startswith("table.")]
    frames = [numbered(job.inputs[name], name.partition(".")[2]) for name in tables]
    found = {"": pl.concat(frames, how="vertical_relaxed")} if frames else {}
    for name in job.inputs:
        kind, _, source = name.partition(".")
        if kind == "source":
            found[source] = parquet.scan(job.inputs[name])
    return found


def _is_merged(asked: dict[str, Any]) -> bool:
    """Whether parts of the rows, where there are some, have measured it."""
    return "source" not in asked and measured_by_parts(asked)


def _measured(
    job: Job, frames: "dict[str, pl.LazyFrame]", merged: "merged_measures.Merged | None"
) -> "list[tuple[dict[str, Any], int, list[Fault]]]":
    """What each expectation measured, of how many rows, and what does not hold; ``merged``: what parts measured."""
    masked = set(job.params.get("masked", []))
    values, groups = _collected(job, frames, merged)
    found = []
    for index, asked in enumerate(job.params["expectations"]):
        frame, mine = asked.get("source", ""), values[index]
        rows = mine.pop("rows")
        hidden = not masked.isdisjoint([asked.get("column", ""), *asked.get("columns", [])])
        faults = list(expectations.faults(asked, mine, rows, hidden))
        if index in groups:
            faults += expectations.grouped(asked, groups[index], rows, hidden)
            mine["groups"] = groups[index].height
        name = asked.get("column", "")
        # If values of a column must not be shown, anomalies pin nothing.
        if "drift" in asked or ("anomalies" in asked and name and not hidden):
            mine["sketch"] = drift.sketch(frames[frame], name)
        elif "anomalies" in asked and not hidden:
            mine["sketches"] = {one: drift.sketch(frames[frame], one) for one in asked["columns"]}
        if "unseen" in asked and not hidden:
            mine["levels"] = anomalies.levels(frames[frame], name)
            faults += [] if mine["levels"] else [anomalies.too_many(asked)]
        if "drift" in asked and "reference" in asked:
            now = drift.against(frames[frame], name, asked["reference"])
            mine |= drift.distances(asked["reference"], now) if now else {}
            faults += drift.faults(asked, mine) if now else []
        if hidden:
            mine = {k: v for k, v in mine.items() if not k.startswith(("example/", "least", "greatest", "fence/"))}
        found.append(({k: plain(v) for k, v in mine.items()}, rows, faults))
    return found


def _collected(
    job: Job, frames: "dict[str, pl.LazyFrame]", merged: "merged_measures.Merged | None"
) -> "tuple[list[dict[str, Any]], dict[int, pl.DataFrame]]":
    """The measures of each expectation, with the number of ``rows``; and groups with the numbers of their rows, by the
    expectation. All that is measured of a table here is measured in one scan, but for different values of many rows."""
    stated = job.params["expectations"]
    wanted: dict[str, dict[str, pl.Expr]] = {name: {"rows": pl.len()} for name in frames}
    asked_groups: dict[int, pl.LazyFrame] = {}
    apart: dict[int, dict[str, Any]] = {}
    passes = {name: distinct_rows.passes(parquet.count(frame), job.memory) for name, frame in frames.items()}
    for index, asked in enumerate(stated):
        frame, names = asked.get("source", ""), asked.get("columns") or [asked.get("column")]
        is_merged = merged is not None and _is_merged(asked)
        apart[index] = {}
        for name, measure in expectations.measures(asked, known(job, asked)).items():
            if is_merged and name not in merged_measures.ALL_ROWS:
                continue
            if name in ("breaking/unique", "distinct") and passes[frame] > 1:
                complete, different = distinct_rows.count(frames[frame], names, passes[frame])
                apart[index][name] = different if name == "distinct" else complete - different
            else:
                wanted[frame][f"{index}/{name}"] = measure
        if "groups" in asked and not is_merged:
            asked_groups[index] = frames[frame].group_by(names).len()
    queries = [frames[name].select([e.alias(key) for key, e in measures.items()]) for name, measures in wanted.items()]
    collected = pl.collect_all([*queries, *asked_groups.values()], engine="streaming")
    values = {name: table.row(0, named=True) for name, table in zip(wanted, collected, strict=False)}
    groups = dict(zip(asked_groups, collected[len(wanted) :], strict=True))
    found = []
    for index, asked in enumerate(stated):
        frame = asked.get("source", "")
        own = values.get(frame, {})
        mine = apart[index] | {k.partition("/")[2]: v for k, v in own.items() if k.startswith(f"{index}/")}
        if merged is not None and _is_merged(asked):
            mine |= merged.measures(index, asked)
            if "groups" in asked:
                groups[index] = merged.groups(index, asked.get("columns") or [asked["column"]])
        found.append({**mine, "rows": own["rows"] if frame in frames or merged is None else merged.rows})
    return found, groups


def _leaves_out(asked: dict[str, Any], measured: dict[str, Any], rows: int) -> bool:
    """Whether the rows that break it are left out rather than stopping the run."""
    if asked.get("on_fail", "stop") == "stop":
        return False
    breaking = max((v for k, v in measured.items() if k.startswith("breaking/")), default=0)
    return "tolerance" not in asked or breaking <= asked["tolerance"] * rows


def _tell(found: "list[Fault]", sample: list[dict[str, Any]]) -> None:
    """Into the log: all that is known, for who wants to look."""
    for fault in found:
        print(fault.text + (f"\n  if that is as it should be: {fault.offer}" if fault.offer else ""))
    for row in sample:
        print("  row: " + ", ".join(f"{name}={value}" for name, value in row.items()))
