"""The plan of a graph as the stored results make it: what `compile` shows and `run --dry-run` promises."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from mlspec import paths
from mlspec.engine.run import dvc_results, step_history
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan, PlannedStep, plan
from mlspec.graph.show import dvc
from mlspec.store.store import Store

BROUGHT = f"computed elsewhere, found in {dvc.RESULTS}"
ELSEWHERE = "its stored result was computed elsewhere and is not used (mlspec verify --store --adopt)"


def plan_graph(graph: Graph, *, home: Path | None = None) -> Plan:
    """What running the graph would do. Reads the store, writes nothing."""
    own = home is None
    home = home or paths.home(graph.facts.root)
    store = Store(paths.store(home))
    before = step_history.read(home)
    identities: set[str] = set()
    scanned = False

    # What DVC has brought is beside the spec until a run takes it into the store.
    brought = (
        {found.action.fingerprint: found.action for _, found in dvc_results.every(graph.facts.root)} if own else {}
    )

    def outputs(fingerprint: str) -> Mapping[str, str] | None:
        action = store.lookup(fingerprint) or brought.get(fingerprint)
        return None if action is None else action.outputs

    def known(identity: str) -> bool:
        # Reading all results is only needed where a step waits for another.
        nonlocal scanned
        if not scanned:
            identities.update(action.identity for action in (*store.actions(), *brought.values()))
            scanned = True
        return identity in identities

    seconds = {step_id: was.seconds for step_id, was in before.items() if was.seconds is not None}
    found = plan(graph, outputs, {step_id: was.parts for step_id, was in before.items()}, seconds, known)

    def from_elsewhere(planned: PlannedStep) -> PlannedStep:
        # What was copied, unpacked or committed is never shown as a result of this place.
        key = planned.fingerprint
        if key is not None and planned.action == "cached" and store.lookup(key) is None:
            return structs.replace(planned, reasons=(*planned.reasons, BROUGHT))
        if key is not None and planned.action != "cached" and store.is_elsewhere(key):
            return structs.replace(planned, reasons=(*planned.reasons, ELSEWHERE))
        return planned

    return Plan(graph, {step_id: from_elsewhere(planned) for step_id, planned in found.steps.items()})
