"""Looks at a model in service: its request log and labels against the sketch in its package."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mlspec.machine import python_paths

if TYPE_CHECKING:
    from mlspec.monitoring.candidate import Compared
    from mlspec.monitoring.findings import Monitored
    from mlspec.monitoring.labels import Labels
    from mlspec.monitoring.log import Log
    from mlspec.monitoring.packaged import Packaged
    from mlspec.monitoring.retraining import Retraining

Name = str | os.PathLike[str]


@python_paths.only_own()
def monitor(
    log: Name, labels: Name | None = None, *, package: Name, now: datetime, join: Name | None = None
) -> "Monitored":
    """What the request log says of an exported model, or of a released bundle, at a time.

    ``labels``: a table of any format that a source can have; that of ``operation.labels`` if left out. ``now``: rows
    and labels from later are not read; a time without a zone is in UTC. ``join``: also write the rows that have a label
    to a .parquet, .csv or .jsonl file, which a source of the next run can read. Raises SpecError where something can't
    be read.
    """
    from mlspec.api import tables
    from mlspec.monitoring import joining
    from mlspec.monitoring.errors import refused

    if join is not None:
        tables.table_format(join)
    given = read(log, labels, package, now, whole=join is not None)
    found = judged(package, given)
    if join is not None:
        if given.labels is None:
            raise refused("bad-labels", "there are no labels to join", "name a file, or state operation.labels")
        rows = joining.table(given.packaged.reference, given.log, given.labels)
        tables.write_table(rows, join, [name for name in (log, labels) if name is not None])
    return found


@python_paths.only_own()
def retrain_check(log: Name, labels: Name | None = None, *, package: Name, now: datetime) -> "Retraining":
    """Whether an exported model is to be trained again, by ``operation.retrain``: parameters and errors as for
    ``monitor``."""
    from mlspec.monitoring import retraining

    given = read(log, labels, package, now, whole=True)
    return retraining.checked(given.packaged.reference, judged(package, given), given.now)


@python_paths.only_own()
def compare_candidate(
    log: Name, labels: Name | None = None, *, package: Name, candidate: Name, since: datetime, now: datetime
) -> "Compared":
    """A candidate beside the exported model in service, on the same rows of the log: those later than ``since``, which
    the candidate was not trained on, as far as they have a label.

    ``candidate``: a spec whose last run has selected a model, or the folder of an exported one, which is loaded in a
    process of its own. Raises SpecError as ``monitor`` does, and where the candidate can't answer these rows.
    """
    return compared(read(log, labels, package, now, whole=True), package, candidate, since)


def compared(given: "Given", package: Name, candidate: Name, since: datetime) -> "Compared":
    """The same, of what was read."""
    from mlspec.api.using import load_model
    from mlspec.monitoring import candidate as beside
    from mlspec.monitoring.errors import refused
    from mlspec.monitoring.judge import said

    if given.labels is None:
        raise refused("bad-labels", "there are no labels to compare by", "name a file, or state operation.labels")
    since = since.replace(tzinfo=UTC) if since.tzinfo is None else since.astimezone(UTC)
    model = load_model(candidate)
    found = beside.compared(given.packaged.reference, given.log, given.labels, model, since)
    return beside.Compared(
        package=os.fspath(package),
        candidate=os.fspath(candidate),
        now=said(given.now),
        since=said(since),
        rows=found.rows,
        worse=any(one.decides and one.verdict == "worse" for one in found.differences),
        doubt=found.doubt,
        differences=tuple(found.differences),
        warnings=tuple(found.warnings),
    )


class Given(NamedTuple):
    """What is known of a model in service at a time."""

    packaged: "Packaged"
    log: "Log"
    labels: "Labels | None"
    now: datetime
    warnings: tuple[str, ...]


def judged(package: Name, given: Given) -> "Monitored":
    """What monitoring finds in it."""
    from mlspec.monitoring import judge

    found = judge.judged(os.fspath(package), given.packaged, given.log, given.labels, given.now)
    return msgspec.structs.replace(found, warnings=(*given.warnings, *found.warnings))


def read(log: Name, labels: Name | None, package: Name, now: datetime, *, whole: bool, is_new: bool = False) -> Given:
    """What is known at a time; ``whole``: all of the log since the model was made, not only the windows shown;
    ``is_new``: a log without a row of this model will do."""
    from mlspec.monitoring import judge, packaged, retraining
    from mlspec.monitoring import labels as truths
    from mlspec.monitoring import log as logs

    now = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)
    opened = packaged.opened(Path(package))
    reference = opened.reference
    since = judge.horizon(reference, now)
    if whole:
        since = min(since, retraining.made(reference) or judge.EARLIEST)
    read = logs.read(Path(log), reference, opened.digest, since, now, is_new=is_new)
    stated, warnings = labels, list[str]()
    if stated is None and reference.labels is not None:
        stated = reference.labels.source
        if "://" not in stated and not os.path.exists(stated):
            # At first there are none, and the rest is judged all the same.
            warnings.append(f"there are no labels: '{stated}' does not exist")
            stated = None
    known = None if stated is None else truths.read(os.fspath(stated), reference, now)
    return Given(opened, read, known, now, tuple(warnings))
