"""A sampler or a pruner of `tuning` can't work on this search.

Why: a pruner compares trials after some epochs, which a model that isn't trained in epochs can't do; a grid has an end
only where every setting has a choice of values; without validation rows no trial has a score.

Instead: leave `pruner` out; write `choice` for each setting of a grid; give `data.split.validation` a share.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugin import Model
from mlspec.rules.context import View

CODE = "tuner-does-not-fit"


def check(view: View) -> Iterator[Diagnostic]:
    """Pruner against model, grid against space, search against split."""
    for candidate, tuning in view.project.tuning.items():
        use = view.project.model.candidates.get(candidate)
        if use is None or not isinstance(use.plugin, Model):
            continue
        if tuning.pruner not in (None, "none") and not use.plugin.pausable:
            message = f"'{candidate}' ({use.name}) is not trained in epochs, nothing can be pruned"
            yield view.diagnostic(CODE, ("tuning", candidate, "pruner"), message, "leave it out")
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
