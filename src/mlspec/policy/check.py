"""Whether a spec fulfils the policies in force for it."""

import os
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from mlspec.diagnostics import Diagnostic
from mlspec.document import Document, Path
from mlspec.plugins.base import PluginRef
from mlspec.policy import glob
from mlspec.policy.gates import lacks, waivers
from mlspec.policy.reading import ReadPolicy
from mlspec.spec import Project, units
from mlspec.spec.load import show
from mlspec.spec.shape import members

CODE = "policy-violation"


class Checked(Struct, frozen=True):
    """A spec as a policy sees it: resolved, with the path of its file from the policy's folder."""

    project: Project
    document: Document
    path: str

    @property
    def folder(self) -> str:
        """Where its paths begin."""
        return os.path.dirname(self.path)


def violations(found: ReadPolicy, folder: str, project: Project, document: Document, spec: str) -> list[Diagnostic]:
    """What a policy, in a folder, finds wrong with a resolved spec, in the policy's order; ``spec`` is its file."""
    home = os.path.realpath(os.path.dirname(spec) or os.curdir)
    path = os.path.relpath(os.path.join(home, os.path.basename(spec)), folder).replace(os.sep, "/")
    checked = Checked(project, document, path)
    return [*_gates(found, checked), *_keys(found, checked), *_sources(found, checked), *_backends(found, checked)]


def applies(when: Any, checked: Checked) -> bool:
    """Whether an entry is about a spec."""
    if when is None:
        return True
    if when.tasks is not None and checked.project.project.task not in when.tasks:
        return False
    return when.paths is None or glob.matches(when.paths, checked.path)


def _diagnostic(found: ReadPolicy, at: Path, reason: str, message: str, **more: Any) -> Diagnostic:
    return Diagnostic(code=CODE, message=message, notes=(f"{found.line(at)}: {reason}",), **more)


def _gates(found: ReadPolicy, checked: Checked) -> Iterator[Diagnostic]:
    waived = waivers(checked.project) if found.policy.gates else {}
    for index, rule in enumerate(found.policy.gates):
        if applies(rule.when, checked):
            at: Path = ("gates", index, "require")
            for lack in lacks(rule.require, found.document, at, checked.project, waived):
                span = checked.document.span(lack.at, key=lack.is_missing)
                yield _diagnostic(found, lack.rule, rule.reason, lack.message, span=span, label=lack.label)


def _keys(found: ReadPolicy, checked: Checked) -> Iterator[Diagnostic]:
    for index, rule in enumerate(found.policy.keys):
        if not applies(rule.when, checked):
            continue
        path: Path = tuple(rule.key.split("."))
        value, message = effective(checked.project, path), ""
        if rule.at_least is None and rule.at_most is None and rule.allowed is None:
            node = checked.document.node(path)
            stated = None if node is None else node.plain()
            if stated in (None, "", [], {}):
                message, label = (
                    f"the policy requires '{rule.key}'",
                    "it is not stated" if node is None else "it is empty",
                )
        else:
            message, label = _wrong_value(rule, value)
        if message:
            span = checked.document.span(path)
            yield _diagnostic(found, ("keys", index), rule.reason, message, span=span, label=label)


def _wrong_value(rule: Any, value: Any) -> tuple[str, str]:
    """What is wrong with a value, and what it is; nothing where it is allowed."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    label = "there is no value" if value is None else f"it is {_spelled(value)}"
    for bound, words in ((rule.at_least, "at least"), (rule.at_most, "at most")):
        if bound is not None and not (is_number and (value >= bound if words == "at least" else value <= bound)):
            return f"the policy requires '{rule.key}' to be {words} {bound:g}", label
    if rule.allowed is not None:
        entries = value if isinstance(value, tuple | list) else [value]
        if not all(any(one == other and type(one) is type(other) for other in rule.allowed) for one in entries):
            listed = ", ".join(_spelled(one) for one in rule.allowed)
            return f"the policy allows for '{rule.key}' only {listed}", label
    return "", ""


def _spelled(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_spelled, value))}]"
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else show(value)


def effective(value: Any, path: Path) -> Any:
    """The value at a path of a spec's keys, defaults included; None where there is none."""
    for part in path:
        if isinstance(value, PluginRef):
            value = value.name if part in ("type", "format") else value.plugin
            if isinstance(value, str):
                continue
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, Struct):
            value = next((item for name, _field, item in members(value) if name == part), None)
        else:
            return None
    return value.name if isinstance(value, PluginRef) else value


def _sources(found: ReadPolicy, checked: Checked) -> Iterator[Diagnostic]:
    rules = [(i, rule) for i, rule in enumerate(found.policy.sources) if applies(rule.when, checked)]
    if not rules:
        return
    for name, use in checked.project.data.sources.items():
        plugin: Any = use.plugin
        own = {plugin.key: (use.name, str(getattr(plugin, plugin.key, "")))}
        if plugin.fallback is not None:
            own["fallback"] = (units.source_of(plugin.fallback) or use.name, plugin.fallback)
        for key, (kind, address) in own.items():
            place = _address(address, key, checked.folder)
            if any(_allows(rule, kind, place) for _, rule in rules):
                continue
            at: Path = ("data", "sources", name, key)
            notes = tuple(f"{found.line(('sources', i))}: {_listed(rule)}: {rule.reason}" for i, rule in rules[:5])
            message = f"the policy does not allow the source '{name}'"
            label = f"{kind}, {place if key in ('path', 'fallback') else key}"
            yield Diagnostic(code=CODE, message=message, span=checked.document.span(at), label=label, notes=notes)


def _address(text: str, key: str, folder: str) -> str:
    """Where a source is, from the policy's folder; an embedded database is a file too."""
    kind, colon, file = text.partition(":")
    if key == "connection" and kind in ("sqlite", "duckdb") and colon:
        return f"{kind}:{glob.normal(file.removeprefix('//'), folder)}"
    return glob.normal(text, folder) if key in ("path", "fallback") else text


def _allows(rule: Any, kind: str, place: str) -> bool:
    return (rule.types is None or kind in rule.types) and (rule.paths is None or glob.matches(rule.paths, place))


def _listed(rule: Any) -> str:
    """What an entry allows, in words."""
    parts = [", ".join(rule.types)] if rule.types else []
    return " from ".join([*parts, ", ".join(rule.paths)]) if rule.paths else parts[0]


def _backends(found: ReadPolicy, checked: Checked) -> Iterator[Diagnostic]:
    engine = checked.project.backend.engine
    for index, rule in enumerate(found.policy.backends):
        if rule.engine == engine and applies(rule.when, checked):
            message, span = f"the policy forbids the engine '{engine}'", checked.document.span(("backend", "engine"))
            yield _diagnostic(found, ("backends", index), rule.reason, message, span=span)
