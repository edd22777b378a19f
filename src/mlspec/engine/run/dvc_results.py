"""Results as files beside the spec, where DVC and people find them: ``mlspec.results/STEP/OUTPUT``.

Beside a step's outputs lies ``made.json``: the action that gave them. So what a colleague has made and ``dvc pull`` has
brought is taken into the store under its fingerprint, each byte of it compared with its digest.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlspec import paths as places
from mlspec.diagnostics import StepError
from mlspec.graph.show import dvc
from mlspec.graph.step import Step
from mlspec.machine import json_values, safe_files
from mlspec.machine.file_digests import hash_file
from mlspec.plugins.verdict import Verdict
from mlspec.store import files, tree
from mlspec.store.action import Action
from mlspec.store.store import Store

IGNORED = "*\n!.gitignore\n"


class Made(Struct, frozen=True, kw_only=True):
    """What gave the outputs in a folder: their action, their paths in the folder by name, and the folders in them that
    hold nothing, which neither Git nor DVC keeps."""

    action: Action
    paths: dict[str, str] = {}
    empty: dict[str, tuple[str, ...]] = {}


def prepare(root: Path) -> None:
    """Make the folder of all results; Git ignores it, since DVC tracks it."""
    home = root / dvc.RESULTS
    places.demand_no_link(home)
    home.mkdir(exist_ok=True)
    ignore = home / ".gitignore"
    if not ignore.exists():
        files.replace(ignore, IGNORED.encode())


def lay_out(root: Path, step: Step, action: Action, store: Store) -> None:
    """Put a step's result into its folder, each output whole or not at all; the store is open for writing."""
    prepare(root)
    folder = root / dvc.folder(step.id)
    places.demand_no_link(folder)
    if _lies(folder, step, action):
        return
    folder.mkdir(exist_ok=True)
    empty: dict[str, tuple[str, ...]] = {}
    for output in step.outputs:
        source = store.path(action.outputs[output])
        with store.stage([output]) as paths:
            if source.is_dir():
                hollow = tree.listing(source)[1]
                empty |= {output: tuple(hollow)} if hollow else {}
            files.copy(source, paths[output])
            _swap(paths[output], root / dvc.place(step, output))
    for name, content in _derived(step, action, store).items():
        _write(folder / name, content)
    here = {output: Path(dvc.place(step, output)).name for output in step.outputs}
    _write(folder / dvc.MADE, msgspec.json.format(msgspec.json.encode(Made(action=action, paths=here, empty=empty))))


def made(root: Path, step_id: str) -> Made | None:
    """What gave the outputs in a step's folder; None if that is unknown."""
    return _read(root / dvc.folder(step_id) / dvc.MADE)


def every(root: Path) -> Iterator[tuple[Path, Made]]:
    """The folders in which results are, with what gave them."""
    try:
        names = sorted(os.listdir(root / dvc.RESULTS))
    except OSError:
        return
    for name in names:
        folder = root / dvc.RESULTS / name
        found = _read(folder / dvc.MADE)
        if found is not None and all((folder / path).exists() for path in found.paths.values()):
            yield folder, found


def take_over(root: Path, store: Store, write: Callable[[], Store]) -> list[Action]:
    """Take results that are here into the store, where it lacks them and they are what they say; those taken.

    ``write`` opens the store for writing; it is called where there are any.
    """
    lacking = [(folder, found) for folder, found in every(root) if store.lookup(found.action.fingerprint) is None]
    if not lacking:
        return []
    write()
    return [found.action for folder, found in lacking if _taken(folder, found, store)]


def take_in(store: Store, path: Path, empty: tuple[str, ...] = ()) -> str:
    """Take a file or a folder into the store, without an action that gave it; its digest. Raises OSError."""
    with store.stage(["content"]) as paths:
        aside = paths["content"]
        files.copy(path, aside, empty)
        return store.keep(aside)


def _lies(folder: Path, step: Step, action: Action) -> bool:
    """Whether the result is there already; who made it, and when, is no difference."""
    found = _read(folder / dvc.MADE)
    if found is None or (found.action.fingerprint, found.action.outputs) != (action.fingerprint, action.outputs):
        return False
    metrics, plots = dvc.derived(step)
    try:
        if not all((folder / name).is_file() for name in (*metrics, *plots)):
            return False
        return all(
            _digest(folder / found.paths[output], found.empty.get(output, ())) == digest
            for output, digest in action.outputs.items()
        )
    except (OSError, KeyError, StepError):
        return False


def _taken(folder: Path, found: Made, store: Store) -> bool:
    action = found.action
    try:
        with store.lock(action.fingerprint), store.stage(action.outputs) as paths:
            for output, digest in action.outputs.items():
                files.copy(folder / found.paths[output], paths[output], found.empty.get(output, ()))
                if _digest(paths[output]) != digest:
                    return False
            store.commit(
                action.fingerprint,
                paths,
                identity=action.identity,
                kind=action.kind,
                inputs=action.inputs,
                record=action.record,
            )
            return True
    except (OSError, KeyError, StepError):
        # Something half brought or touched by hand is no result.
        return False


def _digest(path: Path, empty: tuple[str, ...] = ()) -> str:
    if not path.is_dir():
        return hash_file(path)
    names, found = tree.listing(path)
    hollow = tuple(sorted({*found, *empty}))
    return tree.encode(tree.Tree({name: hash_file(path / name) for name in names}, hollow))[0]


def _read(path: Path) -> Made | None:
    try:
        found = json_values.read(path, Made)
    except (OSError, ValueError):
        return None
    names = (*found.paths.values(), *found.empty, *(name for names in found.empty.values() for name in names))
    digests = all(tree.DIGEST.fullmatch(one) for one in (found.action.fingerprint, *found.action.outputs.values()))
    return found if digests and all(safe_files.stays_inside(name) for name in names) else None


def _swap(aside: Path, target: Path) -> None:
    """Put what was made aside in place of what is there."""
    if aside.is_dir() or target.is_dir():
        old = aside.with_name(f"{aside.name}-old")
        if os.path.lexists(target):
            target.rename(old)
        aside.rename(target)
        files.remove(old)
    else:
        aside.rename(target)


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        files.replace(path, content)


def _derived(step: Step, action: Action, store: Store) -> dict[str, bytes]:
    """The files beside the outputs that say the same in a form that DVC shows."""
    metrics, plots = dvc.derived(step)
    found: dict[str, Any] = {}

    def read(output: str) -> Any:
        return json_values.read(store.path(action.outputs[output]))

    if metrics and step.kind == "gate":
        decided = json_values.read(store.path(action.outputs["verdict"]), Verdict)
        value = {} if decided.value is None else {"value": decided.value}
        found[dvc.SCORES] = {**value, "verdict": decided.verdict}
    elif metrics:
        measured: Mapping[str, Mapping[str, Any]] = read("metrics")["metrics"]
        found[dvc.SCORES] = {
            name: {end: one[end] for end in ("value", "low", "high") if one.get(end) is not None}
            for name, one in measured.items()
        }
    if dvc.CURVE in plots:
        history = read("history")
        losses = {name: history[name] for name in ("train_loss", "validation_loss") if name in history}
        count = max((len(values) for values in losses.values()), default=0)
        found[dvc.CURVE] = [
            {"epoch": at + 1, **{name: values[at] for name, values in losses.items() if at < len(values)}}
            for at in range(count)
        ]
    if dvc.RELIABILITY in plots:
        found[dvc.RELIABILITY] = read("metrics")["reliability"]
    return {name: msgspec.json.format(msgspec.json.encode(value)) + b"\n" for name, value in found.items()}
