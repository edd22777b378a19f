"""How a checkout is built: rooms, circles, local imports, and the ways that docs/architecture.md draws.

    python benchmarks/structure.py [CHECKOUT]

Everything is read from the text of the code; nothing of it is imported. Tests are left out.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

WAY = re.compile(r"^### (?P<way>.+)$|^\d+\. `(?P<file>[a-z_/]+\.py)`", re.MULTILINE)


def modules(root: Path) -> dict[str, ast.Module]:
    """Every module of the packages in a checkout, by its dotted name."""
    found = {}
    for folder in (root / "src", root / "backends"):
        for path in sorted(folder.rglob("*.py")):
            name = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
            found[name] = ast.parse(path.read_bytes())
    return found


def imported(name: str, tree: ast.AST, known: set[str]) -> Iterator[str]:
    """The modules of the checkout that one imports, wherever in it, for types alone too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from (one for one in (inner if inner in known else node.module,) if one in known - {name})


def ways(text: str) -> dict[str, list[str]]:
    """The files of each way that a page draws: a heading, then a numbered list whose items begin with a file."""
    found: dict[str, list[str]] = {}
    way = ""
    for match in WAY.finditer(text):
        if match["way"]:
            way = match["way"]
        elif match["file"] not in found.setdefault(way, []):
            found[way].append(match["file"])
    return found


def main() -> None:
    """Measure a checkout and print what was found."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    trees = modules(root)
    sizes = {
        name: len(path.read_bytes().splitlines())
        for folder in (root / "src", root / "backends")
        for path in folder.rglob("*.py")
        for name in [".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")]
    }
    rooms: Counter[str] = Counter()
    for name, lines in sizes.items():
        rooms[".".join(name.split(".")[:2])] += lines
    edges = [(name, other) for name, tree in trees.items() for other in imported(name, tree, set(trees))]
    circles = [part for part in nx.strongly_connected_components(nx.DiGraph(edges)) if len(part) > 1]
    functions = [
        node
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    local = sum(any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(one)) for one in functions)
    print(f"modules                      {len(trees)}, {sum(sizes.values()):,} lines")
    print("largest rooms                " + ", ".join(f"{room} {lines:,}" for room, lines in rooms.most_common(4)))
    print("largest modules              " + ", ".join(f"{name} {n}" for name, n in Counter(sizes).most_common(4)))
    print(f"circles of imports           {len(circles)}, {sum(map(len, circles))} modules in them")
    print(f"functions that import        {local} of {len(functions)} ({local / len(functions):.0%})")
    for way, files in ways((root / "docs/architecture.md").read_text()).items():
        lines = sum(
            len((root / place / file).read_bytes().splitlines()) for file in files for place in _places(root, file)
        )
        print(f"{way:28} {len(files)} files, {lines:,} lines")


def _places(root: Path, file: str) -> list[str]:
    return [place for place in ("src/mlspec", "backends/mlspec_backends") if (root / place / file).is_file()]


if __name__ == "__main__":
    main()
