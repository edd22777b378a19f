"""`mlspec retrain` could not do what `operation.retrain` says.

Why: it writes the labelled rows of the request log into a new file of a source, trains on all files of this source, and
gives the new model to a stage. A file that the spec does not read, or whose columns the log cannot fill, would be found
out only when a model is due.

Instead: the message says what is missing. A source with a pattern (`path: data/*.csv`) takes new files; the log has the
features as the model got them, so joins, derived columns, a filter, weights and keys of a split cannot be filled, nor
columns whose anonymised values are not anonymised to themselves (`hash`, `bins`, `noise`).
"""

import fnmatch
from collections.abc import Iterator

import msgspec

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.machine import safe_files
from mlspec.plugins.base import PluginRef
from mlspec.plugins.source import AVAILABILITY
from mlspec.rules import _roles
from mlspec.rules.context import View
from mlspec.spec import combining
from mlspec.spec.operation import Operation
from mlspec.spec.operation.retrain import ENDINGS, NEW, Retrain
from mlspec.spec.suggest import label

CODE = "retraining-does-not-fit"
AT: Path = ("operation", "retrain")
REPEATED = frozenset({"keep", "drop", "round", "truncate", "top_code", "prefix"})  # same again, and of the same type
OWN = {"path", "missing", "separator", *AVAILABILITY}  # settings of a source that a file written here can have


def check(view: View) -> Iterator[Diagnostic]:
    """``operation.retrain`` against the data, the monitored metrics and the stages."""
    operation = view.project.operation
    wanted = None if operation is None else operation.retrain
    if operation is None or wanted is None:
        return
    yield from _decision(view, operation, wanted)
    if wanted.source is not None:
        yield from _source(view, wanted.source)


def _decision(view: View, operation: Operation, wanted: Retrain) -> Iterator[Diagnostic]:
    monitor = operation.monitor
    judged = monitor is not None and any(not bound.estimated for bound in monitor.quality)
    if wanted.promote != "by_hand" and not judged:
        message = "no metric with labels says whether a new model is not worse"
        yield view.diagnostic(CODE, (*AT, "promote"), message, "add one to operation.monitor.quality")
    stages = () if operation.release is None else operation.release.stages
    if wanted.stage is not None and stages and wanted.stage not in stages:
        yield view.diagnostic(CODE, (*AT, "stage"), f"'{wanted.stage}' is no stage", label(wanted.stage, stages))
    if wanted.source is not None and wanted.stage is None and not stages:
        message = "the stage that gets the new model is not stated"
        yield view.diagnostic(CODE, (*AT, "source"), message, "add stage, or operation.release.stages", key=True)


def _source(view: View, name: str) -> Iterator[Diagnostic]:
    data, at = view.project.data, (*AT, "source")
    if name not in data.sources:
        yield view.diagnostic(CODE, at, f"there is no source '{name}'", label(name, data.sources))
        return
    use = data.sources[name]
    wrong = _not_a_pattern(use) or _other_reading(use)
    if wrong:
        yield view.diagnostic(CODE, at, f"source '{name}' takes no new file: {wrong[0]}", wrong[1])
    if combining.is_combined(data):
        message = "rows of the log can't be joined, derived or filtered again"
        yield view.diagnostic(CODE, at, message, "do this in the source, or add the rows by hand")
    for column, why in _unfilled(view):
        message = f"the log can't fill the column '{column}' of source '{name}': {why}"
        yield view.diagnostic(CODE, at, message, "run `mlspec monitor --join` and fill it by hand")


def _not_a_pattern(use: PluginRef) -> tuple[str, str] | None:
    path = str(getattr(use.plugin, "path", ""))
    pattern = path.rpartition("/")[2]
    ending = next((one for one in ENDINGS if pattern.endswith(one)), None)
    if not path:
        return "it is no file", "name a source of files: .csv, .parquet or .jsonl"
    if not safe_files.stays_inside(path):
        return f"'{path}' leads out of the folder of the spec", "move the files into this folder"
    if "://" in path or ending is None or not fnmatch.fnmatch(NEW.format("0") + ending, pattern):
        folder = "" if "://" in path else path.rpartition("/")[0]
        return (
            f"its path '{path}' is no pattern that a new file fits",
            f"write a pattern: {f'{folder}/' if folder else ''}*.csv",
        )
    return None


def _other_reading(use: PluginRef) -> tuple[str, str] | None:
    """Settings by which a file that is written here would not be read as it was meant."""
    settings = msgspec.to_builtins(use.plugin)
    usual = msgspec.to_builtins(type(use.plugin)(path="x"))
    other = sorted(key for key in settings if key not in OWN and settings[key] != usual[key])
    if settings.get("separator") not in (None, ","):
        other.append("separator")
    if settings.get("part") not in (None, "train"):
        other.append("part")
    return (f"it is read with {', '.join(other)}", "use a plain .csv, or .parquet") if other else None


def _unfilled(view: View) -> Iterator[tuple[str, str]]:
    data = view.project.data
    roles = {column.name: column.role for column in _roles.roles(view.project, view.columns())}
    if data.columns.weight is not None:
        yield data.columns.weight, "it weights the rows"
    split = data.split
    if split.by in ("group", "hash", "given") and split.column and roles.get(split.column) not in ("feature", "target"):
        yield split.column, "it splits the rows"
    for name, personal in data.personal.items():
        action = personal.action
        if action is not None and action.name not in REPEATED:
            yield name, f"it is treated by '{action.name}', and would be twice"
