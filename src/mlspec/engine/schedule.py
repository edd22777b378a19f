"""Drives a graph over a backend: a step is ready when the content of all that it reads is known.

Then its fingerprint is known too: its result is in the store, or the step is submitted as soon as there is room. A step
whose inputs come out as they were before is therefore found, not done (the early stop). When a step fails, what does
not need it goes on. When an input turns out to be damaged, the step that gives it is done again.
"""

from collections import deque
from collections.abc import Callable, Container, Mapping
from functools import cached_property
from heapq import heappop, heappush
from typing import Any, Literal

from msgspec import Struct

from mlspec.engine.allowance import Allowance
from mlspec.engine.backend import Backend, Damaged, Ending, Failed, Finished, Listen, Task
from mlspec.engine.fitting import MEASURED
from mlspec.graph import budget
from mlspec.graph import fingerprint as fp
from mlspec.graph.computing import share
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS, Kind, reads_records
from mlspec.graph.passes.timing import shares
from mlspec.graph.step import Step
from mlspec.store.action import Action
from mlspec.store.store import Store

REPAIRS = 3
TIMED = 1e12  # more seconds than any path takes


class Result(Struct, frozen=True, kw_only=True):
    """What became of a step: ``done`` and ``cached`` come with an action and perhaps a note, ``failed`` with a cause
    and perhaps a log and the key that is to blame, ``not reached`` with the failed step that it needs."""

    action: Literal["done", "cached", "failed", "not reached"]
    fingerprint: str | None = None
    stored: Action | None = None
    cause: str = ""
    log: str | None = None
    limit: str = ""
    setting: str = ""
    because: str = ""
    path: tuple[str | int, ...] = ()
    note: str = ""


class Watch(Struct, frozen=True):
    """The receiver of the scheduler's events."""

    started: Callable[[Step, str], None]
    ended: Callable[[Step, Result], None]
    progress: Listen


def schedule(
    graph: Graph,
    store: Store,
    backend: Callable[[], Backend],
    watch: Watch,
    *,
    kinds: Mapping[str, Kind] = KINDS,
    force: Container[str] = (),
    seconds: Mapping[str, float] | None = None,
    device: str = "cpu",
) -> dict[str, Result]:
    """What became of each step, in the graph's order.

    ``backend`` is called when the first step has to be done, and never where all results are stored. Steps in ``force``
    are done whatever is stored. ``seconds`` is how long steps took before: those with the longest path to the end begin
    first. ``device`` is what steps that ask for one work on.
    """
    return _Schedule(graph, store, backend, watch, kinds, force, seconds or {}, device).run()


