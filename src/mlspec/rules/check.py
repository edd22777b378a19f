"""Runs the rules: what is known of the data first, then every rule that can be asked with that."""

import functools
import importlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

from mlspec.diagnostics import Diagnostic
from mlspec.document import Document
from mlspec.plugin import Column, Schema, Source
from mlspec.rules.context import Facts, View
from mlspec.spec import Project

HELPERS = frozenset({"__init__", "check", "context"})
Rule = Callable[[View], Iterable[Diagnostic]]


@functools.cache
def rules() -> dict[str, Rule]:
    """Every rule by its code, found by listing this folder."""
    folder = os.path.dirname(__file__)
    names = sorted(n[:-3] for n in os.listdir(folder) if n.endswith(".py") and n[:-3] not in HELPERS)
    return {name.replace("_", "-"): importlib.import_module(f"mlspec.rules.{name}").check for name in names}


def facts(project: Project, document: Document, root: Path) -> tuple[Facts, list[Diagnostic]]:
    """What the headers and first rows of the sources tell, and what is wrong with them."""
    found: list[Diagnostic] = []
    schemas: dict[str, Schema] = {}
    levels: set[str] | None = set()
    seen, everything = 0, True
    for name, use in project.data.sources.items():
        source = cast(Source, use.plugin)
        path = ("data", "sources", name, "path")
        try:
            schemas[name] = source.columns(root)
            values = source.values(root, project.data.columns.target)
        except OSError as error:
            found.append(_missing(document, path, root, source.path, error))
            continue
        except ValueError as error:
            message = f"source '{name}' can't be read as {use.name}: {error}"
            found.append(Diagnostic(code="source-unreadable", message=message, span=document.span(path)))
            continue
        if values is None:
            levels = None
        elif levels is not None:
            levels.update(values[0])
            seen += len(values[0])
            everything = everything and values[1]
    if len(schemas) == len(project.data.sources):
        found += _differing(document, schemas)
    return (
        Facts(
            root=root,
            schemas=schemas,
            target_levels=tuple(sorted(levels)) if levels else None,
            rows_seen=seen,
            all_rows_seen=everything and bool(levels) and len(schemas) == len(project.data.sources),
        ),
        found,
    )


def check(project: Project, document: Document, facts: Facts, *, running: bool = False) -> list[Diagnostic]:
    """What every rule finds in a resolved project, sorted by place."""
    if not facts.schemas:
        return []
    view = View(project=project, document=document, facts=facts, running=running)
    found = [diagnostic for rule in rules().values() for diagnostic in rule(view)]
    return sorted(found, key=lambda d: (d.span is None, d.span, d.code))


def roles(project: Project, schema: Schema) -> Schema:
    """The columns with stated types, each with what it is for."""
    said = project.data.columns
    hidden = set(said.sensitive) - set(said.use_sensitive)
    keys = {project.data.split.column} if project.data.split.by in ("group", "time", "given") else set()
    personal = project.model.personal
    if personal is not None and (personal.level == "user" or personal.strategy != "finetune"):
        keys.add(personal.key)  # the one model is what groups are held against: it does not know them
    result = []
    for column in schema:
        name, kind = column.name, said.types.get(column.name, column.type)
        if name == said.target:
            result.append(Column(name, kind, "target"))
        elif name == said.id:
            result.append(Column(name, kind, "id"))
        elif name == said.weight:
            result.append(Column(name, kind, "weight"))
        elif said.features is not None and name in said.features:
            result.append(Column(name, kind))
        elif name in hidden:
            result.append(Column(name, kind, "sensitive"))
        elif name in keys:
            result.append(Column(name, kind, "key"))
        elif name in said.drop or said.features is not None:
            result.append(Column(name, kind, "unused"))
        else:
            result.append(Column(name, kind))
    return tuple(result)


def _missing(document: Document, path: tuple[str, ...], root: Path, wanted: str, error: OSError) -> Diagnostic:
    from mlspec.spec import suggest

    folder = (root / wanted).parent
    near = suggest.nearest(Path(wanted).name, os.listdir(folder)) if folder.is_dir() else None
    label = f"did you mean '{(Path(wanted).parent / near).as_posix()}'?" if near else ""
    return Diagnostic(
        code="source-not-found",
        message=f"'{wanted}' can't be read: {error.strerror or error}",
        span=document.span(path),
        label=label,
        notes=("paths start at the spec's folder",),
    )


def _differing(document: Document, schemas: dict[str, Schema]) -> list[Diagnostic]:
    names = list(schemas)
    first = {c.name for c in schemas[names[0]]}
    found = []
    for name in names[1:]:
        own = {c.name for c in schemas[name]}
        if own != first:
            what = [f"lacks {', '.join(sorted(first - own))}"] if first - own else []
            what += [f"has {', '.join(sorted(own - first))} besides"] if own - first else []
            message = f"source '{name}' has other columns than '{names[0]}'"
            span = document.span(("data", "sources", name), key=True)
            found.append(Diagnostic(code="sources-differ", message=message, span=span, label="; ".join(what)))
    return found
