"""Fitting a candidate needs more memory than allowed: the model holds all training rows.

Computed as training rows x prepared numbers x the bytes that the model holds for each of them at least (`lightgbm` 1,
`ridge` and `catboost` 4, `hist_gradient_boosting` 8; [scale](../scale.md#models)). The rows are those of the sources as
they were counted, or as `mlspec.lock` has them from the last run, less the shares of validation and test; columns that
only fitting shows (levels of one-hot columns, words) count as one. Where rows are filtered, joined or dropped, their
number is not known before, and this is found when the training starts.

The limit is `backend.memory`. Where that is not set, `mlspec run` compares with what the machine has free, or with the
largest node of a cluster.

Why: reading, splitting and preparing such a table takes hours, and then no model could be fitted.

Instead: `rows` of the candidate fits it on so many rows, drawn by lot, of each class the same share; or take a model
that reads rows piece by piece (`sgd`, `torch.*`), or allow more memory.
"""

from collections.abc import Iterator

from mlspec import formatting
from mlspec.diagnostics import Diagnostic
from mlspec.machine import resources
from mlspec.plugins.model import Model
from mlspec.rules.context import View
from mlspec.spec import combining, pinned
from mlspec.spec.dump import spelled

HERE = ("local", "inline")  # engines whose steps run on this machine
SPARE = 0.5  # the share of the memory that a suggestion fills


def check(view: View) -> Iterator[Diagnostic]:
    """Each candidate that surely does not fit, against what is allowed, or free where a run is about to start."""
    backend = view.project.backend
    if backend.memory is not None:
        there = f"backend.memory allows {spelled(backend.memory, 'bytes')}"
        yield from (one for _name, one in beyond(view, backend.memory, there))
    elif view.running and backend.engine in HERE and (free := resources.memory()) is not None:
        yield from (one for _name, one in beyond(view, free, f"this machine has {formatting.size(free)} free"))


def beyond(view: View, memory: int, there: str) -> Iterator[tuple[str, Diagnostic]]:
    """The name of each candidate that surely takes more memory than there is, and what is wrong; ``there``
    says how much that is."""
    from mlspec.rules._prepared import prepared

    counted, source = _rows(view)
    if counted is None:
        return
    split = view.project.data.split
    training = int(counted * (1 - split.test - split.validation))
    for name, use in view.project.model.candidates.items():
        model = use.plugin
        if not isinstance(model, Model) or not model.holds:
            continue
        rows = min(training, model.rows or training)
        columns = sum(column.width or 1 for column in prepared(view, model))
        least = rows * columns * model.holds
        if least <= memory:
            continue
        fitting = int(SPARE * memory / (columns * model.holds))
        fitting -= fitting % 10 ** max(0, len(str(fitting)) - 2)
        message = f"fitting '{name}' takes at least {formatting.size(int(least))} of memory"
        label = (
            f"add rows: {fitting} to fit it on a sample" if fitting >= 100 else "take a model that reads rows in pieces"
        )
        numbers = formatting.count(columns, "number")
        text = f"{rows:,} training rows{source} of {numbers}, {model.holds:g} bytes each; {there}"
        at = ("model", "candidates", name, "type")
        yield name, view.diagnostic("rows-beyond-memory", at, message, label, text)


def _rows(view: View) -> tuple[int | None, str]:
    """How many rows there are, None where that is not known before a run; and how that is known."""
    data, counts = view.project.data, view.facts.counts
    if data.split.by == "given" or data.filter is not None or any(join.how == "inner" for join in data.join):
        return None, ""
    if any(one.on_fail == "drop_rows" for one in data.expect):
        return None, ""
    names = combining.stacked(data)
    if counts.rows is not None:
        return min(counts.rows, data.sample or counts.rows), ""
    locked = pinned.locked_sources(view.facts.root)
    known = [locked[name].summary for name in names if name in locked]
    rows = [one.rows for one in known if one is not None]
    if len(rows) < len(names):
        return None, ""
    return min(sum(rows), data.sample or sum(rows)), " (of the last run)"
