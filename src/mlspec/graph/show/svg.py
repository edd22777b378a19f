"""The graph as a picture: one SVG, drawn here, with nothing to load and no other program."""

from html import escape

from mlspec.diagnostics import printable
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan
from mlspec.graph.show.layout import Box, Layout, Line, layout
from mlspec.graph.show.text import few

STYLE = """
svg.mlspec { font-family: ui-sans-serif, system-ui, sans-serif; background: #ffffff; }
.mlspec .edge { fill: none; stroke: #9aa4b2; stroke-width: 1.2; }
.mlspec .box { fill: #f4f5f7; stroke: #8a94a3; stroke-width: 1.2; }
.mlspec .id { fill: #1c2430; font-size: 12.5px; }
.mlspec .note { fill: #5a6575; font-size: 10.5px; }
.mlspec .cached .box { fill: #e6f4ea; stroke: #5a9e6f; }
.mlspec .runs .box { fill: #fdf0d5; stroke: #c98a1b; }
.mlspec .may-run .box { fill: #e3f0fa; stroke: #5b92bd; stroke-dasharray: 4 3; }
"""


def svg(graph: Graph, plan: Plan | None = None) -> str:
    """The picture, an SVG document; with a plan, each step in the colour of what would become of it."""
    return picture(graph, plan, f"<style>{STYLE}</style>")


def picture(graph: Graph, plan: Plan | None, head: str) -> str:
    """The ``svg`` element, with ``head`` (markup) as its first child."""
    drawn = layout(graph)
    title = escape(printable(graph.project.project.name))
    size = f'viewBox="0 0 {_number(drawn.width)} {_number(drawn.height)}"'
    sized = f'{size} width="{_number(drawn.width)}" height="{_number(drawn.height)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mlspec" role="img" aria-label="{title}" {sized}>',
        head,
        '<g class="view">',
        *_edges(drawn),
        *(_node(step_id, box, graph, plan) for step_id, box in drawn.boxes.items()),
        "</g>",
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _edges(drawn: Layout) -> list[str]:
    return [
        f'<path class="edge" data-source="{escape(line.source)}"'
        + (f' data-target="{escape(line.target)}"' if line.target is not None else "")
        + f' d="{_curve(line)}"/>'
        for line in drawn.lines
    ]


def _curve(line: Line) -> str:
    start, end = f"M{_number(line.x1)} {_number(line.y1)}", f"{_number(line.x2)} {_number(line.y2)}"
    if line.y1 == line.y2:
        return f"{start}L{end}"
    middle = _number((line.x1 + line.x2) / 2)
    return f"{start}C{middle} {_number(line.y1)} {middle} {_number(line.y2)} {end}"


def _node(step_id: str, box: Box, graph: Graph, plan: Plan | None) -> str:
    step = graph.steps[step_id]
    note, style, tip = step.kind, "", [step.kind]
    if plan is not None:
        planned = plan.steps[step_id]
        note, style, tip = (
            planned.action,
            f" {planned.action.replace(' ', '-')}",
            [planned.action, *few(planned.reasons)],
        )
    if step.also:
        note += f" · {len(step.also) + 1} equal steps"
    x, y = box.x + 12, box.y
    return (
        f'<g class="step{style}" data-step="{escape(step_id)}">'
        f"<title>{escape(printable('; '.join(tip)))}</title>"
        f'<rect class="box" x="{_number(box.x)}" y="{_number(y)}" width="{_number(box.width)}" '
        f'height="{_number(box.height)}" rx="6"/>'
        f'<text class="id" x="{_number(x)}" y="{_number(y + 17)}">{escape(printable(step_id))}</text>'
        f'<text class="note" x="{_number(x)}" y="{_number(y + 32)}">{escape(note)}</text></g>'
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
