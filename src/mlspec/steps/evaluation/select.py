"""Chooses one candidate by its score on the validation rows, and makes it a package."""

import shutil
from pathlib import Path
from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.serving import package, package_format


def run(job: Job) -> None:
    """``metrics.NAME``, ``model.NAME``, ``state.NAME`` of each candidate (``decision.NAME`` and ``differences``, where
    they are asked for) -> ``selection``, ``model`` (the package).

    The better value wins, ties go to the first name; by the one-standard-error rule (Breiman and others 1984) the least
    complex of those whose difference to the best is at most its standard error. The package holds nothing of the
    candidates that lost. A single candidate is taken whatever its score is. Where the metric is not defined for any of
    several, another that is measured decides. Raises StepError where there is none.
    """
    measured = {
        candidate: results.read_json(job.inputs[f"metrics.{candidate}"])["metrics"]
        for candidate in sorted([*job.params["candidates"], *(["blend"] if "blend" in job.inputs else [])])
    }
    name, instead = _deciding(job.params["metric"][0], measured)
    metric = cast(type[Metric], registry.plugin("metrics", name))
    sign = 1.0 if metric.greater_is_better else -1.0
    scores = {candidate: found[name] for candidate, found in measured.items()}
    defined = [candidate for candidate in scores if scores[candidate]["value"] is not None or len(scores) == 1]
    if not defined:
        raise StepError(unselectable(name, next(iter(scores.values())).get("reason", "")))
    blend = results.read_json(job.inputs["blend"]) if "blend" in job.inputs else None
    open_to = [name for name in defined if name != "blend" or (blend is not None and blend["taken"])]
    chosen = max(open_to, key=lambda candidate: (candidate == "blend", sign * (scores[candidate]["value"] or 0.0)))
    ruled: dict[str, Any] = {"reason": instead} if instead else {}
    if blend is not None:
        ruled = {"reason": _blended(blend)}
    if "differences" in job.inputs:
        differences = results.read_json(job.inputs["differences"])
        if blend is not None and not blend["taken"]:
            differences["candidates"].pop("blend", None)
            differences["best"] = blend["best"] if differences["best"] == "blend" else differences["best"]
        chosen, reason = _simplest(differences, job.params["complexity"])
        ruled = {"rule": "one_standard_error", "reason": reason, "differences": differences}
    decision = _decision(job, chosen)
    if decision is not None:
        ruled["decision"] = {key: decision[key] for key in ("threshold", "cost", "rows")}
    results.write_json(
        job.outputs["selection"],
        {
            "candidate": chosen,
            "metric": name,
            "greater_is_better": metric.greater_is_better,
            "scores": {
                candidate: {end: score[end] for end in ("value", "low", "high")} for candidate, score in scores.items()
            },
            **ruled,
        },
    )
    weights = blend["weights"] if blend is not None and chosen == "blend" else None
    parts = _parts(job, chosen, weights)
    single = weights is None and "folds" not in job.params
    state = results.read_json(job.inputs[f"state.{parts[0][0].candidate}{parts[0][1]}"])
    folder = job.outputs["model"]
    folder.mkdir(parents=True, exist_ok=True)
    for number, (member, mark) in enumerate(parts):
        own = package_format.place(folder, None if single else number)
        own.mkdir(parents=True, exist_ok=True)
        _copy_state(job.inputs[f"state.{member.candidate}{mark}"], own / package_format.STATE)
        package.copy(job.inputs[f"model.{member.candidate}{mark}"], own / package_format.MODEL)
    package_format.write_about(
        folder,
        package_format.About(
            candidate=chosen,
            model=parts[0][0].model if single else ("bag" if weights is None else "blend", {}),
            members=None if single else tuple(member for member, _mark in parts),
            columns=tuple((column, kind) for column, kind in job.params["columns"]),
            target=job.params["target"][0],
            target_type=job.params["target"][1],
            task=job.params["task"],
            classes=state["target"]["classes"],
            positive=job.params["positive"],
            calibration=None if decision is None else decision["calibration"],
            threshold=None if decision is None else decision["threshold"],
            abstain_below=job.params.get("abstain_below"),
            treatments=None
            if "treatments" not in job.params
            else tuple((name, kind, (use[0], use[1])) for name, kind, use in job.params["treatments"]),
            keys=job.params.get("keys"),
            derived=job.params.get("derived"),
            hidden=None if "hidden" not in job.params else tuple(job.params["hidden"]),
            reading=None
            if "reading" not in job.params
            else msgspec.convert(job.params["reading"], package_format.Reading),
            groups=None
            if decision is None or "groups" not in decision
            else package_format.GroupThresholds(
                tuple((name, kind) for name, kind in job.params["group"]), decision["groups"]["thresholds"]
            ),
        ),
    )


