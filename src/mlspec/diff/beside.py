"""What changed beside the specs: the data's columns and content, and users' own code."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from mlspec.diff import compare
from mlspec.diff.change import SEVERITY, Change
from mlspec.diff.meaning import Meaning
from mlspec.diff.surroundings import Surroundings
from mlspec.document import Path
from mlspec.rules._roles import roles
from mlspec.spec import Project


def changes(base: Meaning, head: Meaning, before: Surroundings, after: Surroundings) -> Iterator[Change]:
    """Columns that came, went or changed their type in the data; other content of sources and modules."""
    if before.facts is not None and after.facts is not None:
        yield from _columns(base, head, before, after)
    yield from _content(base, head, before, after)
    for code in sorted(before.code.keys() & after.code.keys()):
        if before.code[code] != after.code[code]:
            names = sorted(n for n in before.code[code] | after.code[code] if _differs(before, after, code, n))
            change = _change(base, head, "(data) file", code, ("model", "candidates"), None, ", ".join(names))
            yield replace(change, path=f"code of {code}")


def _differs(before: Surroundings, after: Surroundings, code: str, name: str) -> bool:
    return before.code[code].get(name) != after.code[code].get(name)


def _columns(base: Meaning, head: Meaning, before: Surroundings, after: Surroundings) -> Iterator[Change]:
    """Only what the data itself changed: what the spec says of columns has changes of its own."""
    raw = [_types(side) for side in (before, after)]
    read = [_read(one.project, side) for one, side in ((base, before), (head, after))]
    for name in dict.fromkeys((*raw[0], *raw[1])):
        if raw[0].get(name) == raw[1].get(name):
            continue
        was, now = (side.get(name) for side in read)
        if was != now:
            change = _change(base, head, "(data) column", name, ("data", "columns"), was, now)
            yield replace(change, path=f"column {name} of the data")


def _types(side: Surroundings) -> dict[str, str]:
    """The columns of the data; what is derived from them is the spec's."""
    assert side.facts is not None
    tables = (side.facts.sources or side.facts.schemas).values()
    return {column.name: column.type for schema in tables for column in schema}


def _read(project: Project, side: Surroundings) -> dict[str, str]:
    """The columns that a model or its target reads, with their types."""
    assert side.facts is not None
    first = next(iter(side.facts.schemas.values()), ())
    return {column.name: column.type for column in roles(project, first) if column.role in ("feature", "target")}


def moved(found: Iterable[Change], before: Surroundings, after: Surroundings) -> Iterator[Change]:
    """The changes; a source whose rows are only at another place changes no result."""
    for change in found:
        same = change.rule == "data.sources.*.<path>" and _is_same(str(change.old), str(change.new), before, after)
        yield replace(change, class_="prose", severity=SEVERITY["prose"]) if same else change


def _is_same(old: str, new: str, before: Surroundings, after: Surroundings) -> bool:
    one, other = before.tokens.get(old, "unknown"), after.tokens.get(new, "unknown")
    return one == other != "unknown"


def _content(base: Meaning, head: Meaning, before: Surroundings, after: Surroundings) -> Iterator[Change]:
    sources = [
        {name: getattr(use.plugin, "path", None) for name, use in side.project.data.sources.items()}
        for side in (base, head)
    ]
    for name, path in sources[1].items():
        if path is None or sources[0].get(name) != path:
            continue
        old, new = before.tokens.get(path, "unknown"), after.tokens.get(path, "unknown")
        if old != new:
            at: Path = ("data", "sources", name)
            change = _change(base, head, "(data) source", name, at, old[:12], new[:12])
            yield replace(change, path=f"content of {path}")


def _change(base: Meaning, head: Meaning, rule: str, name: str, at: Path, old: str | None, new: str | None) -> Change:
    kind = rule.removeprefix("(data) ")
    made = compare.make(base, head, "content", ("(data)", kind, name), rule, at, at, old, new)
    return replace(made, id=compare.identifier("content", f"{kind} {name}", old, new))
