"""Reviewers by section as CODEOWNERS lines: a forge asks them when the spec changes.

Form: https://docs.github.com/articles/about-code-owners. A forge knows files, not sections: the spec's file gets all of
them, and comments say who is asked for which section.
"""

import os
import re

from mlspec.graph.graph import Graph

OWNER = re.compile(r"@[A-Za-z0-9][\w./-]*|[^\s@#]+@[^\s@#]+\.[^\s@#]+")


def codeowners(graph: Graph) -> str:
    """The lines; the path is that from the repository's folder, or from the spec's where there is no repository."""
    reviewers = graph.project.constraints.reviewers
    file = graph.document.file if graph.document is not None else "project.yaml"
    path = os.path.abspath(file)
    top = os.path.dirname(path)
    while not os.path.exists(os.path.join(top, ".git")) and os.path.dirname(top) != top:
        top = os.path.dirname(top)
    if not os.path.exists(os.path.join(top, ".git")):
        top = os.path.dirname(path)
    shown = re.sub(r"([\s#\\*?\[\]!])", r"\\\1", os.path.relpath(path, top).replace(os.sep, "/"))
    lines = [f"# {section}: {' '.join(_owners(names))}" for section, names in sorted(reviewers.items())]
    every = dict.fromkeys(name for _, names in sorted(reviewers.items()) for name in _owners(names))
    return "\n".join([*lines, *([f"/{shown} {' '.join(every)}"] if every else [])]) + "\n"


def _owners(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if OWNER.fullmatch(name)]
