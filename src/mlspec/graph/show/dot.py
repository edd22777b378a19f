"""The graph in the language of Graphviz."""

from mlspec.diagnostics import printable
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan
from mlspec.graph.show.text import few

FILLS = {"cached": "#e6f4ea", "runs": "#fdf0d5", "may run": "#e3f0fa"}


def dot(graph: Graph, plan: Plan | None = None) -> str:
    """A digraph from left to right; with a plan, each step in the colour of what would become of it."""
    lines = [
        f"digraph {_quoted(graph.project.project.name)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fillcolor="#f4f4f4", fontname="sans-serif"];',
    ]
    for step_id in graph.steps:
        attributes = ""
        if plan is not None:
            planned = plan.steps[step_id]
            tooltip = "; ".join((planned.action, *few(planned.reasons)))
            attributes = f" [fillcolor={_quoted(FILLS[planned.action])}, tooltip={_quoted(tooltip)}]"
        lines.append(f"  {_quoted(step_id)}{attributes};")
    lines += [f"  {_quoted(source)} -> {_quoted(target)};" for source, target in graph.reduced.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
