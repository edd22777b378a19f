"""A candidate is for images, but no feature is an image.

Why: its convolutions need an image as input.

Instead: use a model for tables, or a source with images (`format: images`).
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugins.model import Model
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each candidate that says what type of column it needs."""
    from mlspec.rules._roles import roles

    needy = {
        name: use
        for name, use in view.project.model.candidates.items()
        if isinstance(use.plugin, Model) and use.plugin.needs
    }
    if not needy or not view.facts.sources:
        return
    types = {column.type for column in roles(view.project, view.columns()) if column.role == "feature"}
    for name, use in needy.items():
        assert isinstance(use.plugin, Model)
        if use.plugin.needs not in types:
            path = ("model", "candidates", name, "type")
            message = f"candidate '{name}' ({use.name}) needs a feature of type {use.plugin.needs}, but there is none"
            yield view.diagnostic("model-needs-images", path, message, "use a model for tables")