def _deciding(wanted: str, measured: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """The metric that decides between several candidates, and why if it is not the one wanted: that has no value for
    any of them, as on rows of one class. The log loss is the next best, then what comes first in the spec."""
    first = next(iter(measured.values()))
    if len(measured) == 1 or any(found[wanted]["value"] is not None for found in measured.values()):
        return wanted, ""
    others = [name for name in first if all(found[name]["value"] is not None for found in measured.values())]
    if not others:
        return wanted, ""
    name = min(others, key=lambda other: other != "log_loss")
    why = first[wanted].get("reason", "")
    return name, f"selected by '{name}': '{wanted}' is not defined on the validation rows{f' ({why})' if why else ''}"


def unselectable(metric: str, reason: str) -> str:
    """That a metric selects none of several candidates, and what to do."""
    why = f": {reason}" if reason else ""
    return (
        f"no candidate can be selected: '{metric}' is not defined on the validation rows{why}; split otherwise, or "
        "state another metric in model.select"
    )


def _parts(job: Job, chosen: str, weights: dict[str, float] | None) -> list[tuple[package_format.Member, str]]:
    """The models that answer, each with what its inputs end in: those of the folds in a bag."""
    folds = job.params.get("folds")
    marks = [""] if folds is None else [f".fold{number}" for number in range(1, folds + 1)]
    found = []
    for name, weight in (weights or {chosen: 1.0}).items():
        model, settings = job.params["candidates"][name]
        for mark in marks:
            own = results.tuned(settings, job.inputs.get(f"tuned.{name}{mark}"))
            found.append((package_format.Member(name, (model, own), weight / len(marks)), mark))
    return found


def _blended(blend: dict[str, Any]) -> str:
    """What the blend gains, in words."""
    gain = blend["gain"]
    if gain["value"] is None:
        return f"a blend of the candidates is not taken: {blend['metric']} is not defined for it"
    interval = "" if gain["low"] is None else f" [{gain['low']:.4g}, {gain['high']:.4g}]"
    text = f"a blend of the candidates gains {gain['value']:.4g}{interval} in {blend['metric']} over {blend['best']}"
    if blend["taken"]:
        return f"{text}: taken, it is not shown to be worse"
    if len(blend["weights"]) == 1:
        return f"{text}: not taken, all weight is on {next(iter(blend['weights']))}"
    return f"{text}: not taken, it is shown to be worse"


def _simplest(differences: dict[str, Any], complexity: dict[str, int]) -> tuple[str, str]:
    """The candidate that the one-standard-error rule takes, and why."""
    best, compared = differences["best"], differences["candidates"]
    level = [name for name, found in compared.items() if name == best or found["value"] <= (found["error"] or 0.0)]
    chosen = min(level, key=lambda name: (complexity[name], compared[name]["value"], name))
    if chosen == best:
        others = "no simpler candidate is within one standard error of it"
        return best, f"{best} is best by {differences['metric']}, and {others}"
    found = compared[chosen]
    return chosen, (
        f"{chosen} is simpler than {best}, the best by {differences['metric']}, and only {found['value']:.4g} worse: "
        f"within one standard error of that difference ({found['error']:.4g}, {differences['rows']:,} validation rows)"
    )


def _decision(job: Job, chosen: str) -> dict[str, Any] | None:
    path = job.inputs.get(f"decision.{chosen}")
    if path is None:
        return None
    decision = cast(dict[str, Any], results.read_json(path))
    if decision["reason"] is not None:
        raise StepError(f"'{chosen}' can't decide as project.users.mistakes asks: {decision['reason']}")
    return decision


def _copy_state(state: Path, copy: Path) -> None:
    """Byte for byte where there is nothing to leave out."""
    found = results.read_json(state)
    apart = [own for column in found["columns"] for _, _, states in column["stages"] for own in states if own]
    if found.keys() & set(package.OF_TRAINING) or any(package.FITTED & own.keys() for own in apart):
        results.write_json(copy, package.without_fitted(found))
    else:
        shutil.copyfile(state, copy)
