"""Compares sources with what mlspec.lock has pinned, and reports changes before they are used."""

from collections.abc import Iterator, Mapping

from mlspec.diagnostics import Diagnostic
from mlspec.graph.graph import Graph
from mlspec.graph.passes.files import UNREADABLE
from mlspec.graph.step import Step
from mlspec.plugins.source import Source
from mlspec.spec import pinned

MOST_NAMED = 5


def changed(graph: Graph) -> list[Diagnostic]:
    """A diagnostic for each source with ``on_change`` that differs from the lock: an error for fail, else a warning."""
    locked = pinned.locked_sources(graph.facts.root)
    found = []
    for name, use in graph.project.data.sources.items():
        source, step, before = use.plugin, graph.find(f"source.{name}"), locked.get(name)
        assert isinstance(source, Source)
        if step is None or before is None or source.on_change == "accept":
            continue
        now = step.files
        if not now or UNREADABLE in now.values() or _same(source, now, before.files):
            continue
        span = None
        if graph.document is not None:
            span = graph.document.span(("data", "sources", name), key=True)
        found.append(
            Diagnostic(
                code="data-changed",
                message=f"source '{name}' differs from what mlspec.lock has pinned",
                span=span,
                label=_what(now, before.files),
                notes=(
                    *_columns(before.columns, _now(graph, name, step)),
                    "mlspec run --accept-data accepts and pins the current data",
                ),
                severity="error" if source.on_change == "fail" else "warning",
            )
        )
    return found


def _same(source: Source, now: Mapping[str, str], before: Mapping[str, str]) -> bool:
    return set(now.values()) == set(before.values()) if source.is_fetched else dict(now) == dict(before)


def _what(now: Mapping[str, str], before: Mapping[str, str]) -> str:
    if len(now) == len(before) == 1:
        return "its content is different"
    new, gone = sorted(now.keys() - before.keys()), sorted(before.keys() - now.keys())
    other = [name for name in now if name in before and now[name] != before[name]]
    text = [(new, "new"), (gone, "gone"), (other, "changed")]
    return ", ".join(f"{len(names)} {word} ({_few(names)})" for names, word in text if names)


def _few(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")


def _now(graph: Graph, name: str, step: Step) -> dict[str, str]:
    if name in graph.facts.snapshots:
        return {column.name: column.type for column in graph.facts.of_source(name)}
    return dict(step.params["columns"])


def _columns(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """What became of the columns, in words."""
    gone, new = [n for n in before if n not in now], [n for n in now if n not in before]
    if gone:
        yield f"removed columns: {_few(gone)}"
    if new:
        yield f"new columns: {_few(new)}"
    retyped = [f"{n} (from {before[n]} to {now[n]})" for n in now if n in before and before[n] != now[n]]
    if retyped:
        yield f"columns with a different type: {_few(retyped)}"
