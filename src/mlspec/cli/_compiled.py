"""What ``mlspec compile`` prints of a compiled spec."""

from mlspec.api import Compiled
from mlspec.api.checking import step_named


def text(found: Compiled, what: str, color: bool) -> str:
    """The graph and its plan in one form: a format's name, ``resolved``, ``trace``, or ``explain STEP``."""
    plan, graph = found.plan.folded, found.plan.graph.folded
    match what:
        case "tree":
            from mlspec.graph.show.tree import tree

            return tree(found.plan, color=color)
        case "json":
            from mlspec.graph.show import as_json

            return as_json.encode(as_json.as_json(found.plan.graph, found.plan))
        case "mermaid":
            from mlspec.graph.show.mermaid import mermaid

            return mermaid(graph, plan)
        case "dot":
            from mlspec.graph.show.dot import dot

            return dot(graph, plan)
        case "svg":
            from mlspec.graph.show.svg import svg

            return svg(graph, plan)
        case "html":
            from mlspec.graph.show.html import html

            return html(graph, plan)
        case "codeowners":
            from mlspec.graph.show.codeowners import codeowners

            return codeowners(graph)
        case "resolved":
            from mlspec.spec.dump import resolved

            return resolved(found.checked.project)
        case "trace":
            return _trace(found)
        case _:
            from mlspec.graph.show.explain import explain

            step = step_named(found.plan.graph, what.partition(" ")[2])
            whole = found.plan if step.part_of else plan
            return explain(whole.graph, step.id, whole)


def _trace(found: Compiled) -> str:
    from mlspec.diagnostics import printable

    lines = []
    for change in found.changes:
        lines.append(printable(change.name))
        for sign, ids in (("+", change.added), ("-", change.removed), ("~", change.changed)):
            lines.extend(f"  {sign} {printable(step)}" for step in ids)
        if not (change.added or change.removed or change.changed):
            lines.append("  no changes")
    return "\n".join(lines)
