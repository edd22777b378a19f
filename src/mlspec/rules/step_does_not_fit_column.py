"""A preparation step does not accept its column, or the model does not accept the result.

Why: the mean of text does not exist, and a linear model cannot compute with text.

Instead: move the step to the list of the matching type, or add `encode`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.base import Column, PluginRef, Schema
from mlspec.plugins.model import Model
from mlspec.plugins.transform import Transform
from mlspec.rules._prepared import GROUPS
from mlspec.rules.context import View

CODE = "step-does-not-fit-column"


def check(view: View) -> Iterator[Diagnostic]:
    """Every stated list of steps, walked with the columns it is for."""
    from mlspec.rules._roles import roles

    stated = view.project.preprocessing
    features = [c for c in roles(view.project, view.columns()) if c.role == "feature"]
    for group in ("numeric", "category", "date", "image"):
        uses = getattr(stated, group)
        mine = [c for c in features if GROUPS.get(c.type) == group and c.name not in stated.columns]
        if uses is None:
            continue
        if not mine:
            mine = [Column("", "number" if group == "numeric" else group)]  # type: ignore[arg-type]
        yield from _walk(view, mine, uses, ("preprocessing", group))
    for column in features:
        if column.name in stated.columns:
            yield from _walk(view, [column], stated.columns[column.name], ("preprocessing", "columns", column.name))


def _walk(view: View, columns: list[Column], uses: tuple[PluginRef, ...], path: Path) -> Iterator[Diagnostic]:
    now: Schema = tuple(columns)
    for index, use in enumerate(uses):
        step = use.plugin
        assert isinstance(step, Transform)
        fits = [c for c in now if c.type in step.accepts]
        if not fits:
            kinds = " or ".join(sorted({c.type for c in now}))
            message = f"'{use.name}' accepts {', '.join(sorted(step.accepts))}, but these columns are of type {kinds}"
            yield view.diagnostic(CODE, (*path, index), message, "move it to columns of a matching type")
            return
        wrong = next((said for c in fits if (said := step.mistake(c))), "")
        if wrong:
            yield view.diagnostic(CODE, (*path, index), f"'{use.name}' cannot be used here", wrong)
            return
        now = tuple(after for c in now for after in (step.output(c) if c in fits else (c,)))
    for candidate, use in view.project.model.candidates.items():
        model = use.plugin
        assert isinstance(model, Model)
        raw = next((c for c in now if c.type in ("category", "date", "datetime", "image")), None)
        coded = next((c for c in now if c.type == "code"), None)
        if raw is not None:
            way = {"category": "add 'encode'", "image": "add 'image'"}.get(raw.type, "add 'date_parts'")
            article = "an" if raw.type == "image" else "a"
            message = f"{_named(raw)} is still {article} {raw.type} after preparation, which no model accepts"
            yield view.diagnostic(CODE, path, message, way, key=True)
            return
        if coded is not None and not model.takes_codes:
            message = (
                f"candidate '{candidate}' ({use.name}) does not accept ordinal codes, but {_named(coded)} is "
                "encoded as ordinal"
            )
            yield view.diagnostic(CODE, path, message, "use encode: one_hot", key=True)


def _named(column: Column) -> str:
    return f"'{column.name}'" if column.name else "a column"
