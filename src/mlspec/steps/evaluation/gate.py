"""Decides whether a constraint holds: pass, fail, or unknown, which is never a pass."""

from typing import Any

from mlspec.diagnostics import StepError
from mlspec.plugins import verdict as intervals
from mlspec.plugins.verdict import Verdict
from mlspec.steps import results
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``metrics``, ``latency`` or ``size`` (and what the steps before took) -> ``verdict``."""
    params = job.params
    read = next(iter(job.inputs.values()), None)
    measured = {} if read is None else results.read_json(read)
    decided = AREAS[params["of"]](params, measured, job.records)
    results.write_json(job.outputs["verdict"], Verdict(gate=job.id, **decided).result())


def _quality(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    name = params["metric"]
    n = measured["rows"]
    if params.get("beats") is not None:
        baseline, by = params["beats"], params["by"]
        found = measured["differences"].get(baseline, {}).get(name)
        if found is None:
            raise StepError(f"'{name}' was not measured against the baseline '{baseline}'")
        text = f"{name} beats {baseline}" + (f" by {by:g}" if by else "")
        decided = _interval(text, found, n, by, at_least=True, unit="better than the baseline")
        note = measured.get("notes", {}).get(baseline)
        if note is not None and found["low"] is None:
            decided["reason"] = note
        if decided["verdict"] == "pass" and not found["low"] > 0:
            # No worse than the baseline is not yet better than it.
            decided |= {"verdict": "unknown", "reason": "the interval reaches down to no difference"}
        return decided
    found = measured["metrics"].get(name)
    if found is None:
        raise StepError(f"'{name}' was not measured")
    bounds = [(side, params[side]) for side in ("at_least", "at_most") if params.get(side) is not None]
    text = " and ".join(f"{side.replace('_', ' ')} {bound:g}" for side, bound in bounds)
    parts = [
        _interval(f"{name} {text}", found, n, bound, at_least=side == "at_least", unit="") for side, bound in bounds
    ]
    for verdict in ("fail", "unknown"):
        for part in parts:
            if part["verdict"] == verdict:
                return part
    return parts[0]


def _guardrail(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    name, tolerance = params["metric"], params["tolerance"]
    text = f"{name} no worse than the accepted run's" + (f" by more than {tolerance:g}" if tolerance else "")
    found = measured["differences"].get("previous", {}).get(name)
    if found is None:
        raise StepError(f"'{name}' was not measured against the accepted run")
    decided = _interval(
        text, found, measured["rows"], -tolerance, at_least=True, unit="against the accepted run (positive is better)"
    )
    note = measured.get("notes", {}).get("previous")
    if found["value"] is None and note is not None:
        # What was never accepted can't get worse.
        return {**decided, "verdict": "pass", "reason": note}
    return decided if note is None else {**decided, "reason": note}


def _personalization(_: dict[str, Any], measured: dict[str, Any], __: Any) -> dict[str, Any]:
    found = measured["personalization"]
    text = f"where groups have models of their own, {found['metric']} is better than the one model's"
    if not found["groups_with_own"]:
        # What answers everybody alike can't be worse than itself.
        return {
            **_interval(text, found["gain"], 0, 0.0, at_least=True, unit=""),
            "verdict": "pass",
            "reason": "every group is answered by the one model",
        }
    unit = f"better on the rows of {found['groups_with_own']:,} groups"
    decided = _interval(text, found["gain"], found["rows"], 0.0, at_least=True, unit=unit)
    if decided["verdict"] == "pass" and not found["gain"]["low"] > 0:
        return {**decided, "verdict": "unknown", "reason": "the interval reaches down to no difference"}
    return decided


def _fairness(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    asked = {key: params[key] for key in ("metric", "group", "minimum_rows")}
    found = next(
        (entry for entry in measured.get("fairness", ()) if all(entry[key] == asked[key] for key in asked)), None
    )
    if found is None:
        raise StepError(f"'{params['metric']}' was not measured between the groups of {' and '.join(params['group'])}")
    side = "at_least" if params.get("at_least") is not None else "at_most"
    bound, by = params[side], " and ".join(params["group"])
    text = f"{params['metric']} by {by} {side.replace('_', ' ')} {bound:g}"
    decided = _interval(text, found, found["n"], bound, at_least=side == "at_least", unit="")
    small = [", ".join(values) for values in found["too_few"]]
    few = f"too few rows to judge {'; '.join(small[:5])}{' and others' if len(small) > 5 else ''}"
    few += f" (fewer than {params['minimum_rows']})"
    if found["value"] is None:
        return {**decided, "reason": few if small else "there are no two groups to compare"}
    one, other = (", ".join(values) for values in found["pair"])
    decided["reason"] = f"{decided['reason']} (furthest apart: {one} and {other})"
    if small and decided["verdict"] == "pass":
        return {**decided, "verdict": "unknown", "reason": f"{few}; of the others {decided['reason']}"}
    return decided


def _abstention(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    what = params["what"]
    abstention = measured["decisions"]["abstention"]
    if what not in abstention:
        raise StepError("abstaining was not measured: the model is not told when to abstain")
    found, side = abstention[what], "at_least" if what == "coverage" else "at_most"
    if found["value"] is None:
        found = {**found, "n": 0}
    words = {"coverage": "share decided without a person", "risk": "share of wrong decisions without a person"}
    text = f"{words[what]} {side.replace('_', ' ')} {params[side]:g}"
    return _interval(text, found, found["n"], params[side], at_least=side == "at_least", unit="")


def _interval(
    text: str, found: dict[str, Any], n: int, threshold: float, *, at_least: bool, unit: str
) -> dict[str, Any]:
    value, low, high = found["value"], found["low"], found["high"]
    verdict = intervals.decide(low, high, threshold, at_least=at_least)
    if value is None:
        verdict = "unknown"
    return {
        "requirement": text,
        "verdict": verdict,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "threshold": threshold,
        "reason": _reason(verdict, value, low, high, n, threshold, at_least, unit),
    }


def _reason(verdict: str, value: Any, low: Any, high: Any, n: int, threshold: float, at_least: bool, unit: str) -> str:
    if value is None:
        return f"the metric is not defined on these {n:,} rows"
    if low is None or high is None:
        return f"{n:,} rows are too few for an interval"
    shown = f"{value:.4g}{f' {unit}' if unit else ''}, interval {low:.4g} to {high:.4g} over {n:,} rows"
    if verdict == "pass":
        return shown
    if verdict == "fail":
        return f"{shown}: all of it {'below' if at_least else 'above'} {threshold:g}"
    rows = intervals.rows_needed(value, low, high, n, threshold)
    if rows is None:
        return f"{shown}: the value stands on the bound, no number of rows can tell"
    good = value >= threshold if at_least else value <= threshold
    outcome = "hold" if good else "fail"
    return (
        f"{shown}: both sides of {threshold:g}; about {rows:,} test rows would show it to {outcome} if the value stays"
    )


def _latency(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    name, bound = params["quantile"], params["at_most"]
    value, n = measured[name], measured["n"]
    low, high = measured["intervals"][name]
    rows = f"{measured['batch']:,} row{'s' if measured['batch'] != 1 else ''}"
    # An end that the measurements can't give is open.
    verdict = intervals.decide(
        low if low is not None else 0.0, high if high is not None else float("inf"), bound, at_least=False
    )
    ends = f"{'0' if low is None else _seconds(low)} to {'unbounded' if high is None else _seconds(high)}"
    reason = f"{_seconds(value)}, interval {ends} over {n:,} requests"
    if verdict == "unknown":
        reason += f": both sides of {_seconds(bound)}"
    return {
        "requirement": f"{name} latency of {rows} at most {_seconds(bound)}",
        "verdict": verdict,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "threshold": bound,
        "reason": reason,
    }


def _throughput(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    bound, batch, n = params["at_least"], measured["batch"], measured["n"]
    value = batch / measured["p50"]
    slow, fast = (None if end is None else batch / end for end in reversed(measured["intervals"]["p50"]))
    low, high = (0.0 if slow is None else slow), (float("inf") if fast is None else fast)
    verdict = intervals.decide(low, high, bound, at_least=True)
    reason = f"{_rate(value)}, interval {_rate(low)} to {_rate(high)} over {n:,} requests of {batch:,} rows"
    if verdict == "unknown":
        reason += f": both sides of {_rate(bound)}"
    return {
        "requirement": f"throughput at least {_rate(bound)}",
        "verdict": verdict,
        "value": value,
        "low": slow,
        "high": fast,
        "n": n,
        "threshold": bound,
        "reason": reason,
    }


def _examples(_: dict[str, Any], measured: dict[str, Any], __: Any) -> dict[str, Any]:
    answers = measured["answers"]
    wrong = [(number, entry) for number, entry in enumerate(answers, start=1) if not entry["right"]]
    told = [
        f"example {number}: {_expected(entry['expected'])} was expected, the model says {_answer(entry)}"
        for number, entry in wrong[:5]
    ]
    return {
        "requirement": f"{len(answers)} example{'s' if len(answers) > 1 else ''} answered as expected",
        "verdict": "fail" if wrong else "pass",
        "value": len(answers) - len(wrong),
        "low": None,
        "high": None,
        "n": len(answers),
        "threshold": len(answers),
        "reason": "; ".join(told) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""),
    }


def _expected(expected: dict[str, Any]) -> str:
    named = {"answer": "'{}'", "at_least": "at least {:g}", "at_most": "at most {:g}"}
    return " and ".join(named[key].format(expected[key]) for key in named if key in expected)


def _answer(entry: dict[str, Any]) -> str:
    value = f"{entry['value']:.4g}"
    return value if entry["answer"] is None else f"'{entry['answer']}' ({value})"


def _serving_memory(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    bound = params["at_most"]
    return _exact(f"memory to answer at most {_bytes(bound)}", measured["bytes"], bound, _bytes)


def _size(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    return _exact(f"model size at most {_bytes(params['at_most'])}", measured["bytes"], params["at_most"], _bytes)


def _budget(params: dict[str, Any], _: Any, records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    what, bound = params["what"], params["at_most"]
    if what == "gpus":
        return _exact(f"at most {bound} GPUs", params["used"], bound, lambda number: f"{number:g} GPUs")
    if what in ("gpu_hours", "money"):
        return _priced(params, records)
    field, show = ("seconds", _seconds) if what == "wall_time" else ("peak_memory", _bytes)
    taken = [record.get(field) for record in records.values()]
    known = [value for value in taken if value is not None]
    total = (sum(known) if what == "wall_time" else max(known, default=None)) if len(known) == len(taken) else None
    text = f"{'time of all steps' if what == 'wall_time' else 'peak memory of a step'} at most {show(bound)}"
    return _exact(text, total if taken else None, bound, show)


def _priced(params: dict[str, Any], records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Hours on GPUs, or money: by the recorded time of each step, and where it ran."""
    bound, apart, several = params["at_most"], set(params["on_gpu"]), params.get("gpus", {})
    hours = {"cpu": 0.0, "gpu": 0.0}
    for step, record in records.items():
        if record.get("seconds") is None:
            return _exact("a budget of all steps", None, bound, str)
        hours["gpu" if step in apart else "cpu"] += record["seconds"] / 3600 * several.get(step, 1)
    if params["what"] == "gpu_hours":
        return _exact(f"at most {bound:g} GPU hours", hours["gpu"], bound, lambda value: f"{value:.3g} GPU hours")
    unit = f" {params['unit']}" if params["unit"] else ""
    total = hours["cpu"] * params["cpu_hour"] + hours["gpu"] * params["gpu_hour"]
    return _exact(f"cost at most {bound:g}{unit}", total, bound, lambda value: f"{value:.3g}{unit}")


