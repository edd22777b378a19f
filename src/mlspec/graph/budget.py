"""What steps cost: time, time on GPUs, money by the stated price; and the longest way through the graph."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from mlspec.constraints.budget import Budget
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step

HOUR = 3600.0


class Cost(Struct, frozen=True):
    """Seconds of all steps added up, hours on GPUs, money in the budget's own unit (None where no price is stated), and
    for how many steps the time is not known."""

    seconds: float
    gpu_hours: float
    money: float | None
    unknown: int = 0


def counted(graph: Graph) -> frozenset[str]:
    """The steps that lead to the model and its evaluation: what a budget is for."""
    last = graph.find("evaluate") or graph.find("select")
    return frozenset(graph.steps if last is None else graph.leading_to([last.id]).steps)


def cost(steps: Iterable[Step], seconds: Mapping[str, float | None], budget: Budget | None) -> Cost:
    """What these steps cost, by how long each takes."""
    total = cpu = gpu = 0.0
    unknown = 0
    for step in steps:
        taken = seconds.get(step.id)
        unknown += taken is None
        total += taken or 0.0
        if on_gpu(step):
            gpu += (taken or 0.0) * max(1, step.resources.gpus)
        else:
            cpu += taken or 0.0
    money = None
    if budget is not None and budget.money is not None:
        money = (cpu * budget.money.cpu_hour + gpu * budget.money.gpu_hour) / HOUR
    return Cost(total, gpu / HOUR, money, unknown)


def on_gpu(step: Step) -> bool:
    """Whether the step computes on a GPU."""
    return str(step.params.get("device", "cpu")).partition(":")[0] not in ("cpu", "auto")


def exceeded(spent: Cost, budget: Budget) -> tuple[str, str] | None:
    """The first bound of a budget that a cost is over, and that in words; None where it is within."""
    if budget.wall_time is not None and spent.seconds > budget.wall_time:
        return "wall_time", f"{spent.seconds:.3g} s of {budget.wall_time:g} s"
    if budget.gpu_hours is not None and spent.gpu_hours > budget.gpu_hours:
        return "gpu_hours", f"{spent.gpu_hours:.3g} of {budget.gpu_hours:g} GPU hours"
    if budget.money is not None and spent.money is not None and spent.money > budget.money.at_most:
        return "money", f"{spent.money:.3g} of {budget.money.at_most:g} {budget.money.unit}".rstrip()
    return None


def critical_path(graph: Graph, seconds: Mapping[str, float | None]) -> tuple[float, tuple[str, ...]]:
    """The longest way through the graph, in seconds, and its steps: no number of workers is faster."""
    longest: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for step_id, step in graph.steps.items():
        last = max((read.step for read in step.inputs.values()), key=lambda name: longest[name], default=None)
        before[step_id] = last
        longest[step_id] = (seconds.get(step_id) or 0.0) + (longest[last] if last is not None else 0.0)
    at: str | None = max(longest, key=lambda name: longest[name], default=None)
    total = longest[at] if at is not None else 0.0
    path = []
    while at is not None:
        path.append(at)
        at = before[at]
    return total, tuple(reversed(path))
