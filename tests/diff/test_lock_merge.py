"""Locks of two runs merged in git: what one side computed stays, what may be of another model does not."""

import copy
import json
import os
import random
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.diff.lock_merge import merge_locks
from mlspec.engine.run import lockfile

BIN = Path(sysconfig.get_path("scripts"))
LOCK = json.loads((Path(__file__).parents[2] / "specs/adult-income/mlspec.lock").read_bytes())
GATE, OTHER = "gate.quality.roc_auc", "gate.quality.log_loss"
Lock = dict[str, Any]


UNORDERED = {"holdout": 0, "seal": ""}  # the order of uses is that of the sides, and the seal follows


def step(name: str) -> Callable[[Lock], None]:
    def edit(lock: Lock) -> None:
        lock["steps"][name] = {"fingerprint": f"{name} of {id(edit)}", "outputs": {}, "seconds": 1.0}

    return edit


def gate(name: str, verdict: str) -> Callable[[Lock], None]:
    def edit(lock: Lock) -> None:
        lock["gates"][name] = {"requirement": "new", "verdict": verdict, "value": 0.5}
        lock["steps"][name] = {"fingerprint": f"{name} {verdict}", "outputs": {}, "seconds": 1.0}

    return edit


def use(name: str) -> Callable[[Lock], None]:
    return lambda lock: lock["holdout"].append({"data": name, "predictions": name, "test": name})


def timed(lock: Lock) -> None:
    for one in lock["steps"].values():
        one["seconds"] = 77.0


def text(*edits: Callable[[Lock], None]) -> bytes:
    lock = copy.deepcopy(LOCK)
    for edit in edits:
        edit(lock)
    return json.dumps(lock).encode()


@pytest.fixture(name="merged")
def merged_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Lock, str]]:
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")

    def git(*arguments: str, code: int = 0) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def merged(ours: bytes, theirs: bytes, base: bytes = text(), code: int = 0) -> tuple[Lock, str]:
        git("init", "-q", "-b", "main")
        git("config", "merge.mlspec.driver", "mlspec merge %O %A %B %P")
        (tmp_path / ".gitattributes").write_text("mlspec.lock merge=mlspec\n")
        for branch, content in (("main", base), ("theirs", theirs), ("main", ours)):
            git(
                "switch", "-q", *(() if branch == "main" and content is ours else ("-c",)), branch
            ) if content is not base else None
            (tmp_path / "mlspec.lock").write_bytes(content)
            git("add", "-A")
            git("commit", "-q", "--allow-empty", "-m", "one")
        said = git("merge", "-q", "theirs", "-m", "both", code=code)
        content = (tmp_path / "mlspec.lock").read_bytes()
        lockfile.decode(content)
        return json.loads(content), said

    return merged


def test_what_one_side_computed_stays_with_every_use_of_the_test_rows(merged: Callable[..., tuple[Lock, str]]) -> None:
    lock, said = merged(text(gate(GATE, "fail"), use("ours")), text(gate(OTHER, "pass"), use("theirs"), timed))
    assert lock["gates"][GATE]["verdict"] == "fail"
    assert lock["gates"][OTHER]["requirement"] == "new"
    assert [one["data"] for one in lock["holdout"][-2:]] == ["ours", "theirs"]
    assert lock["metrics"] == LOCK["metrics"]
    assert "left out" not in said


def test_a_verdict_of_the_former_model_is_left_out(merged: Callable[..., tuple[Lock, str]]) -> None:
    """They tightened a gate and ran; we changed the model: their verdict is not about it."""
    lock, said = merged(text(step("train.boost"), gate(GATE, "pass")), text(gate(OTHER, "pass")))
    assert lock["gates"][GATE]["verdict"] == "pass"
    assert OTHER not in lock["gates"]
    assert OTHER not in lock["steps"]
    assert f"mlspec.lock: 2 results are left out, because they differ: gates {OTHER}, steps {OTHER}" in said
    assert "mlspec run computes what is missing" in said


def test_two_models_leave_no_verdict_and_no_metric(merged: Callable[..., tuple[Lock, str]]) -> None:
    lock, _ = merged(
        text(step("train.boost"), step("select"), use("ours")), text(step("train.mlp"), step("select"), use("theirs"))
    )
    assert lock["gates"] == lock["metrics"] == {}
    assert "select" not in lock["steps"]
    assert {"train.boost", "train.mlp", "split"} <= lock["steps"].keys()
    assert [one["data"] for one in lock["holdout"][-2:]] == ["ours", "theirs"]


def test_both_changed_one_gate(merged: Callable[..., tuple[Lock, str]]) -> None:
    lock, _ = merged(text(gate(GATE, "fail")), text(gate(GATE, "pass")))
    assert GATE not in lock["gates"]
    assert GATE not in lock["steps"]
    assert OTHER in lock["gates"]


@pytest.mark.parametrize(
    "theirs", [b"<<<<<<< ours\n{}\n", b'{"version": 99}', b"[" * 5000, b'{"version": 1, "steps": 3}']
)
def test_what_is_no_lock_is_a_conflict_without_markers(merged: Callable[..., tuple[Lock, str]], theirs: bytes) -> None:
    lock, said = merged(text(gate(GATE, "fail")), theirs, code=1)
    assert lock["gates"][GATE]["verdict"] == "fail"
    assert "mlspec.lock is not merged: one side is not a lock" in said


EDITS = [step("train.boost"), step("split"), step("evaluate"), gate(GATE, "pass"), gate(GATE, "fail"),
         gate(OTHER, "unknown"), use("a"), use("b"), timed, lambda lock: lock["gates"].pop(OTHER, None),
         lambda lock: lock["metrics"].update(f1={"value": 0.5, "low": 0.4, "high": 0.6}),
         lambda lock: lock["environment"].update(numpy="9"),
         lambda lock: lock["sources"].pop("test", None)]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_laws_of_merged_locks(seed: int) -> None:
    chance = random.Random(seed)
    base, one, other = (text(*chance.sample(EDITS, chance.randrange(5))) for _ in range(3))
    for side in (one, other):
        for three in ((base, side, base), (base, base, side), (base, side, side)):
            found, wanted = untimed(merge_locks(*three).text), untimed(side)
            if found["holdout"] == wanted["holdout"]:
                assert found == wanted, "sealed as it was"
            assert found | UNORDERED == wanted | UNORDERED
    there, back = (merge_locks(base, *sides) for sides in ((one, other), (other, one)))
    assert there.left_out == back.left_out
    assert untimed(there.text) | UNORDERED == untimed(back.text) | UNORDERED
    merged = json.loads(there.text)
    for side in (base, one, other):
        assert [use for use in json.loads(side)["holdout"] if use not in merged["holdout"]] == []
    for name, verdict in merged["gates"].items():
        assert verdict in (json.loads(one)["gates"].get(name), json.loads(other)["gates"].get(name))


def untimed(content: bytes) -> Lock:
    lock: Lock = json.loads(content)
    for one in lock["steps"].values():
        one.pop("seconds", None)
    return lock