def _privacy(params: dict[str, Any], measured: dict[str, Any], _: Any) -> dict[str, Any]:
    what = params["what"]
    if what == "membership":
        bound = params["at_most"]
        text = f"training rows told apart by the model's answers with a ROC AUC of at most {bound:g}"
        return _interval(text, measured, measured["n"], bound, at_least=False, unit="")
    if what == "differential_privacy":
        return _promise(params, measured)
    rows = measured["rows"]
    if what == "direct_identifiers":
        found = measured["identifiers"]
        cells = sum(count for kinds in found.values() for count in kinds.values())
        told = "; ".join(
            f"'{name}': {count:,} times {kind}" for name, kinds in found.items() for kind, count in kinds.items()
        )
        decided = _exact("no cell names a person", cells, 0, lambda count: f"{count:,} cells of {rows:,} rows")
        return {**decided, "n": rows, "reason": told or f"none of the cells of {rows:,} rows looks like it"}
    found, least = measured[what], params["at_least"]
    by = " and ".join(params["columns"])
    text = {
        "k_anonymity": f"at least {least} rows share each combination of {by}",
        "l_diversity": f"at least {least} values of {params.get('sensitive')} for each combination of {by}",
    }[what]
    below, of = found["combinations_below"], found["combinations"]
    told = f"{found['least']} at least, over {of:,} combinations of {rows:,} rows"
    if below:
        told = f"{below:,} of {of:,} combinations have fewer, with {found['rows_below']:,} of {rows:,} rows"
    return {
        "requirement": text,
        "verdict": "fail" if below else "pass",
        "value": found["least"],
        "low": found["least"],
        "high": found["least"],
        "n": rows,
        "threshold": least,
        "reason": told,
    }


