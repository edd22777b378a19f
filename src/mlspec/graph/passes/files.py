"""The digests of files that steps read from outside the store. It stands behind the merge, so that each file is read
for one step, and last but one because it alone touches the disk."""

from pathlib import Path

from msgspec.structs import replace

from mlspec.graph.files import Digests
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step

UNREADABLE = "unreadable"


def files(graph: Graph) -> Graph:
    """Fills ``files`` of sources; remembers digests in ``.mlspec/cache/files.json`` beside the spec."""
    root = Path(graph.facts.root)
    digests = Digests(root / ".mlspec" / "cache" / "files.json")
    steps = dict(graph.steps)
    for step_id, step in graph.steps.items():
        read = _paths(step)
        if read:
            steps[step_id] = replace(step, files={path: _digest(digests, root / path) for path in read})
    digests.save()
    return graph.replace(steps)


def _paths(step: Step) -> tuple[str, ...]:
    if step.kind == "source":
        return (step.params["source"][1]["path"],)
    return ()


def _digest(digests: Digests, path: Path) -> str:
    # A file that is gone is the source step's failure to tell, with its place in the spec.
    try:
        return digests.of(path)
    except OSError:
        return UNREADABLE
