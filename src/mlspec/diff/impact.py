"""Two compiled specs -> the steps whose results are not those of any step before, and what that takes."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import MlspecError
from mlspec.diff import easing, nested
from mlspec.diff.change import Change, Impact, StepChange
from mlspec.diff.meaning import Meaning
from mlspec.diff.surroundings import Surroundings
from mlspec.engine.run.lockfile import Lock
from mlspec.graph import fingerprint as fp
from mlspec.graph.build import compile_graph
from mlspec.graph.graph import Graph
from mlspec.graph.passes import PASSES
from mlspec.graph.passes.files import files
from mlspec.graph.passes.parts import parts
from mlspec.graph.step import Step
from mlspec.rules.context import Facts
from mlspec.spec import Project
from mlspec.spec.resolve import resolve

LIGHT = tuple(one for one in PASSES if one not in (files, parts))
# Each change is compiled for itself, as long as that is not too much work.
MOST_WORK = 6_000


class Compiled(Struct, frozen=True):
    """A graph; by step its own identity, and the identity of all that leads to it."""

    graph: Graph
    own: Mapping[str, str]
    whole: Mapping[str, str]


def compiled(project: Project, facts: Facts, beside: Surroundings) -> Compiled:
    """A project's steps with what identifies them; files count by their tokens, nothing is read."""
    graph = compile_graph(project, facts, passes=LIGHT)
    steps = {step_id: _with_files(step, beside) for step_id, step in graph.steps.items()}
    graph = graph.replace(steps)
    own: dict[str, str] = {}
    whole: dict[str, str] = {}
    given: dict[str, str] = {}
    for step_id, step in steps.items():
        inputs = {name: [given[read.step], read.output] for name, read in step.inputs.items()}
        # Which inputs a step has is in its fingerprint too.
        own[step_id] = _digest([fp.identity(step), sorted(inputs)])
        whole[step_id] = _digest([own[step_id], inputs])
        given[step_id] = _given(step) or whole[step_id]
    return Compiled(graph, own, whole)


def _given(step: Step) -> str | None:
    """What identifies what a source gives, wherever its file is; None where that is another step, or unknown."""
    known = list(step.files.values())
    if step.kind != "source" or len(known) != 1 or known[0] == "unknown":
        return None
    kind, settings = step.params["source"]
    bare = replace(step, params={**step.params, "source": [kind, {**settings, "path": None}]}, files={"": known[0]})
    return _digest(fp.identity(bare))


def _with_files(step: Step, beside: Surroundings) -> Step:
    if step.kind == "source":
        snapshot = beside.facts and beside.facts.snapshots.get(step.id.removeprefix("source."))
        if snapshot:
            return replace(step, files={snapshot.file: snapshot.digest})
        path = step.params["source"][1].get("path")
        return step if path is None else replace(step, files={path: beside.tokens.get(path, "unknown")})
    if step.kind in ("train", "tune") and "code" in step.params["model"][1]:
        return replace(step, files=beside.code.get(step.params["model"][1]["code"], {}))
    if step.kind == "previous":
        return replace(step, files={step.params["lock"]: beside.tokens.get(step.params["lock"], "unknown")})
    return step


def _digest(value: object) -> str:
    return hashlib.sha256(fp.canonical(value)).hexdigest()


def impact(
    base: Compiled, head: Compiled, locks: Sequence[Lock | None] = (), names: Mapping[str, str] | None = None
) -> Impact:
    """The steps of the head that no step of the base has done already, with what they take by the locks' timings.
    ``names``: what candidates and sources are called now, by what they were called."""
    before = {_called(step_id, names or {}) for step_id in base.whole}
    done = {identity: step_id for step_id, identity in base.whole.items()}
    known = set(base.own.values())
    renamed = {
        done[identity]: step_id
        for step_id, identity in head.whole.items()
        if identity in done and step_id not in base.whole and done[identity] not in head.whole
    }
    seconds = _timings(locks)
    by_kind = _by_kind(seconds, (base.graph, head.graph))
    changed = []
    certain = {step_id for step_id in head.whole if head.own[step_id] not in known}
    nearest = _nearest(head.graph, certain) if certain else {}
    for step_id, identity in head.whole.items():
        if identity in done:
            continue
        took = seconds.get(step_id)
        low, high = (took, took) if took is not None else by_kind.get(head.graph.steps[step_id].kind, (None, None))
        changed.append(
            StepChange(
                step=step_id,
                certain=step_id in certain,
                new=step_id not in before,
                because=() if step_id in certain else tuple(sorted(nearest.get(step_id, ()))),
                seconds_from=low,
                seconds_to=high,
            )
        )
    timed = [one for one in changed if one.seconds_to is not None]
    return Impact(
        invalidated=tuple(changed),
        kept=len(head.whole) - len(changed),
        total=len(head.whole),
        gone=tuple(
            step_id
            for step_id in base.whole
            if _called(step_id, names or {}) not in head.whole and step_id not in renamed
        ),
        renamed=renamed,
        seconds_from=_sum(one.seconds_from for one in timed if one.certain) if timed or not changed else None,
        seconds_to=_sum(one.seconds_to for one in timed) if timed or not changed else None,
        untimed=len(changed) - len(timed),
    )


