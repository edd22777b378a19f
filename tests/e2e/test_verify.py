"""Verification on another machine, which the settings of the numeric libraries replace: identical, equivalent, or
different with the reason."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlspec import api
from mlspec.engine.run import lockfile
from mlspec.engine.run.lockfile import Lock
from mlspec.engine.verify import Verified, compared
from mlspec.graph.graph import Graph
from mlspec.machine import processors

from .conftest import COMMAND

pytestmark = pytest.mark.slow  # whole runs on emulated machines

SPEC = """\
project: {name: small}
constraints: {quality: [{metric: roc_auc, at_least: 0.6}]}
data:
  sources: {people: {path: people.csv}}
  columns: {target: income}
model: {candidates: {linear: {type: logistic_regression}}}
"""
# Of the first x86-64 machines: every one that runs the tests has more.
OLD = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 X86_V3 X86_V4 AVX512F AVX512_SKX AVX512_ICL AVX512_SPR",
}


def mlspec(folder: Path, *arguments: str, code: int = 0, **environment: str) -> str:
    """The command, on a machine of which the environment says what it is."""
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def small(folder: Path, more: str = "") -> Path:
    """A spec whose linear model is fitted by matrix products."""
    rows = [(i * 37 % 101, i * 53 % 89 / 7, i * 29 % 97 / 3, i * 61 % 103 / 11) for i in range(600)]
    lines = [",".join(map(str, (*row, "high" if sum(row) + i * 7 % 31 > 85 else "low"))) for i, row in enumerate(rows)]
    (folder / "people.csv").write_text("\n".join(["a,b,c,d,income", *lines]) + "\n")
    (folder / "project.yaml").write_text(SPEC + more)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lock, Lock]:
    """The spec, its lock here, and what another machine gets."""
    folder = small(tmp_path_factory.mktemp("two"))
    mlspec(folder, "run")
    here = lockfile.read(folder / "mlspec.lock")
    mlspec(folder, "run", "--force", **OLD)
    there = lockfile.read(folder / "mlspec.lock")
    assert here is not None
    assert there is not None
    lockfile.write(folder / "mlspec.lock", here)
    return folder, here, there


@pytest.fixture(scope="module")
def graph(two: tuple[Path, Lock, Lock]) -> Graph:
    return api.compile(two[0]).plan.graph


def test_the_lock_says_what_it_was_computed_with(two: tuple[Path, Lock, Lock]) -> None:
    _folder, here, there = two
    assert {"processor", "instructions", "numpy", "blas", "threads"} <= here.machine.keys()
    assert there.machine["blas"] == "openblas Nehalem"
    assert there.machine["onednn"] == "SSE41"
    assert here.machine["threads"] == "1"


def test_verify_on_another_machine_is_equivalent_and_says_what_moved(two: tuple[Path, Lock, Lock]) -> None:
    folder, here, _there = two
    told = mlspec(folder, "verify", **OLD)
    assert "gave other digests on another machine; the verdicts are the same, every metric is in bounds" in told
    assert told.startswith("equivalent: ")
    assert "\n  began in: train.linear (" in told
    assert f"\n  blas: {here.machine['blas']} -> openblas Nehalem\n" in told
    assert told.endswith("  backend: {reproducible: portable} gives identical results on every x86-64 machine\n")
    assert mlspec(folder, "verify", "--exact", code=1, **OLD).startswith("different: ")


@pytest.mark.slow
def test_portable_results_are_identical_on_every_machine(tmp_path: Path) -> None:
    folder = small(tmp_path, "backend: {reproducible: portable}\n")
    mlspec(folder, "run")
    lock = lockfile.read(folder / "mlspec.lock")
    assert lock is not None
    assert lock.environment["instructions"] == "x86-64-v3"
    assert lock.machine["blas"] == "openblas Haswell"
    assert mlspec(folder, "verify", **OLD).startswith("identical: all ")


def edit(lock: Lock, place: tuple[str, ...], value: Any) -> Lock:
    """The lock with another value at a place."""
    plain = msgspec.to_builtins(lock)
    inner = plain
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return msgspec.convert(plain, Lock)


GATE = "gate.quality.roc_auc"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda here, there: edit(here, ("machine",), msgspec.to_builtins(there.machine)),
            "it is a machine like the one of mlspec.lock, so the results should be identical",
        ),
        (
            lambda here, _there: edit(here, ("machine",), {}),
            "mlspec.lock does not say which machine it was made on, so no other machine explains the difference",
        ),
        (
            lambda here, _there: edit(here, ("metrics", "roc_auc"), {"value": 0.6, "low": 0.59, "high": 0.61}),
            "outside 0.59 to 0.61, its interval or its spread over seeds",
        ),
        (lambda here, _there: edit(here, ("gates", GATE, "verdict"), "fail"), f"{GATE} was fail, and is pass"),
        (
            lambda here, _there: edit(here, ("steps", "split", "outputs", "train"), "0" * 64),
            "step split gives another result from equal inputs, and it computes nothing that depends on the processor",
        ),
        (
            lambda here, _there: edit(here, ("steps", "train.linear", "outputs", "model"), "0" * 64),
            "step predict.linear is another than in mlspec.lock: the spec, code or libraries have changed",
        ),
        (lambda here, _there: edit(here, ("environment", "numpy"), "1.0"), "and was 1.0"),
    ],
    ids=["same machine", "no machine", "metric", "verdict", "rows", "model", "library"],
)
def test_what_no_machine_explains_is_different(
    two: tuple[Path, Lock, Lock], graph: Graph, change: Callable[[Lock, Lock], Lock], reason: str
) -> None:
    _folder, here, there = two
    assert compared(here, there, graph).answer == "equivalent"
    found = compared(change(here, there), there, graph)
    assert found.answer == "different"
    assert reason in "\n".join(found.reasons)


def test_a_tolerance_replaces_the_interval_and_seeds_widen_it(two: tuple[Path, Lock, Lock], graph: Graph) -> None:
    _folder, here, there = two
    value = there.metrics["roc_auc"]["value"]
    assert value is not None
    moved = edit(here, ("metrics", "roc_auc"), {"value": value - 0.02, "low": value - 0.03, "high": value - 0.01})

    def answer(**tolerances: float) -> Verified:
        return compared(moved, there, graph, tolerances=tolerances)

    assert answer().answer == "different"
    assert answer(roc_auc=0.05).answer == "equivalent"
    assert answer(roc_auc=0.01).answer == "different"
    assert answer().shifts[0].metric == "roc_auc"
    spread = edit(moved, ("seeds",), {"roc_auc": [value - 0.02, value + 0.001]})
    assert compared(spread, there, graph).answer == "equivalent"


def test_a_changed_spec_or_source_is_different(two: tuple[Path, Lock, Lock], tmp_path: Path) -> None:
    _folder, here, there = two
    folder = small(tmp_path)
    text = SPEC.replace("logistic_regression}", "logistic_regression, C: 0.5}")
    (folder / "project.yaml").write_text(text)
    found = compared(here, there, api.compile(folder).plan.graph)
    assert "step train.linear is another than in mlspec.lock: the spec, code or libraries have changed" in found.reasons
    lockfile.write(folder / "mlspec.lock", here)
    (folder / "people.csv").write_text((folder / "people.csv").read_text() + "1,2,3,4,low\n")
    told = mlspec(folder, "verify", code=1)
    assert told == "different: source 'people' has changed since mlspec.lock was written\n"


def test_a_tolerance_that_makes_no_sense_is_refused(two: tuple[Path, Lock, Lock]) -> None:
    for text, told in (
        ("roc_auc", "is not METRIC=NUMBER"),
        ("roc_auc=-1", "is not METRIC=NUMBER"),
        ("f1=1", "no metric"),
    ):
        done = subprocess.run(
            [COMMAND, "verify", "--tolerance", text], cwd=two[0], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert told in done.stderr


def test_portable_needs_a_processor_with_avx2() -> None:
    every = frozenset({*processors.NEEDED, "avx512f"})
    assert processors.lacking("x86_64", every) == ""
    assert processors.lacking("x86_64", every - {"avx2"}) == "the processor lacks avx2"
    assert processors.lacking("aarch64", frozenset({"sve"})) == "this machine is aarch64"
