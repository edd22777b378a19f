"""In which order ready steps begin, on an engine that ends the longest running one first."""

from collections.abc import Sequence
from pathlib import Path

from mlspec.engine.backend import Capacity, Ending, Finished, Listen, Task
from mlspec.engine.schedule import Watch, schedule
from mlspec.store.action import Action
from mlspec.store.store import Store
from mlspec.testing.graphs import KINDS, graph, step


class InOrder:
    """Two steps at a time; what ran beside each is kept."""

    capacity = Capacity(steps=2)

    def __init__(self) -> None:
        self.running: list[Task] = []
        self.begun: list[tuple[str, ...]] = []

    def submit(self, task: Task) -> None:
        self.running.append(task)
        self.begun.append(tuple(one.step for one in reversed(self.running)))

    def wait(self, listen: Listen) -> Sequence[Ending]:
        task = self.running.pop(0)
        given = Action(
            fingerprint=task.fingerprint, identity=task.identity, kind=task.kind, outputs={"text": task.step}
        )
        return [Finished(task.step, given, made=True)]

    def close(self) -> None:
        pass


def test_a_step_that_has_to_be_alone_holds_no_other_up(tmp_path: Path) -> None:
    steps = [*(step(name) for name in "abc"), step("latency", "a", kind="alone"), step("d", "c")]
    engine, watch = InOrder(), Watch(lambda *_: None, lambda *_: None, lambda _: None)
    ended = schedule(
        graph(tmp_path, steps),
        Store(tmp_path / "store"),
        lambda: engine,
        watch,
        kinds=KINDS,
        force=[one.id for one in steps],
        seconds={"a": 9.0, "b": 3.0, "latency": 5.0},
    )
    assert all(result.action == "done" for result in ended.values())
    assert engine.begun == [("a",), ("b", "a"), ("c", "b"), ("latency",), ("d",)]
