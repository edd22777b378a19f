"""What can be written at a place: names that exist, and values that are allowed."""

from collections.abc import Iterator
from typing import Any, Literal, cast

from msgspec import Struct

from mlspec import registry
from mlspec.document import Path
from mlspec.editor import shapes
from mlspec.editor.scan import Cursor
from mlspec.editor.state import Opened
from mlspec.plugins.base import Plugin
from mlspec.spec import Project
from mlspec.spec.shape import Field, Shape, fields

Kind = Literal["key", "value", "column", "plugin", "name", "unit"]
MOST = 500
GENERAL = ("baseline", "global")


class Choice(Struct, frozen=True):
    """Something that can be written, what it is in a few words, and in more. ``block``: a mapping or list follows."""

    text: str
    kind: Kind
    detail: str = ""
    about: str = ""
    follows: Literal["", "mapping", "list", "value"] = ""


def values(opened: Opened, path: Path, wanted: Shape, within: Cursor | None) -> Iterator[Choice]:
    """What the value at a path may be."""
    plain, last = shapes.overlaid(path), path[-1] if path else ""
    named = list(_named(opened, plain))
    if named:
        yield from named
        return
    if wanted.kind == "list" and wanted.extra.get("one"):
        yield from values(opened, (*path, 0), wanted.items[0], within)
    elif wanted.extra.get("column"):
        yield from columns(opened, path, within)
    elif wanted.kind == "step":
        yield from plugins(opened, wanted.extra["plugin_list"])
    elif wanted.kind == "enum":
        kind = _kind_of(opened, path, last, within)
        if kind is not None:
            yield from plugins(opened, kind)
        else:
            yield from (Choice(_shown(one), "value") for one in wanted.values)
    elif wanted.kind == "scalar":
        kinds = wanted.cls if isinstance(wanted.cls, tuple) else (wanted.cls,)
        if bool in kinds:
            yield from (Choice(one, "value") for one in ("true", "false"))
        if wanted.extra.get("engines"):
            yield from (Choice(one, "plugin", "engine") for one in registry.names(registry.ENGINES))
        kind = "unit" if wanted.extra.get("unit") else "value"
        examples = wanted.meta.examples or ()
        yield from (
            Choice(_shown(one), cast(Kind, kind), "example") for one in examples if not isinstance(one, dict | list)
        )
    elif wanted.kind in ("object", "map") and wanted.extra.get("presets"):
        yield from (Choice(one, "name", "built in") for one in sorted(wanted.extra["presets"]))
        own = wanted.extra.get("named")
        yield from (Choice(one, "name", "of this spec") for one in (opened.names((own,)) if own else ()))
    elif wanted.extra.get("short") is not None:
        yield from values(opened, path, wanted.extra["short"], within)


def keys(opened: Opened, path: Path, wanted: Shape, within: Cursor | None) -> Iterator[Choice]:
    """What can be a key of the mapping at a path."""
    plain = shapes.overlaid(path)
    start = len(path) - len(plain)
    if wanted.kind == "map":
        if wanted.items[0].extra.get("column"):
            yield from columns(opened, path, within)
        yield from _map_keys(opened, plain)
        return
    for name, field in _allowed(
        shapes.entries(wanted, path, lambda at: opened.value(at, within), start),
        is_overlay=start == 2 and len(path) == 2,
    ):
        about = field.shape.meta.description or ""
        if not about and field.shape.kind == "object":
            about = " ".join((field.shape.cls.__doc__ or "").split("\n\n")[0].split())
        detail = "required" if field.required else ""
        yield Choice(name, "key", detail, about, _follows(field.shape))


def _allowed(found: dict[str, Field], *, is_overlay: bool) -> Iterator[tuple[str, Field]]:
    yield from ((name, field) for name, field in found.items() if not is_overlay or name not in ("mlspec", "profiles"))


