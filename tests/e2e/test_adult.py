"""The census example: every section of the language on real data; killed in the middle, it goes on."""

import json
import os
import re
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
SPEC = Path(__file__).parents[2] / "specs/adult-income"
COMMAND = Path(sysconfig.get_path("scripts")) / "mlspec"
SMOKE = ("--profile", "smoke")


@pytest.fixture
def adult(tmp_path: Path) -> Path:
    target = tmp_path / "adult-income"
    shutil.copytree(SPEC, target, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    return target


def metrics(folder: Path, mlspec: Mlspec) -> object:
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    return shown["scores"], shown["selected"], [(gate["gate"], gate["verdict"]) for gate in shown["gates"]]


@pytest.mark.slow
def test_the_smoke_profile_runs_and_holds(adult: Path, mlspec: Mlspec) -> None:
    done = mlspec("run", *SMOKE, cwd=adult)
    assert "All 6 constraints hold" in done.stdout
    assert re.search(r"^pass  roc_auc at least 0.8 ", done.stdout, re.MULTILINE)
    assert not (adult / "mlspec.lock").exists()  # a profile is a try; the lock tells of the spec itself
    steps = {step["id"]: step for step in json.loads(mlspec("compile", "--format", "json", cwd=adult).stdout)["steps"]}
    seen = {column["name"] for column in steps["prepare.boost"]["schemas"]["train"]}
    assert not {"sex", "race", "fnlwgt"} & seen
    readers = {
        step
        for step, about in steps.items()
        for read in about["inputs"].values()
        if read == {"step": "split", "output": "test"}
    }
    assert readers == {
        "predict",
        "measure.latency",
        "baseline.majority",
        "baseline.rule",
        "evaluate",
        "check.data.test",
    }


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_metrics(adult: Path, mlspec: Mlspec, tmp_path: Path) -> None:
    other = tmp_path / "undisturbed"
    shutil.copytree(adult, other)
    mlspec("run", *SMOKE, cwd=other)
    running = subprocess.Popen(
        [COMMAND, "run", *SMOKE, "--format", "json"],
        cwd=adult,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdout is not None
    with running.stdout:
        finished = set()
        for line in running.stdout:
            event = json.loads(line)
            if event["event"] == "step_finished":
                finished.add(event["step"])
            if event["event"] == "step_progress" and event["step"] == "train.mlp":
                break
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    again = mlspec("run", *SMOKE, cwd=adult)
    done = set(re.findall(r"^(\S+): done in", again.stderr, re.MULTILINE))
    assert finished
    assert not finished & done
    assert metrics(adult, mlspec) == metrics(other, mlspec)
