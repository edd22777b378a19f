"""What a plan would spend of the stated budget, how long it takes at least, and where else results may come from."""

from collections.abc import Iterator

from mlspec.constraints.budget import Budget
from mlspec.diagnostics import printable
from mlspec.graph.budget import cost, counted, critical_path, exceeded
from mlspec.graph.plan import Plan
from mlspec.graph.show.text import duration, names, needs


def bounds(plan: Plan) -> Iterator[str]:
    """What a run is about to spend of its stated budget, as far as it is known; the longest way to its end; the shared
    store, which is not searched before a run; and the trainings that take several nodes."""
    constraints = plan.graph.project.constraints
    seconds = {step_id: planned.seconds for step_id, planned in plan.steps.items()}
    budget = constraints.one(Budget)
    if budget is not None:
        mine = counted(plan.graph)
        spent = cost([step for step in plan.graph.steps.values() if step.id in mine], seconds, budget)
        message = []
        if budget.wall_time is not None:
            message.append(f"{duration(spent.seconds)} of {duration(budget.wall_time)}")
        if budget.gpu_hours is not None:
            message.append(f"{spent.gpu_hours:.3g} of {budget.gpu_hours:g} GPU hours")
        if budget.money is not None and spent.money is not None:
            message.append(f"{spent.money:.3g} of {budget.money.at_most:g} {printable(budget.money.unit)}".rstrip())
        if message:
            over = exceeded(spent, budget)
            steps = f"{spent.unknown} step{'s' if spent.unknown > 1 else ''}"
            more = f" and {steps} of unknown length" if spent.unknown else ""
            yield f"Budget: {', '.join(message)}{more}" + ("; the run would be stopped" if over is not None else "")
    if constraints.deadline is not None:
        longest, path = critical_path(plan.graph, seconds)
        taken = f"{duration(longest)} of {duration(constraints.deadline)}, {names(path)}" if path else "time unknown"
        late = "; longer than the deadline, however many workers there are" if longest > constraints.deadline else ""
        yield f"Critical path: {taken}{late}"
    store = plan.graph.project.backend.store
    if store is not None and plan.pending():
        yield f"Shared store: {printable(store)}; what it has of these steps is fetched, not computed"
    spread = [step for step in plan.graph.steps.values() if step.resources.nodes > 1]
    if spread and plan.pending():
        yield f"Several nodes: {names([step.id for step in spread])}; each takes {needs(spread[0].resources)}"
