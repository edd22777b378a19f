"""The request log: ``LOG/YYYY-MM-DD/PART.parquet``, a row for each row asked for.

A log is read as a stranger's, by a child process (``parts.py``): a part that can't be read is left out and named.
"""

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mlspec.monitoring import parts
from mlspec.monitoring.errors import refused
from mlspec.monitoring.findings import LogCounts
from mlspec.monitoring.part import CORE, TYPES
from mlspec.steps.evaluation import estimated
from mlspec.steps.serving.reference import Reference

Array = np.ndarray[Any, Any]

DAY = re.compile(r"^\d{4}-\d{2}-\d{2}\Z", re.ASCII)
ENDING = ".parquet"
MOST_PARTS = 100_000
SHOWN = 20
SHADOW = "shadow"
KINDS = {"category": "text", "boolean": "text"}


class Log(NamedTuple):
    """The rows of a model in the log, the newest first: the columns of ``CORE``, ``prediction``, ``score``, the
    probabilities as ``probability.CLASS``, and ``input.NAME``; ``present``: which columns the log has; ``rows``: those
    that were answered, ``requests``: the first row of each request."""

    rows: "pl.DataFrame"
    requests: "pl.DataFrame"
    present: frozenset[str]
    counts: LogCounts


def read(
    folder: Path,
    reference: Reference,
    model: str,
    since: datetime,
    now: datetime,
    *,
    is_new: bool = False,
    only: str | None = None,
) -> Log:
    """What the log has of the model with this digest after ``since`` and up to ``now``: in the role ``only``, or in any
    but that of a shadow.

    Raises SpecError where there is no log, nothing in it can be read, or it has rows of other models alone, unless the
    model ``is_new``.
    """
    wanted = columns(reference)
    frames: list[pl.DataFrame] = []
    present: set[str] = set()
    damaged: list[str] = []
    skipped = 0
    for part in parts.read(list(_parts(folder, since, now)), wanted):
        if part.table is not None:
            present |= set(part.names)
            frames.append(part.table)
        elif part.wrong:
            damaged.append(f"{part.path.relative_to(folder)}: {part.wrong}")
        else:
            skipped += 1
    if not frames and damaged:
        raise refused("bad-log", f"no part of the log '{folder}' can be read: {damaged[0]}")
    whole = pl.concat(frames) if frames else pl.DataFrame(schema={name: TYPES[kind] for name, kind in wanted.items()})
    whole = whole.filter(pl.col("time") > since)
    counts = LogCounts(
        parts=len(frames),
        damaged=tuple(damaged[:SHOWN]),
        damaged_parts=len(damaged),
        later=int((whole["time"] > now).sum()),
        too_many=skipped,
    )
    own = folder if only is None and not is_new else None
    return _of_model(whole.filter(pl.col("time") <= now), reference, model, frozenset(present), counts, own, only)


def columns(reference: Reference) -> dict[str, str]:
    """The columns that are read, with their types."""
    answer = {"prediction": "number"}
    if reference.classes is not None:
        answer = {"prediction": "text", "to_person": "truth"}
        answer |= {f"probability.{name}": "number" for name in reference.classes}
    inputs = {f"input.{one.name}": KINDS.get(one.type, "number") for one in reference.columns}
    groups = {f"input.{name}": "text" for bound in reference.fairness for name in bound.group}
    groups |= {f"input.{name}": "text" for one in reference.slices for name in one.columns}
    return {**CORE, **answer, **groups, **inputs}


def probabilities(reference: Reference, rows: "pl.DataFrame") -> "Array":
    """The answers (n, classes) or (n,)."""
    if reference.classes is None:
        return rows["prediction"].to_numpy().astype(np.float64)
    parts = [rows[f"probability.{name}"].to_numpy() for name in reference.classes]
    return np.stack(parts, axis=1).astype(np.float64)


def _of_model(
    rows: "pl.DataFrame",
    reference: Reference,
    model: str,
    present: frozenset[str],
    counts: LogCounts,
    folder: Path | None,
    only: str | None,
) -> Log:
    import msgspec

    is_own = pl.col("model").str.strip_prefix("sha256:") == model
    own = rows.filter(is_own)
    if rows.height and not own.height and folder is not None:
        named = ", ".join(sorted(str(name)[:12] for name in rows["model"].drop_nulls().unique().to_list())[:5])
        note = f"the log names {named}; this package is {model[:12]}"
        raise refused("bad-log", f"the log '{folder}' has no row of this model", note)
    answering = own.filter(pl.col("role") != SHADOW if only is None else pl.col("role") == only)
    single = answering.unique(["request_id", "row", "status"], keep="first").sort(
        "time", "request_id", "row", descending=[True, False, False]
    )
    answered = single.filter((pl.col("status") == "ok") & pl.col("prediction").is_not_null())
    if reference.classes is not None:
        known = [pl.col(f"probability.{name}").is_finite() for name in reference.classes]
        answered = answered.filter(pl.all_horizontal(known).fill_null(False))
    else:
        answered = answered.filter(pl.col("prediction").is_finite())
    score = estimated.score(probabilities(reference, answered))
    counts = msgspec.structs.replace(
        counts,
        rows=single.height,
        other_models=rows.height - own.height,
        other_roles=own.height - answering.height,
        duplicates=answering.height - single.height,
    )
    requests = single.unique("request_id", keep="first", maintain_order=True)
    return Log(answered.with_columns(pl.Series("score", score)), requests, present, counts)


def _parts(folder: Path, since: datetime, now: datetime) -> Iterator[Path]:
    """The finished parts of the days in question, the newest first."""
    try:
        days = sorted((name for name in os.listdir(folder) if _is_in(name, since, now)), reverse=True)
    except OSError as error:
        text = (error.strerror or str(error)).lower()
        raise refused("bad-log", f"the log '{folder}' can't be read: {text}") from None
    count = 0
    for day in days:
        inner = folder / day
        for name in sorted(os.listdir(inner) if inner.is_dir() else (), reverse=True):
            if name.endswith(ENDING) and not name.startswith("."):
                count += 1
                if count > MOST_PARTS:
                    return
                yield inner / name


def _is_in(name: str, since: datetime, now: datetime) -> bool:
    if not DAY.match(name):
        return False
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return False
    # A part may hold the first rows of the next day.
    return since.astimezone(UTC).date() - timedelta(days=1) <= day <= now.astimezone(UTC).date()
