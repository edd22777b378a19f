"""Parts of steps, as the engine of a cluster sees them: how many run, their progress, their endings."""

from pathlib import Path

from mlspec.engine.backend import Ask, Failed, Progress, Setting, Task
from mlspec.store.store import Store
from mlspec_backends._spread import Spread


def ask(whole: str, count: int) -> Ask:
    names = [f"{whole}/{number}" for number in range(count)]
    return Ask(whole, tuple(Task(step=name, kind="k", work="w", fingerprint=name, identity="i") for name in names))


def spread(root: Path, most: int) -> tuple[Spread, list[str], list[str]]:
    """With the names of parts that an engine has to begin, and to stop."""
    begun: list[str] = []
    stopped: list[str] = []
    setting = Setting(root=root, home=root, logs=root)
    return Spread(setting, Store(root), most, lambda task: begun.append(task.step), stopped.append), begun, stopped


def test_no_more_parts_run_than_there_is_room_for(tmp_path: Path) -> None:
    made, begun, _stopped = spread(tmp_path, 2)
    made.take(ask("a", 3))
    made.take(ask("b", 1))
    assert begun == ["a/0", "a/1"]
    assert made.settle([Failed("a/1", "why"), Failed("other", "")]) == [Failed("other", "")]
    assert begun == ["a/0", "a/1", "a/2"]
    assert made.settle([Failed("a/2", "why"), Failed("a/0", "why")]) == []
    assert begun == ["a/0", "a/1", "a/2", "b/0"]


def test_parts_of_a_step_that_has_ended_are_stopped_or_never_begun(tmp_path: Path) -> None:
    made, begun, stopped = spread(tmp_path, 1)
    made.take(ask("a", 2))
    made.take(ask("b", 1))
    assert made.settle([Failed("a", "killed")]) == [Failed("a", "killed")]
    assert stopped == ["a/0"]
    assert begun == ["a/0", "b/0"]


def test_progress_of_a_part_is_that_of_the_whole(tmp_path: Path) -> None:
    made, _begun, _stopped = spread(tmp_path, 1)
    heard: list[Progress] = []
    hear = made.listening(heard.append)
    made.take(ask("a", 1))
    hear(Progress("a", "trial 3 of 9", 0.3, {"best": 0.5}))
    hear(Progress("a/0", "SLURM holds its job back: Priority", 0.0))
    assert heard[1:] == [Progress("a", "0: SLURM holds its job back: Priority", 0.3, {"best": 0.5})]
    assert made.whole("a/0") == "a"
