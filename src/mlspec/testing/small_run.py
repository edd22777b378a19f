"""``python -m mlspec.testing.small_run FOLDER [ENGINE]``: five small steps, printed as ``mlspec run`` does."""

import shutil
import sys
from pathlib import Path

from mlspec import paths
from mlspec.diagnostics import MlspecError
from mlspec.engine.run.run import run
from mlspec.graph.graph import Graph
from mlspec.store.store import Store
from mlspec.testing.graphs import KINDS, graph, step

FAILED = 3


def made(root: Path, engine: str = "local") -> Graph:
    """The graph: files, a folder, a trivial step."""
    steps = (
        step("first", text="1"),
        step("second", "first", outputs=("text", "folder"), text="2"),
        step("third", "second:folder", "first"),
        step("aside", kind="join"),
        step("last", "third", "second", "aside", kind="join"),
    )
    return graph(root, steps, engine=engine, workers=2)


def copied(root: Path, target: Path) -> None:
    """Copy a folder with its results, which count as made there."""
    shutil.copytree(root, target)
    with Store(paths.store(paths.home(target))).writing() as store:
        store.adopt_elsewhere()


def main(arguments: list[str]) -> int:
    """The exit code: 0 done, 3 a step failed or the disk is full."""
    try:
        ran = run(made(Path(arguments[0]), *arguments[1:2]), kinds=KINDS)
    except MlspecError as error:
        print(f"error: {error}")
        return FAILED
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}")
        return FAILED
    for failure in ran.failures:
        print(f"{failure.step}: {failure.cause}")
    return FAILED if ran.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
