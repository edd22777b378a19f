"""A sampler, a pruner or a bound of `tuning` is impossible for this search.

Why: a pruner compares trials after some epochs, which not every model has, or on folds; a grid is finite only if every
setting has a choice of values; without validation rows trials have no score; and the cost of a trial depends on the
price of an hour.

Instead: remove `pruner`; write `choice` for each setting of a grid; give `data.split.validation` a share; add the price
in `constraints.budget.money`.
"""

from collections.abc import Iterator

from mlspec.constraints.budget import Budget
from mlspec.diagnostics import Diagnostic
from mlspec.plugins.model import Model
from mlspec.rules.context import View

CODE = "tuner-does-not-fit"


def check(view: View) -> Iterator[Diagnostic]:
    """Pruner against model, grid against space, search against split."""
    for candidate, tuning in view.project.tuning.items():
        use = view.project.model.candidates.get(candidate)
        if use is None or not isinstance(use.plugin, Model):
            continue
        if tuning.pruner == "wilcoxon":
            folds = view.project.model.cross_validation
            if folds is None or folds.nested:
                lacking = "there is none" if folds is None else "a nested one has no spare folds"
                message = f"wilcoxon compares trials on the folds of model.cross_validation, but {lacking}"
                label = "add model.cross_validation" if folds is None else "choose another pruner"
                yield view.diagnostic(CODE, ("tuning", candidate, "pruner"), message, label)
        elif tuning.pruner not in (None, "none") and not use.plugin.pausable:
            message = f"'{candidate}' ({use.name}) is not trained in epochs, so trials cannot be pruned"
            yield view.diagnostic(CODE, ("tuning", candidate, "pruner"), message, "remove it")
        if tuning.money is not None:
            yield from _priced(view, candidate, use.plugin)
        if tuning.sampler == "grid":
            space = tuning.space or {}
            open_ended = [name for name, dimension in space.items() if dimension.choice is None]
            if open_ended or tuning.space is None:
                message = "a grid needs a `choice` of values for each setting"
                label = ", ".join(open_ended) or "the model's own space has ranges"
                yield view.diagnostic(CODE, ("tuning", candidate, "sampler"), message, label)
        if view.project.data.split.validation == 0 and view.project.data.split.by != "given":
            message = f"'{candidate}' is tuned, but there are no validation rows to score trials on"
            yield view.diagnostic(CODE, ("tuning", candidate), message, "data.split.validation is 0", key=True)


def _priced(view: View, candidate: str, model: Model) -> Iterator[Diagnostic]:
    """A bound on money against the price of an hour."""
    budget = view.project.constraints.one(Budget)
    price = None if budget is None else budget.money
    device = view.project.backend.device
    which = "gpu_hour" if model.uses_device and device.partition(":")[0] not in ("cpu", "auto") else "cpu_hour"
    if price is None or not getattr(price, which):
        message = f"the cost of the trials of '{candidate}' is unknown without the price of an hour"
        yield view.diagnostic(CODE, ("tuning", candidate, "money"), message, f"add constraints.budget.money.{which}")