def columns(opened: Opened, path: Path, within: Cursor | None) -> Iterator[Choice]:
    """The columns that can be named at a path."""
    source = opened.value((*path[:3], "source"), within) if path[:2] in (("data", "join"), ("data", "expect")) else None
    if path[:2] == ("data", "expect") and "refers_to" in path:
        source = opened.value((*path[:-1], "source"), within)
    known = opened.known.sources.get(str(source), {}) if source is not None else {}
    if path[:2] == ("data", "join") and path[-2:-1] == ("as_of",) and path[-1] == "row":
        known = {}
    for index, (name, kind) in enumerate((known or opened.known.columns).items()):
        if index == MOST:
            return
        yield Choice(name, "column", kind, "the target" if name == opened.known.target else "")


def plugins(opened: Opened, kind: str) -> Iterator[Choice]:
    """The plug-ins of a kind; metrics, models and baselines only where they fit the task."""
    task = opened.known.task
    for name, cls in registry.usable(kind):
        tasks = getattr(cls, "tasks", None)
        if task is None or not tasks or task in tasks:
            yield Choice(name, "plugin", kind[:-1], first_paragraph(cls))


def first_paragraph(cls: type[Any]) -> str:
    """What a docstring says first, on one line."""
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


def _named(opened: Opened, path: Path) -> Iterator[Choice]:
    """Names of other places of the spec, where a place takes these."""
    last = path[-1] if path else ""
    if last == "metric" and not (path[0] == "constraints" and path[1:2] == ("fairness",)):
        first = opened.known.metrics
        yield from (Choice(name, "plugin", "computed") for name in first)
        yield from (choice for choice in plugins(opened, "metrics") if choice.text not in first)
    elif last == "beats":
        yield Choice("baseline", "name", "all baselines")
        yield from plugins(opened, "baselines")
    elif last == "source" and path[0] == "data":
        yield from (Choice(name, "name", "source") for name in opened.names(("data", "sources")))
    elif path[-1:] == ("requirement",):
        yield from (Choice(name, "name", "requirement") for name in opened.known.requirements)
    elif path == ("data", "columns", "positive"):
        yield from (Choice(_quoted(one), "value", "value of the target") for one in opened.known.levels)


def _map_keys(opened: Opened, path: Path) -> Iterator[Choice]:
    if path == ("tuning",):
        yield from (Choice(one, "name", "candidate", "", "mapping") for one in opened.names(("model", "candidates")))
    elif path[:1] == ("tuning",) and path[2:] == ("space",):
        kind = opened.value(("model", "candidates", path[1], "type"))
        if isinstance(kind, str) and registry.has("models", kind):
            try:
                cls: type[Plugin] = registry.plugin("models", kind)
            except registry.PluginError:
                return
            for name, field in fields(cls).items():
                yield Choice(name, "key", f"setting of {kind}", field.shape.meta.description or "", "mapping")
    elif path == ("constraints", "reviewers"):
        yield from (Choice(one, "name", "section", "", "list") for one in fields(Project))
    elif path in (("model", "checks"), ("model", "accept")):
        from mlspec.spec.model import CHECKS

        yield from (Choice(one, "name", "check", "", "value") for one in CHECKS)


def _kind_of(opened: Opened, path: Path, last: str | int, within: Cursor | None) -> str | None:
    """The kind of plug-ins that a key chooses from."""
    outer = shapes.at(path[:-1], lambda at: opened.value(at, within))
    if outer is None or outer.kind != "plugin" or outer.extra["key"] != last:
        return None
    return str(outer.extra["plugin"])


def _follows(wanted: Shape) -> Literal["mapping", "list", "value"]:
    if wanted.kind in ("object", "map", "plugin") and not wanted.extra.get("presets"):
        return "mapping"
    return "list" if wanted.kind in ("list", "tuple") and not wanted.extra.get("one") else "value"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    from mlspec.edits import written

    return written(text)
