"""Small pieces of text that several formats share."""

from collections.abc import Iterator, Sequence
from typing import Any

from mlspec import formatting
from mlspec.diagnostics import printable
from mlspec.graph.fingerprint import canonical
from mlspec.graph.plan import Plan
from mlspec.graph.step import Resources


def value(item: Any) -> str:
    """A plain value as one line of JSON, printable."""
    return printable(canonical(item).decode())


def param(indent: str, name: str, item: Any) -> Iterator[str]:
    """A param in a line, or in several where one would be too long."""
    line = f"{indent}{printable(name)} = {value(item)}"
    if len(line) <= 110 or not isinstance(item, dict | list) or not item:
        yield line
    elif isinstance(item, dict):
        yield f"{indent}{printable(name)}:"
        for key, inner in item.items():
            yield from param(indent + "  ", key, inner)
    else:
        yield f"{indent}{printable(name)}:"
        for inner in item:
            yield f"{indent}  - {value(inner)}"


def duration(seconds: float) -> str:
    """A time as people say it: ``under 1 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


WAITS = "waits for "
SHOWN = 4


def few(reasons: Sequence[str]) -> list[str]:
    """The reasons for reading: the steps that are waited for in one, and not more than a handful."""
    waits = [reason.removeprefix(WAITS) for reason in reasons if reason.startswith(WAITS)]
    others = [printable(reason) for reason in reasons if not reason.startswith(WAITS)]
    if len(others) > SHOWN + 1:
        others = [*others[:SHOWN], f"and {len(others) - SHOWN} more"]
    return [*others, WAITS + names(waits)] if waits else others


def names(ids: Sequence[str]) -> str:
    """Several ids in a row, the first few if there are many."""
    if len(ids) <= SHOWN:
        return printable(", ".join(ids))
    return printable(f"{', '.join(ids[: SHOWN - 1])} and {len(ids) - SHOWN + 1} more")


def path(parts: Sequence[str | int]) -> str:
    """A place in the spec: ``constraints.quality[0]``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return printable(text)


def needs(resources: Resources) -> str:
    """What a step takes: ``4 cores, 16 GB of memory, 2 GPUs on 2 nodes``."""
    cpus, memory, gpus, nodes = resources.cpus, resources.memory, resources.gpus, resources.nodes
    parts = [f"{cpus} core{'s' if cpus != 1 else ''}"]
    parts += [f"{formatting.size(memory)} of memory"] if memory else []
    parts += [f"{gpus} GPU{'s' if gpus != 1 else ''}"] if gpus else []
    return ", ".join(parts) + (f" on {nodes} nodes" if nodes > 1 else "")


def summary(plan: Plan) -> str:
    """The plan in a line: ``Plan: 3 cached, 4 run, 5 may run; about 12 s (2 of unknown length)``."""
    counts = [
        f"{count} {word}"
        for count, word in (
            (plan.count("cached"), "cached"),
            (plan.count("runs"), "run"),
            (plan.count("may run"), "may run"),
        )
        if count
    ]
    if not plan.pending():
        return f"Plan: {', '.join(counts)}; nothing to do"
    times = [planned.seconds for planned in plan.steps.values() if planned.action != "cached"]
    known = [seconds for seconds in times if seconds is not None]
    if not known:
        return f"Plan: {', '.join(counts)}; time unknown"
    unknown = len(times) - len(known)
    total = duration(sum(known))
    estimate = total if total.startswith("under") else f"about {total}"
    return f"Plan: {', '.join(counts)}; {estimate}" + (f" ({unknown} of unknown length)" if unknown else "")
