"""What was last reported to DVC, and the state of the files at that time: so that nothing is reported or hashed twice,
and a run that finds nothing new need not open DVC at all."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from mlspec.graph.graph import Graph
from mlspec.graph.show import dvc
from mlspec.machine import json_values
from mlspec.store import files
from mlspec.store.action import Action

FILES = ("dvc.yaml", "dvc.lock")


class LastResult(Struct, frozen=True):
    """A step's result as it was reported to DVC: its fingerprint, its stage's text, how its files look."""

    fingerprint: str
    outputs: dict[str, str]
    stage: str
    looks: dict[str, str]


class Memory(Struct, frozen=True):
    """Everything that was reported to DVC in a folder, and how DVC's own files looked afterwards."""

    steps: dict[str, LastResult] = {}
    looks: dict[str, str] = {}
    texts: str = ""
    root: str = ""

    @staticmethod
    def read(home: Path, root: Path) -> "Memory":
        """What is remembered; nothing where it can't be read, or is of another folder."""
        try:
            found = json_values.read(_place(home), Memory)
        except (OSError, ValueError):
            return Memory(root=str(root))
        return found if found.root == str(root) else Memory(root=str(root))

    @staticmethod
    def write(
        home: Path, root: Path, graph: Graph, spec: str, overlays: Sequence[str], results: Mapping[str, Action]
    ) -> None:
        """Remember what has just been reported to DVC."""
        stages = dvc.stages(graph, spec=spec, overlays=overlays)
        texts = dvc.text(stages, spec)
        outs = {stage.name: (*stage.outs, *stage.metrics, *stage.plots) for stage in stages}
        steps = {}
        for step_id, action in results.items():
            name = dvc.stage_name(step_id)
            looks = {path: _look(root / path) for path in outs[name]}
            steps[step_id] = LastResult(action.fingerprint, action.outputs, _digest(texts[name]), looks)
        now = {name: _look(root / name) for name in (*FILES, dvc.PARAMS)}
        memory = Memory(steps, now, _texts(graph, texts), str(root))
        files.replace(_place(home), msgspec.json.encode(memory))

    def holds(self, graph: Graph, spec: str, overlays: Sequence[str], results: Mapping[str, Action]) -> bool:
        """Whether DVC knows all of this already."""
        if self.steps.keys() != results.keys() or not all(self.same(name) for name in (*FILES, dvc.PARAMS)):
            return False
        if not all(self.stands(step_id, action) for step_id, action in results.items()):
            return False
        return self.texts == _texts(graph, dvc.text(dvc.stages(graph, spec=spec, overlays=overlays), spec))

    def stands(self, step_id: str, action: Action) -> bool:
        """Whether a result is in its folder, unchanged since it was reported to DVC."""
        message = self.steps.get(step_id)
        if message is None or message.fingerprint != action.fingerprint or message.outputs != action.outputs:
            return False
        return all(_look(Path(self.root, path)) == look for path, look in message.looks.items())

    def recorded(self, step_id: str, action: Action, stage: str) -> bool:
        """Whether the line in ``dvc.lock`` is that of this result and this stage."""
        message = self.steps.get(step_id)
        known = message is not None and message.stage == _digest(stage)
        return known and self.same("dvc.lock") and self.stands(step_id, action)

    def same(self, name: str) -> bool:
        """Whether one of DVC's files looks as it did."""
        return self.looks.get(name) == _look(Path(self.root, name))


def _place(home: Path) -> Path:
    return home / "dvc.json"


def _texts(graph: Graph, texts: Mapping[str, str]) -> str:
    return _digest("\0".join([*texts.values(), *(text.decode() for text in dvc.params(graph).values())]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _look(path: Path) -> str:
    """A file or a folder as it looks from outside."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    if not os.path.isdir(path):
        return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
    looks = []
    for base, folders, names in os.walk(path):
        folders.sort()
        looks += [f"{os.path.join(base, name)} {_look(Path(base, name))}" for name in sorted(names)]
    return _digest("\n".join(looks))
