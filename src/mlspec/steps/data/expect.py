"""Checks what must be true of the data, all checks of a table in one scan."""

from typing import Any

import polars as pl

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.data import anomalies, drift, expectations, parquet
from mlspec.steps.data.expectations import Fault
from mlspec.steps.job import Job

SAMPLE, SHOWN = 5, 5
SOURCE, ROW = "__source__", "__row__"


def run(job: Job) -> None:
    """``table.*``, ``source.*`` -> ``report`` (what was measured), ``verdict`` (always the same bytes: a run that fails
    stops here); where rows can be left out ``dropped`` (source and number of each) and ``quarantine`` (the rows).

    Raises StepError that lists every expectation that does not hold, placed at the first.
    """
    report, broken = [], []
    tables_ = _tables(job)
    seen = _measured(job, tables_)
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
            entry["sample"] = _sample(
                tables_[asked.get("source", "")], asked, _known(job, asked), job.params.get("masked", [])
            )
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
        _leave_out(job, tables_[""])
    results.write_json(job.outputs["verdict"], {"holds": True})


def _tables(job: Job) -> "dict[str, pl.LazyFrame]":
    """The rows that are used, under the empty name, and the tables of sources that are looked at by themselves."""
    frames = []
    for name in sorted(job.inputs):
        kind, _, source = name.partition(".")
        if kind == "table":
            rows = parquet.scan(job.inputs[name]).with_row_index(ROW)
            frames.append(rows.with_columns(pl.lit(source).alias(SOURCE)))
    found = {"": pl.concat(frames, how="vertical_relaxed")}
    for name in job.inputs:
        kind, _, source = name.partition(".")
        if kind == "source":
            found[source] = parquet.scan(job.inputs[name])
    return found


def _known(job: Job, asked: dict[str, Any]) -> "pl.Series | None":
    """The values that a reference to another source allows."""
    if "refers_to" not in asked:
        return None
    other = asked["refers_to"]
    column = parquet.scan(job.inputs[f"source.{other['source']}"]).select(other["column"]).unique()
    return column.collect(engine="streaming").to_series()


def _measured(job: Job, frames: "dict[str, pl.LazyFrame]") -> "list[tuple[dict[str, Any], int, list[Fault]]]":
    """What each expectation measured, of how many rows, and what does not hold."""
    stated, masked = job.params["expectations"], set(job.params.get("masked", []))
    wanted: dict[str, dict[str, pl.Expr]] = {name: {"rows": pl.len()} for name in frames}
    groups: dict[int, pl.LazyFrame] = {}
    for index, asked in enumerate(stated):
        frame = asked.get("source", "")
        for name, measure in expectations.measures(asked, _known(job, asked)).items():
            wanted[frame][f"{index}/{name}"] = measure
        if "groups" in asked:
            names = asked.get("columns") or [asked["column"]]
            groups[index] = frames[frame].group_by(names).len()
    queries = [frames[name].select([e.alias(key) for key, e in measures.items()]) for name, measures in wanted.items()]
    collected = pl.collect_all([*queries, *groups.values()], engine="streaming")
    values = {name: table.row(0, named=True) for name, table in zip(wanted, collected, strict=False)}
    counted = dict(zip(groups, collected[len(wanted) :], strict=True))
    found = []
    for index, asked in enumerate(stated):
        frame = asked.get("source", "")
        rows = values[frame]["rows"]
        mine = {k.partition("/")[2]: v for k, v in values[frame].items() if k.startswith(f"{index}/")}
        hidden = not masked.isdisjoint([asked.get("column", ""), *asked.get("columns", [])])
        faults = list(expectations.faults(asked, mine, rows, hidden))
        if index in counted:
            faults += expectations.grouped(asked, counted[index], rows, hidden)
            mine["groups"] = counted[index].height
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
        found.append(({k: _plain(v) for k, v in mine.items()}, rows, faults))
    return found


def _leaves_out(asked: dict[str, Any], measured: dict[str, Any], rows: int) -> bool:
    """Whether the rows that break it are left out rather than stopping the run."""
    if asked.get("on_fail", "stop") == "stop":
        return False
    breaking = max((v for k, v in measured.items() if k.startswith("breaking/")), default=0)
    return "tolerance" not in asked or breaking <= asked["tolerance"] * rows


def _sample(
    rows: "pl.LazyFrame", asked: dict[str, Any], known: "pl.Series | None", masked: list[str]
) -> list[dict[str, Any]]:
    """A few of the rows that violate it, with hidden columns masked."""
    marks = list(expectations.marks(asked, known).values())
    if not marks:
        return []
    schema = rows.collect_schema()
    names = [name for name in schema.names() if name not in (SOURCE, ROW)]
    cells = {name: pl.col(name) for name in names}
    cells |= {n: pl.format("{} bytes", pl.col(n).bin.size()).alias(n) for n in names if schema[n] == pl.Binary}
    shown = [pl.lit(expectations.MASK).alias(name) if name in masked else cells[name] for name in names]
    few = rows.filter(pl.any_horizontal(marks)).head(SAMPLE).select(shown).collect()
    return [{name: _plain(value) for name, value in row.items()} for row in few.iter_rows(named=True)]


def _leave_out(job: Job, rows: "pl.LazyFrame") -> None:
    """Write which rows are left out, and the rows themselves where they are to be kept aside."""
    marked = {"drop_rows": pl.lit(False), "quarantine": pl.lit(False)}
    for asked in job.params["expectations"]:
        if asked.get("on_fail", "stop") != "stop" and "source" not in asked:
            marks = expectations.marks(asked, _known(job, asked)).values()
            marked[asked["on_fail"]] = pl.any_horizontal(marked[asked["on_fail"]], *marks)
    left = rows.filter(marked["drop_rows"] | marked["quarantine"]).select(SOURCE, ROW)
    parquet.write(left, job.outputs["dropped"])
    parquet.write(rows.filter(marked["quarantine"]).drop(ROW), job.outputs["quarantine"])
    count = parquet.scan(job.outputs["dropped"]).select(pl.len()).collect().item()
    if count:
        print(f"{count:,} rows are left out")


def _tell(found: "list[Fault]", sample: list[dict[str, Any]]) -> None:
    """Into the log: all that is known, for who wants to look."""
    for fault in found:
        print(fault.text + (f"\n  if that is as it should be: {fault.offer}" if fault.offer else ""))
    for row in sample:
        print("  row: " + ", ".join(f"{name}={value}" for name, value in row.items()))


def _plain(value: Any) -> Any:
    """What JSON has; of a measure what is the same in whatever order the rows are added up."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    return value if value is None or isinstance(value, bool | int | float | str | dict | list) else str(value)