def task_of(
    step: Step,
    kind: Kind,
    *,
    identity: str,
    digests: Mapping[str, str],
    records: Mapping[str, dict[str, Any]],
    device: str,
    gpus: tuple[int, ...] = (),
    processes: int = 1,
    seconds: float | None = None,
    expected: float | None = None,
    force: bool = False,
) -> Task:
    """A step whose inputs' digests are known, as passed to a backend; ``records`` are what the steps before took,
    ``gpus`` those that are its own, ``processes`` how many it trains with, ``seconds`` how long it may train,
    ``expected`` how long it took last time."""
    return Task(
        step=step.id,
        kind=step.kind,
        work=kind.work,
        fingerprint=fp.combine(identity, digests),
        identity=identity,
        params=step.params,
        inputs=dict(digests),
        outputs=step.outputs,
        records=dict(records),
        files=step.files,
        device=device,
        processes=processes,
        nodes=step.resources.nodes,
        gpus=gpus,
        threads=max(1, step.resources.cpus // processes),
        trivial=kind.trivial,
        # Some anonymisers compute, and text is processed in parts whose lengths depend on the threads.
        seconds=seconds,
        expected=expected,
        here=MEASURED in step.environment,
        memory=step.resources.memory,
        by_rows=kind.by_rows and not step.params.get("treatments"),
        force=force,
        parts=int(step.params[kind.parts]) if kind.parts else 1,
    )


class _Schedule:
    def __init__(
        self,
        graph: Graph,
        store: Store,
        backend: Callable[[], Backend],
        watch: Watch,
        kinds: Mapping[str, Kind],
        force: Container[str],
        seconds: Mapping[str, float],
        device: str,
    ) -> None:
        self.graph, self.store, self.backend, self.watch = graph, store, backend, watch
        self.kinds, self.force, self.device = kinds, force, device
        self.seconds = seconds
        self.carrier: Backend | None = None
        self.allowance: Allowance | None = None
        self.results: dict[str, Result] = {}
        self.identities: dict[str, str] = {}
        self.missing = {step_id: {read.step for read in step.inputs.values()} for step_id, step in graph.steps.items()}
        self.readers: dict[str, list[str]] = {step_id: [] for step_id in graph.steps}
        for step_id, needed in self.missing.items():
            for other in needed:
                self.readers[other].append(step_id)
        self.order = {step_id: place for place, step_id in enumerate(graph.steps)}
        self.settled: deque[str] = deque(step_id for step_id, needed in self.missing.items() if not needed)
        self.ready: list[tuple[float, int, str]] = []
        self.prints: dict[str, str] = {}
        self.running: dict[str, Task] = {}
        self.making: dict[str, list[str]] = {}
        self.repairs: dict[str, int] = {}
        self.redo: set[str] = set()

    def run(self) -> dict[str, Result]:
        while True:
            while self.settled:
                self._resolve(self.settled.popleft())
            self._submit()
            if not self.running:
                break
            assert self.carrier is not None
            for ending in self.carrier.wait(self.watch.progress):
                self._end(ending)
        return {step_id: self.results[step_id] for step_id in self.graph.steps}

    def _resolve(self, step_id: str) -> None:
        """All that the step reads is known: find its result, or make it wait for room."""
        step = self.graph.steps[step_id]
        failed = self._failed_input(step)
        if failed is not None:
            self._settle(step_id, Result(action="not reached", because=failed))
            return
        digests = self._digests(step)
        identity = self.identities.get(step_id)
        if identity is None:
            identity = self.identities[step_id] = fp.identity(step)
        key = self.prints[step_id] = fp.combine(identity, digests)
        if step_id in self.force and step_id not in self.redo:
            found = None
        else:
            found = self.store.lookup(key)
        if found is not None:
            self._settle(step_id, Result(action="cached", fingerprint=key, stored=found))
        elif key in self.making:
            # Another step is about to make the same.
            self.making[key].append(step_id)
        else:
            self.making[key] = []
            if self._kind(step).trivial:
                self._begin(step)
            else:
                heappush(self.ready, (self._urgency(step_id), self.order[step_id], step_id))

    def _submit(self) -> None:
        """Begin what there is room for, the most urgent first."""
        left = []
        while self.ready:
            entry = heappop(self.ready)
            step = self.graph.steps[entry[2]]
            if self._fits(step):
                self._begin(step)
                continue
            left.append(entry)
            # What has to be alone waits until nothing runs, and holds nobody up meanwhile.
            if not self._kind(step).alone and len(self._sharing()) >= self._carrier().capacity.steps:
                break
        for entry in left:
            heappush(self.ready, entry)

    def _begin(self, step: Step) -> None:
        task = self._task(step)
        carrier = self._carrier()
        self.running[step.id] = task
        self.watch.started(step, task.fingerprint)
        carrier.submit(task)

    def _carrier(self) -> Backend:
        if self.carrier is None:
            self.carrier = self.backend()
        return self.carrier

    def _sharing(self) -> list[Step]:
        """The running steps that take room."""
        return [self.graph.steps[step_id] for step_id, task in self.running.items() if not task.trivial]

    def _fits(self, step: Step) -> bool:
        others = self._sharing()
        if not others:
            # One that asks for more than there is gets all there is.
            return True
        if any(self._kind(one).alone for one in (step, *others)):
            return False
        room, wanted = self._carrier().capacity, [step.resources, *(other.resources for other in others)]
        return (
            sum(one.cpus for one in wanted) <= room.steps
            and sum(one.gpus for one in wanted) <= (1 if ":" in self.device else room.gpus)
            and (room.memory is None or sum(one.memory for one in wanted) <= room.memory)
        )

    def _task(self, step: Step) -> Task:
        device, gpus = self._place(step)
        return task_of(
            step,
            self._kind(step),
            identity=self.identities[step.id],
            digests=self._digests(step),
            records=self._records(step) if reads_records(step) else {},
            device=device,
            gpus=gpus,
            processes=share(step, self.graph.project.backend),
            seconds=self._seconds(step),
            expected=self.seconds.get(step.id),
            force=step.id in self.force and step.id not in self.redo,
        )

    def _end(self, ending: Ending) -> None:
        task = self.running.pop(ending.step)
        twins = self.making.pop(task.fingerprint)
        if isinstance(ending, Damaged) and self._repair(ending):
            self.settled.extend(twins)
            return
        key = task.fingerprint
        if isinstance(ending, Finished):
            self.redo.add(ending.step)
            action: Literal["done", "cached"] = "done" if ending.made else "cached"
            self._settle(ending.step, Result(action=action, fingerprint=key, stored=ending.action, note=ending.note))
        elif isinstance(ending, Failed):
            self._settle(ending.step, _failed(ending, key))
        else:
            cause = f"its input {ending.digest[:12]} is damaged repeatedly"
            self._settle(ending.step, Result(action="failed", fingerprint=key, cause=cause))
        self.settled.extend(twins)

    def _repair(self, ending: Damaged) -> bool:
        """Have the damaged input made again; False when that was tried often enough."""
        step = self.graph.steps[ending.step]
        givers = {
            read.step for read in step.inputs.values() if self._stored(read.step).outputs[read.output] == ending.digest
        }
        self.repairs[step.id] = self.repairs.get(step.id, 0) + 1
        if self.repairs[step.id] > REPAIRS:
            return False
        self.store.forget()
        for giver in givers:
            self.results.pop(giver, None)
            self.settled.append(giver)
        self.missing[step.id] = set(givers)
        return True

    def _settle(self, step_id: str, result: Result) -> None:
        self.results[step_id] = result
        if self.allowance is not None and step_id in self._timed:
            self.allowance.end(step_id)
        self.watch.ended(self.graph.steps[step_id], result)
        for reader in self.readers[step_id]:
            waits = self.missing[reader]
            if step_id in waits:
                waits.remove(step_id)
                if not waits:
                    self.settled.append(reader)

    def _failed_input(self, step: Step) -> str | None:
        for read in step.inputs.values():
            result = self.results[read.step]
            if result.action == "failed":
                return read.step
            if result.action == "not reached":
                return result.because
        return None

    def _digests(self, step: Step) -> dict[str, str]:
        return {name: self._stored(read.step).outputs[read.output] for name, read in step.inputs.items()}

    def _stored(self, step_id: str) -> Action:
        stored = self.results[step_id].stored
        assert stored is not None
        return stored

    def _kind(self, step: Step) -> Kind:
        return self.kinds[step.kind]

    def _place(self, step: Step) -> tuple[str, tuple[int, ...]]:
        """What the step computes on, and which GPUs are its own.

        Its params say which kind, the settings which one of them; else it gets those that no running step has.
        """
        kind = str(step.params.get("device", "cpu"))
        if self.device.partition(":")[0] != kind:
            return kind, ()
        if self.device != "cuda":
            return self.device, ()
        taken = {gpu for task in self.running.values() for gpu in task.gpus}
        free = [gpu for gpu in range(self._carrier().capacity.gpus) if gpu not in taken][: step.resources.gpus]
        return (f"cuda:{free[0]}" if len(free) == 1 else self.device), tuple(free)

    def _records(self, step: Step) -> dict[str, dict[str, Any]]:
        """What all steps took that lead to this one."""
        return {step_id: self._stored(step_id).record for step_id in sorted(self.graph.ancestors(step.id))}

    def _urgency(self, step_id: str) -> float:
        """What begins first: trainings that share a time and what they wait for, in the order of the candidates; then
        the longest path."""
        place = self._places.get(step_id)
        return -self._remaining[step_id] if place is None else place - TIMED

    @cached_property
    def _timed(self) -> dict[str, int]:
        return {step_id: place for place, step_id in enumerate(shares(self.graph))}

    @cached_property
    def _places(self) -> dict[str, int]:
        """The trainings that share a time, and all steps before them, by the first training that needs each."""
        places = dict(self._timed)
        for step in reversed(self.graph.steps.values()):
            place = places.get(step.id)
            if place is not None:
                places |= {read.step: min(places.get(read.step, place), place) for read in step.inputs.values()}
        return places

    def _seconds(self, step: Step) -> float | None:
        """How long a training may take whose time is limited, or the second fit."""
        if step.kind == "refit" and "time" in step.params:
            return None if self.allowance is None else self.allowance.rest()
        if step.id not in self._timed:
            return None
        if self.allowance is None:
            self.allowance = Allowance(self.graph, self._carrier().capacity.steps, done=self.results)
        return self.allowance.begin(step.id)

    @cached_property
    def _remaining(self) -> dict[str, float]:
        """How long the longest path from each step to the end took last time."""
        return budget.remaining(self.graph, self.seconds)


def _failed(ending: Failed, key: str) -> Result:
    return Result(
        action="failed",
        fingerprint=key,
        cause=ending.cause,
        log=ending.log,
        limit=ending.limit,
        setting=ending.setting,
        path=ending.path,
    )