def _nearest(graph: Graph, certain: set[str]) -> dict[str, set[str]]:
    """By step, those that differ in themselves and lead to it with no other of them between."""
    found: dict[str, set[str]] = {}
    for step_id in graph.steps:
        reads = graph.reduced.predecessors(step_id)
        found[step_id] = set().union(*({read} if read in certain else found[read] for read in reads))
    return found


def nothing(like: Compiled) -> Compiled:
    """No steps at all: what a new spec is held against."""
    return Compiled(like.graph.replace({}), {}, {})


def _called(step_id: str, names: Mapping[str, str]) -> str:
    """A step's id under the names of now."""
    return ".".join(names.get(part, part) for part in step_id.split(".")) if names else step_id


def alone(
    changes: Sequence[Change], base: Meaning, sides: tuple[Surroundings, Surroundings], before: Compiled, head: Compiled
) -> tuple[list[Change], bool]:
    """The changes, each with the steps of the head that it alone would invalidate, and the gates that it makes easier:
    by what it does to those it is no less than loosened, whatever its key. And whether new names alone give the head's
    model."""
    if len(changes) * len(head.whole) > MOST_WORK:
        return list(changes), False
    start = nested.tree(base)
    renames = [change for change in changes if change.kind == "renamed"]
    done = set(before.whole.values())
    found = []
    for change in (*renames, *(change for change in changes if change.kind != "renamed")):
        if change.profile is not None:
            found.append(change)
            continue
        graph = _with(change, start, renames, sides)
        if graph is None:
            found.append(change)
            continue
        steps = [step for step, identity in graph.whole.items() if identity not in done and step in head.whole]
        lost = easing.easier(before.graph, graph.graph) if change.kind != "renamed" else {}
        found.append(easing.classified(replace(change, steps=tuple(steps), gates=tuple(lost)), lost))
        if change.kind == "renamed":
            # New names are in every comparison that follows: their effect is reported only here.
            done |= set(graph.whole.values())
    package = head.graph.package
    return found, package in head.whole and head.whole[package] in done


def _with(
    change: Change, start: nested.Tree, renames: list[Change], sides: tuple[Surroundings, Surroundings]
) -> Compiled | None:
    """The base with that change alone (and what is called otherwise); None where it makes no spec without the rest."""
    base, later = sides
    assert base.facts is not None
    assert later.facts is not None
    if change.key[:2] in (("data", "join"), ("data", "derive"), ("data", "personal")):
        return None  # what columns there are then is known of the whole change only
    schemas = {**later.facts.schemas, **base.facts.schemas}
    beside = replace(base, tokens={**later.tokens, **base.tokens}, code={**later.code, **base.code})
    made = [change] if change.kind == "renamed" else renames
    try:
        if change.rule == "(data) column":
            schemas = {**schemas, **later.facts.schemas}
        elif change.rule == "(data) source":
            path = str(nested.plain(start)["data"]["sources"][change.key[-1]]["path"])
            beside = replace(beside, tokens={**beside.tokens, path: later.tokens[path]})
        elif change.rule == "(data) file":
            beside = replace(beside, code={**beside.code, change.key[-1]: later.code[change.key[-1]]})
        elif change.kind != "renamed":
            made = [*renames, change]
        project = nested.project(nested.apply(start, made))
        own = {source: schemas[source] for source in project.data.sources if source in schemas}
        read = {**later.facts.sources, **base.facts.sources}
        facts = replace(
            base.facts, schemas=own, sources={name: read[name] for name in project.data.sources if name in read}
        )
        return compiled(resolve(project, facts.schemas, facts.target_levels), facts, beside)
    except (MlspecError, ValueError, LookupError, TypeError, StopIteration, RuntimeError, AssertionError):
        return None


def _timings(locks: Iterable[Lock | None]) -> dict[str, float]:
    """Seconds by step, the later lock's where both know; less than a second, which no lock has, counts as none."""
    found: dict[str, float] = {}
    for lock in locks:
        if lock is not None:
            found |= {name: step.seconds or 0.0 for name, step in lock.steps.items() if step.fingerprint}
    return found


def _by_kind(seconds: Mapping[str, float], graphs: Iterable[Graph]) -> dict[str, tuple[float, float]]:
    """From the fastest to the slowest step of each kind."""
    found: dict[str, tuple[float, float]] = {}
    for graph in graphs:
        for step_id, step in graph.steps.items():
            took = seconds.get(step_id)
            if took is not None:
                low, high = found.get(step.kind, (took, took))
                found[step.kind] = (min(low, took), max(high, took))
    return found


def _sum(values: Iterable[float | None]) -> float:
    return round(sum(value for value in values if value is not None), 3)
