"""Makes steps that would do the same with the same inputs one step. It runs after all passes that add steps, so that
it sees them all, and before those that describe steps, so that they describe each once."""

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.graph.step import Input, Step


def merge_equal(graph: Graph) -> Graph:
    """Keeps the first of equal steps, with the ids of the others in ``also``, and lets readers read that one."""
    stands_for: dict[str, str] = {}
    first: dict[tuple[object, ...], str] = {}
    others: dict[str, list[str]] = {}
    written: dict[int, str] = {}
    kept: dict[str, Step] = {}
    for step_id, step in graph.steps.items():
        if not stands_for.keys().isdisjoint(read.step for read in step.inputs.values()):
            step = replace(step, inputs={name: _through(read, stands_for) for name, read in step.inputs.items()})
        # Many steps share one params object (a preparation, a list of metrics): its text is made once. Params are
        # made here, in one order of keys, so their text distinguishes them like their fingerprint would, in less time.
        text = written.get(id(step.params))
        if text is None:
            text = written[id(step.params)] = repr(step.params)
        key = (step.kind, text, tuple(sorted(step.inputs.items())))
        known = first.setdefault(key, step_id)
        if known == step_id:
            kept[step_id] = step
        else:
            stands_for[step_id] = known
            others.setdefault(known, []).append(step_id)
    if not others:
        return graph
    for step_id, ids in others.items():
        kept[step_id] = replace(kept[step_id], also=tuple(ids))
    return graph.replace(kept)


def _through(read: Input, stands_for: dict[str, str]) -> Input:
    known = stands_for.get(read.step)
    return read if known is None else Input(known, read.output)