def _promise(params: dict[str, Any], measured: dict[str, Any]) -> dict[str, Any]:
    """What the training promises of each row, beside what is asked."""
    epsilon, delta, found = params["epsilon"], params["delta"], measured["promise"]
    text = f"the model was trained privately, with epsilon at most {epsilon:g} and delta at most {delta:g}"
    holds = found is not None and found["epsilon"] <= epsilon and found["delta"] <= delta
    value = None if found is None else found["epsilon"]
    told = measured["reason"]
    if found is not None:
        told = (
            f"epsilon {value:.3g} at delta {found['delta']:g} ({found['spent']:.3g} spent in {found['steps']:,} of "
            f"{found['planned']:,} steps), by the {found['accountant'].upper()} accountant"
        )
    return {
        "requirement": text,
        "verdict": "pass" if holds else "fail",
        "value": value,
        "low": value,
        "high": value,
        "n": None,
        "threshold": epsilon,
        "reason": told,
    }


def _exact(text: str, value: float | None, bound: float, show: Any) -> dict[str, Any]:
    verdict = "unknown" if value is None or value != value else "pass" if value <= bound else "fail"
    return {
        "requirement": text,
        "verdict": verdict,
        "value": value,
        "low": value,
        "high": value,
        "n": None,
        "threshold": bound,
        "reason": "it was not recorded" if value is None else show(value),
    }


def _seconds(value: float) -> str:
    for size, unit, factor in ((1e-3, "us", 1e6), (1.0, "ms", 1e3), (120.0, "s", 1.0)):
        if value < size:
            return f"{value * factor:.3g}{unit}"
    return f"{value / 60:.3g}m"


def _rate(value: float) -> str:
    return f"{value:,.3g} rows/s" if value < 1000 else f"{float(f'{value:.3g}'):,.0f} rows/s"


def _bytes(value: float) -> str:
    for size, unit in ((1e3, "B"), (1e6, "kB"), (1e9, "MB")):
        if value < size:
            return f"{value / (size / 1e3):.3g}{unit}"
    return f"{value / 1e9:.3g}GB"


AREAS = {
    "quality": _quality,
    "guardrail": _guardrail,
    "fairness": _fairness,
    "abstention": _abstention,
    "latency": _latency,
    "throughput": _throughput,
    "size": _size,
    "serving_memory": _serving_memory,
    "examples": _examples,
    "budget": _budget,
    "personalization": _personalization,
    "privacy": _privacy,
}
