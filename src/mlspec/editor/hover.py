"""What is said of the key or value under the pointer."""

from collections.abc import Iterator

import msgspec

from mlspec import registry
from mlspec.diagnostics import Span, printable
from mlspec.document import Path
from mlspec.editor import choices, lenses, names, places, shapes
from mlspec.editor.state import Opened
from mlspec.plugins.base import Plugin
from mlspec.spec.load import NAMES
from mlspec.spec.shape import Field


def hover(opened: Opened, line: int, column: int) -> tuple[str, Span] | None:
    """Markdown about a place, which counts from 0, and what it is about; None where nothing is known."""
    if opened.document is None:
        return None
    here = places.at(opened.document, line, column)
    if here is None:
        return None
    parts = [part for part in _parts(opened, here) if part]
    return ("\n\n".join(parts), here.span) if parts else None


def _parts(opened: Opened, here: places.Place) -> Iterator[str]:
    name = names.named(opened, line=here.span.line - 1, column=here.span.column - 1)
    if name is not None and name.kind == "column":
        yield column(opened, name.name)
    gate = lenses.gate(opened, here.path) or lenses.gate(opened, here.path[:-1])
    if gate:
        yield gate
    field = shapes.field(here.path, opened.value)
    if field is None:
        return
    node = None if opened.document is None else opened.document.node(here.path)
    plugin = _plugin(opened, here.path, field, None if node is None else node.value)
    if plugin is not None and not here.is_key:
        yield plugin
    yield about(field)


def about(field: Field) -> str:
    """A key: what it is for, what it takes, its default and bounds."""
    wanted, meta = field.shape, field.shape.meta
    text = meta.description or (choices.first_paragraph(wanted.cls) if wanted.kind == "object" else "")
    facts = []
    if wanted.kind == "enum" and wanted.values:
        facts.append("one of " + ", ".join(f"`{_plain(one)}`" for one in wanted.values[:40]))
    elif wanted.kind == "scalar":
        kinds = wanted.cls if isinstance(wanted.cls, tuple) else (wanted.cls,)
        unit = wanted.extra.get("unit")
        facts.append(
            {"duration": "a duration", "bytes": "a size"}[unit] if unit else " or ".join(map(NAMES.__getitem__, kinds))
        )
    bounds = ((meta.ge, "at least"), (meta.gt, "greater than"), (meta.le, "at most"), (meta.lt, "less than"))
    facts += [f"{words} {bound:g}" for bound, words in bounds if bound is not None]
    default = shapes.default_of(field)
    facts += [f"default `{default}`"] if default is not None else ["required"] if field.required and field.name else []
    facts += ["for example " + ", ".join(f"`{_plain(one)}`" for one in meta.examples[:3])] if meta.examples else []
    return "\n\n".join(part for part in (text, "; ".join(facts)) if part)


def column(opened: Opened, name: str) -> str:
    """A column: its type, its share of missing values in the last run, and its role."""
    facts = [f"`{printable(name)}`: {opened.known.columns.get(name, 'unknown')}"]
    if name == opened.known.target:
        facts.append("the target")
    for source, kept in {} if opened.lock is None else opened.lock.sources.items():
        if kept.summary is not None and name in kept.columns:
            share = kept.summary.missing.get(name)
            where = f" in {printable(source)}" if opened.lock is not None and len(opened.lock.sources) > 1 else ""
            facts.append(
                f"{share:.1%} missing{where} in the last run" if share else f"under 1% missing{where} in the last run"
            )
    return ", ".join(facts)


def _plugin(opened: Opened, path: Path, field: Field, value: object) -> str | None:
    """What the plug-in that is named here does."""
    kind = field.shape.extra.get("plugin_list")
    if kind is None and path:
        outer = shapes.at(path[:-1], opened.value)
        if outer is not None and outer.kind == "plugin" and outer.extra["key"] == path[-1]:
            kind = outer.extra["plugin"]
        elif path[-1] == "metric":
            kind = "metrics"
    if kind is None or not isinstance(value, str) or not registry.has(kind, value):
        return None
    try:
        cls: type[Plugin] = registry.plugin(kind, value)
    except registry.PluginError:
        return None
    return f"**{value}**: {choices.first_paragraph(cls)}"


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
