"""Runs of steps that ask a cluster for parts of themselves, and what is known of these."""

from collections.abc import Callable
from pathlib import Path

from mlspec import paths
from mlspec.engine import events
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.step import Step
from mlspec.store.store import Store
from mlspec.testing.graphs import KINDS, graph


def go(root: Path, *steps: Step, when: Callable[[events.AnyEvent], None], engine: str) -> Run:
    made = graph(root, steps, engine=engine, run_timeout=60.0)
    return run(made, kinds=KINDS, lock=False, listener=when)


def ignore(_event: events.AnyEvent) -> None:
    pass


def text(root: Path, digest: str) -> str:
    return Store(paths.store(paths.home(root))).path(digest).read_text()


def began(root: Path) -> list[list[str]]:
    """The parts that were begun: name, node, process, and whether it was the first time or again."""
    file = root / "ran.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.split() for line in lines if line.startswith("part-")]
