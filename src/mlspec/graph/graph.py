"""The graph of steps as a value: what the passes of the compiler take and give."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from mlspec.graph.step import Step

if TYPE_CHECKING:
    from mlspec.document import Document
    from mlspec.graph.nx import nx
    from mlspec.rules.context import Facts
    from mlspec.spec import Project


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

    @cached_property
    def folded(self) -> "Graph":
        """This graph with all parts of a step as that one step: what people read, and what a lock keeps."""
        if not any(step.part_of for step in self.steps.values()):
            return self
        return self.replace(
            {
                step_id: step if step.whole is None else replace(step, inputs=step.whole, whole=None)
                for step_id, step in self.steps.items()
                if not step.part_of
            }
        )

    @cached_property
    def digraph(self) -> "nx.DiGraph[str]":
        """The graph in networkx: a node for each step (attribute ``step``), an edge from each step to its readers.

        Nodes and edges are in the order of ``steps``. Made when first asked for: where there is nothing to do, nothing
        asks, and networkx is not imported.
        """
        from mlspec.graph.nx import nx

        made: nx.DiGraph[str] = nx.DiGraph()
        made.add_nodes_from((step_id, {"step": step}) for step_id, step in self.steps.items())
        made.add_edges_from((read.step, step.id) for step in self.steps.values() for read in step.inputs.values())
        return made

    @cached_property
    def reduced(self) -> "nx.DiGraph[str]":
        """The digraph without the edges that follow from the others: what is drawn, and what a step waits for last."""
        from mlspec.graph.nx import nx

        kept = nx.transitive_reduction(self.digraph)
        made: nx.DiGraph[str] = nx.DiGraph()
        made.add_nodes_from(self.digraph.nodes(data=True))
        # The reduction gives its edges in the order of sets.
        made.add_edges_from(edge for edge in self.digraph.edges if kept.has_edge(*edge))
        return made

    def ancestors(self, step_id: str) -> set[str]:
        """The ids of all steps that lead to this one, itself left out."""
        from mlspec.graph.nx import nx

        return nx.ancestors(self.digraph, step_id)

    def descendants(self, step_id: str) -> set[str]:
        """The ids of all steps that this one leads to, itself left out."""
        from mlspec.graph.nx import nx

        return nx.descendants(self.digraph, step_id)

    def leading_to(self, step_ids: Iterable[str]) -> "Graph":
        """The part of this graph that these steps need, themselves included. Raises KeyError for an unknown id."""
        needed: set[str] = set()
        for step_id in step_ids:
            step = self.find(step_id)
            if step is None:
                raise KeyError(step_id)
            needed |= {step.id, *self.ancestors(step.id)}
        # Nobody reads the tables of all parts where parts alone are read, but ``folded`` names them.
        wholes = [step for step_id in needed if (step := self.steps[step_id]).whole is not None]
        while wholes:
            for read in (wholes.pop().whole or {}).values():
                more = {read.step, *self.ancestors(read.step)} - needed
                needed |= more
                wholes += [self.steps[step_id] for step_id in more if self.steps[step_id].whole is not None]
        return self.replace({step_id: step for step_id, step in self.steps.items() if step_id in needed})

    @property
    def package(self) -> str:
        """The id of the step whose output ``model`` is exported."""
        return next((step_id for step_id in ("personalize", "refit") if step_id in self.steps), "select")

    def find(self, step_id: str) -> Step | None:
        """The step of that id, or the one that it was merged into because both do the same."""
        step = self.steps.get(step_id)
        if step is not None:
            return step
        return next((other for other in self.steps.values() if step_id in other.also), None)
