"""The plan before and after as one Mermaid flowchart, what changed marked."""

from mlspec.diff.change import Impact
from mlspec.graph.graph import Graph

MOST = 40
STYLES = {
    "anew": "fill:#fdf0d5,stroke:#c98a1b,color:#4a3204",
    "perhaps": "fill:#e3f0fa,stroke:#5b92bd,color:#14324a,stroke-dasharray:4 3",
    "new": "fill:#e6f4ea,stroke:#5a9e6f,color:#1b3a25",
    "gone": "fill:#fbe9e7,stroke:#b0413e,color:#5c1f1c,stroke-dasharray:2 3",
    "kept": "fill:#f4f4f4,stroke:#b5b5b5,color:#555",
}


def mermaid(base: Graph, head: Graph, impact: Impact) -> str:
    """A flowchart of both plans on top of each other; of a large one, only what changed and what is beside it."""
    styles = dict.fromkeys(head.steps, "kept")
    styles |= {one.step: "new" if one.new else "anew" if one.certain else "perhaps" for one in impact.invalidated}
    styles |= dict.fromkeys(impact.gone, "gone")
    changed = [step for step, style in styles.items() if style != "kept"]
    if not changed:
        return ""
    drawn = [*head.reduced.edges, *(edge for edge in base.reduced.edges if edge[1] in impact.gone)]
    edges = [(impact.renamed.get(source, source), target) for source, target in dict.fromkeys(drawn)]
    shown = set(styles)
    if len(shown) > MOST:
        near = {source for source, target in edges if target in changed} | set(changed)
        kept = [step for step in styles if step in near]
        shown = set(sorted(kept, key=lambda step: styles[step] == "kept")[:MOST])
    names = {step: f"n{index}" for index, step in enumerate(step for step in styles if step in shown)}
    lines = ["flowchart LR", *(f'  {name}["{escaped(step)}"]:::{styles[step]}' for step, name in names.items())]
    if len(names) < len(styles):
        lines.append(f'  more["{len(styles) - len(names)} more steps"]:::kept')
    lines += [f"  {names[a]} --> {names[b]}" for a, b in edges if a in names and b in names]
    used = {styles[step] for step in names} | {"kept"}
    lines += [f"  classDef {name} {style}" for name, style in STYLES.items() if name in used]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text in Mermaid's quotes: anything that could have a meaning is written as an entity."""
    return "".join(char if char.isalnum() or char in " ._-" else f"#{ord(char)};" for char in text)
