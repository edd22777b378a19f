"""What steps cost: time, time on GPUs, money by the stated price; and the longest path through the graph."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from mlspec.constraints.budget import Budget
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step

HOUR = 3600.0
START = ""  # no step has this id


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
    """The longest path through the graph, in seconds, and its steps: no number of workers is faster.

    A step whose time is unknown counts nothing.
    """
    from mlspec.graph.nx import nx

    timed: nx.DiGraph[str] = nx.DiGraph()
    took = {step_id: seconds.get(step_id) or 0.0 for step_id in graph.steps}
    # An edge takes the time of the step that it leads to; the start leads to those that read nothing.
    timed.add_weighted_edges_from((START, step.id, took[step.id]) for step in graph.steps.values() if not step.inputs)
    # Of many parts, finding the edges that follow from others takes longer than looking at them.
    edges = (graph.reduced if graph.folded is graph else graph.digraph).edges
    timed.add_weighted_edges_from((source, step_id, took[step_id]) for source, step_id in edges)
    path = nx.dag_longest_path(timed, topo_order=[START, *graph.steps])[1:]
    return sum(took[step_id] for step_id in path), tuple(path)


def remaining(graph: Graph, seconds: Mapping[str, float]) -> dict[str, float]:
    """By step, the seconds of the longest path from its start to the end; an unknown time counts as one second."""
    left: dict[str, float] = {}
    for step_id in reversed(graph.steps):
        after = max((left[reader] for reader in graph.digraph.successors(step_id)), default=0.0)
        left[step_id] = after + seconds.get(step_id, 1.0)
    return left
