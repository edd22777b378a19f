"""A source cannot be read by parts.

Why: each file is read, split and prepared by itself. What is fetched or is a folder of images comes as one; a joined
source is looked up as a whole; personal columns are treated over all rows; stages of DVC are written into a file for
people.

Instead: leave `parts` out, or put it at the source whose rows are used.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugins.source import Source
from mlspec.rules._roles import treatments
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each source with ``parts``."""
    data = view.project.data
    for name, use in data.sources.items():
        source = use.plugin
        if not isinstance(source, Source) or getattr(source, "parts", None) is None:
            continue
        why = _why(view, name, source)
        if why:
            message = f"source '{name}' cannot be read by parts: {why}"
            yield view.diagnostic(
                "parts-do-not-fit", ("data", "sources", name, "parts"), message, "delete it", key=True
            )


def _why(view: View, name: str, source: Source) -> str:
    project = view.project
    treated = treatments(project).keys() & {column.name for column in view.facts.raw.get(name, ())}
    if source.is_fetched:
        return "it is fetched as one"
    if not source.by_files:
        return f"each row of it is a file of '{source.where()}'"
    if any(join.source == name for join in project.data.join):
        return "it is joined to other rows"
    if treated:
        return f"its personal column '{min(treated)}' is treated over all rows"
    if project.backend.engine == "dvc":
        return "the engine 'dvc' would have a stage for each part"
    return ""
