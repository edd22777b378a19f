"""Runs of small steps on a cluster of the tests, and what is done to it meanwhile."""

import re
from collections.abc import Callable
from pathlib import Path

from mlspec.engine import events
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.step import Step
from mlspec.testing.graphs import KINDS, graph

LONGEST = 90.0  # seconds


def go(root: Path, *steps: Step, when: dict[str, Callable[[], object]] | None = None, **backend: object) -> Run:
    """Run steps on the cluster. ``when``: what to do, once, when progress or a note begins with these words. A run that
    does not end fails."""
    left = dict(when or {})

    def listen(event: events.AnyEvent) -> None:
        text = event.what if isinstance(event, events.StepProgress) else getattr(event, "text", "")
        for words in [words for words in left if re.match(words, text)]:
            left.pop(words)()

    settings = {"run_timeout": LONGEST, **backend}
    ran = run(graph(root, steps, **settings), kinds=KINDS, lock=False, listener=listen)
    assert left == {}
    return ran


def failures(ran: Run) -> list[tuple[str, str]]:
    return [(failure.step, failure.cause) for failure in ran.failures]
