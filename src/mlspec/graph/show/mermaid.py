"""The graph as a Mermaid flowchart, for Markdown pages that draw one."""

from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan

STYLES = {
    "cached": "fill:#e6f4ea,stroke:#5a9e6f,color:#1b3a25",
    "runs": "fill:#fdf0d5,stroke:#c98a1b,color:#4a3204",
    "may_run": "fill:#e3f0fa,stroke:#5b92bd,color:#14324a,stroke-dasharray:4 3",
}


def mermaid(graph: Graph, plan: Plan | None = None) -> str:
    """A flowchart from left to right; with a plan, each step in the colour of what would become of it."""
    names = {step_id: f"n{index}" for index, step_id in enumerate(graph.steps)}
    lines = ["flowchart LR"]
    for step_id, name in names.items():
        style = "" if plan is None else f":::{plan.steps[step_id].action.replace(' ', '_')}"
        lines.append(f'  {name}["{_escaped(step_id)}"]{style}')
    lines += [f"  {names[source]} --> {names[target]}" for source, target in graph.reduced.edges]
    if plan is not None:
        lines += [f"  classDef {name} {style}" for name, style in STYLES.items()]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    # Mermaid reads entities with a hash in quoted text; anything else with a meaning there is written as one.
    return "".join(char if char.isalnum() or char in " ._-" else f"#{ord(char)};" for char in text)
