"""``dvc.yaml`` beside a spec, to which ``compile --format dvc`` adds its stages."""

import functools
import json
from pathlib import Path
from random import Random

import beside
import wild
import yaml

from mlspec.diagnostics import SpecError
from mlspec.graph.graph import Graph
from mlspec_backends import _dvc_files

SHARE, TRACED = 30, True
KEYS = ("stages", "cmd", "deps", "outs", "params", "metrics", "plots", "meta", "mlspec", "vars", "artifacts", "desc")


def seeds() -> list[bytes]:
    """Stages of others, and one of ours."""
    ours = b"stages:\n  other: {cmd: true, deps: [a]}\n  split:\n    cmd: x\n    meta: {mlspec: project.yaml}\n"
    return [ours, b"# mine\nstages:\n  a:\n    cmd: x\nplots: []\n", b"", b"stages: {}\n", b"vars: [a]\n"]


def mutate(data: bytes, chance: Random) -> bytes:
    """Values, or bytes."""
    try:
        if chance.random() < 0.6:
            held = wild.tree(yaml.load(data, Loader=yaml.CSafeLoader), chance, KEYS)
            made = json.dumps(held) if chance.random() < 0.3 else yaml.dump(held, Dumper=yaml.CSafeDumper)
            return made.encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError, TypeError, yaml.YAMLError):
        pass
    return wild.raw(data, chance)


@functools.cache
def _graph(root: Path) -> Graph:
    return beside.compiled(root)[0]


def one(data: bytes, scratch: Path) -> str:
    """Put the stages in, and check that they are there."""
    root = beside.fresh(scratch, "dvc")
    graph = _graph(root)
    (root / _dvc_files.FILE).write_bytes(data)
    try:
        _dvc_files.check(graph, "project.yaml")
    except SpecError as error:
        checked = ",".join(one.code for one in error.diagnostics)
    else:
        checked = "same"
    written = _dvc_files.write(graph, "project.yaml")
    _dvc_files.check(graph, "project.yaml")
    return f"{checked} {min(3, len(written.others))}"
