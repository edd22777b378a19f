"""The graph as one page that needs nothing else, no network and no other file: pan, zoom, click a step to see it."""

import base64
import hashlib
from html import escape
from pathlib import Path

import msgspec

from mlspec.diagnostics import printable
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan
from mlspec.graph.show.as_json import as_json
from mlspec.graph.show.svg import STYLE, picture
from mlspec.graph.show.text import summary

HERE = Path(__file__).parent


def html(graph: Graph, plan: Plan | None = None) -> str:
    """The page. Everything that comes from a spec or from data is escaped as text, never as markup or code; the
    page's policy lets no script run but its own."""
    script = (HERE / "page.js").read_text(encoding="utf-8")
    style = STYLE + (HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    name = escape(printable(graph.project.project.name))
    goal = escape(printable(graph.project.project.goal))
    line = f"{len(graph.steps)} steps" if plan is None else summary(plan)
    data = msgspec.json.encode(as_json(graph, plan)).decode()
    # Inside a script element only "<" could end it or open a comment; JSON may spell it otherwise.
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: the graph</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<p class="goal">{goal}</p>
<p class="summary">{escape(line)}</p>
<div class="tools">
<input id="search" type="search" placeholder="find a step" aria-label="Find a step">
<button id="closer" title="Zoom in">+</button>
<button id="farther" title="Zoom out">−</button>
<button id="fit" title="Show everything">fit</button>
</div>
</header>
<main>
<div id="stage">
{picture(graph, plan, "")}</div>
<aside id="panel" aria-live="polite"><p class="hint">Click a step to see what it reads, does and gives.</p></aside>
</main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""
