"""Models for groups are impossible as stated.

Why: a group's model needs a key column that it may use, rows for the comparison with the shared model, and, for
fine-tuning, a library that supports it.

Instead: the label names the solution: another column, another strategy, another candidate.
"""

from collections.abc import Iterator

from mlspec import registry
from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.model import Model
from mlspec.rules.context import View
from mlspec.spec.personalization import Personalization

CODE = "personalization-does-not-fit"
KEYS = ("category", "integer", "boolean")


def check(view: View) -> Iterator[Diagnostic]:
    """The key against the columns, the strategy against the candidates, both against how rows are split."""
    wanted = view.project.model.personalization
    if wanted is None or wanted.level == "global":
        return
    at: Path = ("model", "personalization")
    if wanted.key is None:
        message = f"no column states the {wanted.level} of a row"
        yield view.diagnostic(CODE, at, message, "add 'key'", key=True)
        return
    yield from _key(view, wanted.key)
    yield from _candidates(view, wanted)
    if view.project.model.ensemble != "none":
        message = "personalization does not apply to a blend"
        yield view.diagnostic(CODE, ("model", "ensemble"), message, "delete it, or model.personalization")
    split = view.project.data.split
    if split.by in ("group", "hash") and split.column == wanted.key:
        message = f"the split keeps each '{wanted.key}' in one part, so no group has both training and validation rows"
        yield view.diagnostic(CODE, ("data", "split", "column"), message, "split by another column")
    elif split.validation == 0 and split.by != "given":
        message = "groups are evaluated on validation rows, but there are none"
        yield view.diagnostic(CODE, at, message, "give data.split.validation a share", key=True)


def _key(view: View, key: str) -> Iterator[Diagnostic]:
    said = view.project.data.columns
    at: Path = ("model", "personalization", "key")
    column = next((column for column in view.columns() if column.name == key), None)
    if column is None:
        return  # reported by unknown-column
    kind = said.types.get(key, column.type)
    if key == said.target:
        yield view.diagnostic(CODE, at, f"'{key}' is the target, which is unknown at prediction time")
    elif key in said.sensitive and key not in said.use_sensitive:
        message = f"'{key}' is sensitive, but would decide which model predicts a row"
        yield view.diagnostic(CODE, at, message, "list it in data.columns.use_sensitive to allow that")
    elif key in said.drop or key == said.weight:
        yield view.diagnostic(CODE, at, f"'{key}' is hidden from the model", "remove it under data.columns")
    elif kind not in KEYS:
        yield view.diagnostic(CODE, at, f"'{key}' is a {kind}, but a key must be one of {', '.join(KEYS)}")


def _candidates(view: View, wanted: Personalization) -> Iterator[Diagnostic]:
    if wanted.strategy == "shared":
        return
    able = _continues if wanted.strategy == "finetune" else _embeds
    said = (
        "cannot continue training from a fitted model"
        if wanted.strategy == "finetune"
        else "learns no embedding of groups"
    )
    for name, use in view.project.model.candidates.items():
        if isinstance(use.plugin, Model) and not able(type(use.plugin)):
            fitting = [one for one, cls in registry.usable("models") if able(cls)]
            message = f"candidate '{name}' ({use.name}) {said}, which strategy '{wanted.strategy}' needs"
            label = f"'shared' works with any model, '{wanted.strategy}' with {', '.join(fitting)}"
            yield view.diagnostic(CODE, ("model", "candidates", name), message, label, key=True)


def _continues(cls: type) -> bool:
    return issubclass(cls, Model) and cls.continues


def _embeds(cls: type) -> bool:
    return issubclass(cls, Model) and cls.takes_codes and cls.uses_device and cls.continues
