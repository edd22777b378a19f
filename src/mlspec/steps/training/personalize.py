"""Decides for each group who answers it, the one model or the group's own, and makes the package of both."""

from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.data import parquet
from mlspec.steps.evaluation import intervals
from mlspec.steps.job import Job
from mlspec.steps.serving import package, package_format
from mlspec.steps.training import personalization
from mlspec.steps.training.routed_groups import Personal

Array = np.ndarray[Any, Any]


def run(job: Job) -> None:
    """``model`` (the package of the one model), ``train``, ``validation`` (raw), ``models.K`` -> ``groups``, ``model``.

    A group's own model answers where its gain over the one model, on the group's validation rows, has an interval above
    nothing; the intervals hold for all groups at once (Bonferroni). The one model stopped its training by these rows,
    the group's (with finetune) did not: the comparison favours the one model. ``groups``: the table of all groups.
    """
    params = job.params
    name, settings = params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    loaded = package.load(job.inputs["model"], job.device)
    answers, truth, _decided = loaded.predict_stored(job.inputs["validation"])
    key, level = params["key"], params["level"]
    frames = [parquet.scan(job.inputs[part]) for part in ("train", "validation")]
    theirs, mine = (personalization.labels(frame.select(key).collect().to_series(), level) for frame in frames)
    sizes, judged_by = personalization.sizes(theirs), personalization.sizes(mine)
    folders = {number: path for number, path in sorted(job.inputs.items()) if number.startswith("models.")}
    indexes = {number: results.read_json(path / personalization.INDEX) for number, path in folders.items()}
    trained = {
        label: (folders[number], entry) for number, index in indexes.items() for label, entry in index["groups"].items()
    }
    model = next(iter(indexes.values()))["model"]
    compared = sum(entry["folder"] is not None for _path, entry in trained.values())
    asked = [
        label for label, (_, entry) in sorted(trained.items()) if label in judged_by and entry["folder"] is not None
    ]
    count = 0 if loaded.about.classes is None else len(loaded.about.classes)
    predicted = {}
    for label, rows in personalization.each(frames[1], mine, asked, job.memory):
        where, entry = trained[label]
        part = package.part(where / entry["folder"], model, job.device, count, shared=job.inputs["model"])
        predicted[label] = part.answer(loaded.checked(rows))
    table, used = [], {}
    for label in sorted(sizes):
        own = (mine == label).fill_null(False).to_numpy()
        found: dict[str, Any] = {"group": label, "train_rows": sizes[label], "validation_rows": int(own.sum())}
        path, entry = trained.get(label, (None, None))
        if path is None or entry is None:
            found |= _kept(f"fewer than {params['min_group_size']:,} training rows")
        elif entry["folder"] is None:
            found |= _kept(entry["error"])
        elif not own.any():
            found |= _kept("it has no validation rows")
        else:
            given = {"global": answers[own], "own": predicted[label]}
            found |= _judged(metric, truth[own], given, loaded.about.threshold, params["confidence"], compared)
        if found["answered_by"] == "own" and entry is not None and path is not None:
            used[label] = (path, entry["folder"])
        table.append(found)
    results.write_json(
        job.outputs["groups"],
        {
            "key": key,
            "level": level,
            "strategy": params["strategy"],
            "metric": name,
            "greater_is_better": metric.greater_is_better,
            "min_group_size": params["min_group_size"],
            "confidence": params["confidence"]["level"],
            "compared": compared,
            "groups": table,
        },
    )
    _packaged(job, loaded.about, model, used)


def _kept(reason: str) -> dict[str, Any]:
    return {"answered_by": "global", "reason": reason, "global": None, "own": None, "gain": None}


def _judged(
    metric: Metric,
    truth: "Array",
    given: "dict[str, Array]",
    threshold: float | None,
    confidence: dict[str, Any],
    compared: int,
) -> dict[str, Any]:
    """Who answers a group, and by what figures."""
    judged = intervals.judged(metric, given, threshold)
    found = intervals.gain(metric, truth, judged["own"], judged["global"], confidence, among=compared)
    proven = found["low"] is not None and found["low"] > 0
    if proven:
        reason = "its own model is shown to be better"
    elif found["value"] is None:
        reason = "the metric is not defined on its validation rows"
    elif found["low"] is None:
        reason = "its validation rows are too few for an interval"
    else:
        reason = "no proven gain"
    return {
        "answered_by": "own" if proven else "global",
        "reason": reason,
        "global": found["other"],
        "own": found["own"],
        "gain": {end: found[end] for end in ("value", "low", "high")},
    }


def _packaged(job: Job, about: Any, model: Any, used: dict[str, tuple[Path, str]]) -> None:
    folder = job.outputs["model"]
    package.copy(job.inputs["model"], folder)
    if not used:
        return
    for path, own in sorted(set(used.values())):
        package.copy(path / own, folder / personalization.FOLDER / own)
    columns = dict(about.columns) | {job.params["key"]: job.params["key_type"]}
    routed = Personal(
        key=job.params["key"],
        level=job.params["level"],
        model=(model[0], model[1]),
        groups={label: own for label, (_path, own) in sorted(used.items())},
    )
    package_format.write_about(folder, msgspec.structs.replace(about, columns=tuple(columns.items()), personal=routed))
