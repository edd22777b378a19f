"""A bag of the models of folds is impossible as stated.

Why: a bag consists of the models of folds, each trained on all other rows, so there must be folds; those by time leave
the latest rows out of most models. Models for groups, mitigation, the spread over seeds and the learning curve need one
model that was trained on the training rows of the split.

Instead: add `model.cross_validation`, delete the other key, or write `final: refit`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic, Hint
from mlspec.document import Path
from mlspec.rules.context import View

CODE = "final-does-not-fit"


def check(view: View) -> Iterator[Diagnostic]:
    """The bag against the folds, and against what needs a model of the training rows."""
    model = view.project.model
    if model.final != "bag":
        return
    at: Path = ("model", "final")
    if model.cross_validation is None:
        message = "a bag is the mean of the models of folds, but there are no folds"
        yield view.diagnostic(
            CODE, at, message, Hint("add model.cross_validation: {folds: 8}, or write refit", ("refit",), sure=False)
        )
    elif (model.cross_validation.by or view.project.data.split.by) == "time":
        message = "folds by time leave the latest rows out of most models of the bag"
        yield view.diagnostic(
            CODE, at, message, Hint("write refit: the model is fitted again on all of these rows", ("refit",))
        )
    hint = Hint("delete it, or write model.final: refit", ("refit",), at=at, sure=False)
    for path, what in _against(view):
        message = f"{what} a model of the training rows, which a bag does not have"
        yield view.diagnostic(CODE, path, message, hint, key=True)


def _against(view: View) -> Iterator[tuple[Path, str]]:
    """The keys that do not go with it."""
    model = view.project.model
    if model.personal is not None:
        yield ("model", "personalization"), "the models of groups start from"
    if model.mitigation is not None:
        yield ("model", "mitigation"), "mitigation is compared with"
    if model.repeats > 1:
        yield ("model", "repeats"), "the spread over seeds is that of"
    if view.project.evaluation.scaling is not None:
        yield ("evaluation", "scaling"), "the learning curve ends with"
