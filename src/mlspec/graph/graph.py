"""The graph of steps as a value: what the passes of the compiler take and give."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from mlspec.graph.step import Step

if TYPE_CHECKING:
    import networkx as nx

    from mlspec.document import Document
    from mlspec.rules.context import Facts
    from mlspec.spec import Project


def ordered(steps: dict[str, Step]) -> dict[str, Step]:
    """Steps in topological order; those that are in order already stay where they are."""
    found: dict[str, Step] = {}
    waiting = list(reversed(steps.values()))
    while waiting:
        step = waiting[-1]
        before = [read.step for read in step.inputs.values() if read.step not in found]
        if before and step.id not in found:
            waiting += [steps[step_id] for step_id in reversed(dict.fromkeys(before))]
            continue
        found.setdefault(step.id, waiting.pop())
    return found


class Graph(Struct, frozen=True, dict=True):
    """Steps by id in topological order, with the project they were made from and what is known of its data.

    A pass makes a new graph with ``add`` or ``replace``; steps themselves are frozen and shared between graphs.
    """

    project: "Project"
    facts: "Facts"
    document: "Document | None" = None
    steps: dict[str, Step] = {}

    def add(self, steps: Iterable[Step]) -> "Graph":
        """This graph with more steps, each behind the steps that it reads."""
        grown = dict(self.steps)
        for step in steps:
            if step.id in grown:
                raise ValueError(f"two steps are called '{step.id}'")
            grown[step.id] = step
        return self.replace(grown)

    def replace(self, steps: dict[str, Step]) -> "Graph":
        """This graph with these steps in place of its own."""
        return Graph(self.project, self.facts, self.document, steps)

    def leading_to(self, step_ids: Iterable[str]) -> "Graph":
        """The part of this graph that these steps need, themselves included. Raises KeyError for an unknown id."""
        needed: set[str] = set()
        for step_id in step_ids:
            step = self.find(step_id)
            if step is None:
                raise KeyError(step_id)
            needed.add(step.id)
        for step_id in reversed(self.steps):
            if step_id in needed:
                needed.update(read.step for read in self.steps[step_id].inputs.values())
        return self.replace({step_id: step for step_id, step in self.steps.items() if step_id in needed})

    @cached_property
    def network(self) -> "nx.DiGraph[str]":
        """The steps as a networkx graph: a node an id (attribute ``step``), an edge from what is read to who reads it
        (attribute ``names``: the reader's input names). Made when first asked for: most commands never do."""
        import networkx as nx

        network: nx.DiGraph[str] = nx.DiGraph()
        for step_id, step in self.steps.items():
            network.add_node(step_id, step=step)
            for name, read in step.inputs.items():
                if network.has_edge(read.step, step_id):
                    network.edges[read.step, step_id]["names"] += (name,)
                else:
                    network.add_edge(read.step, step_id, names=(name,))
        return network

    @property
    def package(self) -> str:
        """The id of the step whose output ``model`` is exported."""
        return "personalize" if "personalize" in self.steps else "select"

    def find(self, step_id: str) -> Step | None:
        """The step of that id, or the one that stands for it because both would do the same."""
        step = self.steps.get(step_id)
        if step is not None:
            return step
        return next((other for other in self.steps.values() if step_id in other.also), None)
