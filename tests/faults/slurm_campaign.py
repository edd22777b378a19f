"""A spec with a tuning, run on SLURM while drivers, pilots, workers and node daemons are killed at random.

python tests/faults/slurm_campaign.py [KILLS] [SEED] [SECONDS]

It starts a cluster of its own. Each round runs the spec in a new folder, again and again until it succeeds; something
is killed about every SECONDS, which have to be more than the longest step takes. Then the results, their metrics and
verdicts have to be those of a run on this machine without a kill, the store undamaged, and no job, process or folder of
the pool left.
"""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.backends.slurm_cluster import NODES, Cluster, wait

from mlspec import paths
from mlspec.store import upkeep
from mlspec.store.store import Store

ROWS = 400
PROGRAM = "import sys; from mlspec.cli import main; sys.exit(main(sys.argv[1:]))"
SPEC = """\
mlspec: 1
project: {name: killed}
constraints:
  quality: [{metric: roc_auc, at_least: 0.6}]
data:
  sources:
    rows: {path: rows.csv}
  columns: {target: y}
model:
  candidates:
    linear: {type: logistic_regression}
    net: {type: torch.mlp, hidden: [8], epochs: 30}
tuning:
  net: {trials: 4, parallel: 2}
"""


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
    folder = Path(tempfile.mkdtemp(prefix="mlspec-kills-"))
    cluster = Cluster(folder)
    killed: collections.Counter[str] = collections.Counter()
    rounds = runs = 0
    try:
        cluster.start()
        os.environ["SLURM_CONF"] = str(cluster.config)
        expected = unkilled(project(folder / "expected"), "cpu")
        while sum(killed.values()) < wanted:
            rounds += 1
            root = project(folder / f"round{rounds}")
            runs += run_with_kills(root, cluster, dice, killed, wanted, seconds)
            found = results(root)
            assert found == expected, f"round {rounds}: {[key for key in found if found[key] != expected[key]]} differ"
            wait(lambda: not cluster.jobs() and not cluster.processes("mlspec.engine"), "nothing is left", 60)
            assert os.listdir(root / ".mlspec" / "slurm") == []
            assert upkeep.verify(Store(paths.store(paths.home(root)))) == []
            print(f"round {rounds}: the same results after {runs} runs, {dict(killed)}", flush=True)
            shutil.rmtree(root)
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


def project(root: Path) -> Path:
    """The spec and its rows, always the same."""
    root.mkdir()
    dice = random.Random(1)
    rows = [(dice.gauss(0, 1), dice.gauss(0, 1), dice.choice("abc")) for _ in range(ROWS)]
    lines = [f"{a:.4f},{b:.4f},{c},{'yes' if a + b + dice.gauss(0, 1) > 0 else 'no'}" for a, b, c in rows]
    (root / "rows.csv").write_text("\n".join(["a,b,c,y", *lines]) + "\n")
    (root / "project.yaml").write_text(SPEC)
    return root


def unkilled(root: Path, backend: str) -> dict[str, object]:
    """The results of a run without a kill."""
    process = begin(root, backend)
    assert process.wait() == 0, (root / "out.txt").read_text()
    return results(root)


def results(root: Path) -> dict[str, object]:
    """What the lock of a run says of its results: not how long they took."""
    lock = json.loads((root / "mlspec.lock").read_text())
    steps = {name: (step["fingerprint"], step["outputs"]) for name, step in lock["steps"].items()}
    return {"steps": steps, **{key: lock[key] for key in ("metrics", "candidates", "gates", "holdout")}}


def begin(root: Path, backend: str) -> "subprocess.Popen[bytes]":
    with (root / "out.txt").open("ab") as out:
        command = [sys.executable, "-P", "-c", PROGRAM, "run", "--backend", backend]
        return subprocess.Popen(command, cwd=root, stdout=out, stderr=out)


def run_with_kills(
    root: Path, cluster: Cluster, dice: random.Random, killed: "collections.Counter[str]", wanted: int, seconds: float
) -> int:
    """How many runs it took."""
    runs = 0
    while True:
        runs += 1
        process = begin(root, "slurm")
        down: list[str] = []
        try:
            while True:
                try:
                    code = process.wait(dice.uniform(0.1, 2) * seconds)
                    break
                except subprocess.TimeoutExpired:
                    pass
                for node in down:
                    cluster.revive_node(node)
                down.clear()
                victim = dice.choice(("driver", "pilot", "worker", "worker", "slurmd"))
                if sum(killed.values()) < wanted and kill(victim, process, cluster, dice, down):
                    killed[victim] += 1
                    print(f"killed: {victim}", flush=True)
        finally:
            for node in down:
                cluster.revive_node(node)
        if code == 0:
            return runs
        assert code in (3, -signal.SIGKILL), (code, (root / "out.txt").read_text()[-2000:])


def kill(
    victim: str, driver: "subprocess.Popen[bytes]", cluster: Cluster, dice: random.Random, down: list[str]
) -> bool:
    """Whether there was one to kill."""
    if victim == "slurmd":
        down.append(dice.choice(NODES))
        cluster.kill_node(down[0])
        return True
    module = {"pilot": "mlspec.engine.remote", "worker": "mlspec.engine.worker"}.get(victim, "")
    found = cluster.processes(module) if module else [driver.pid]
    if not found:
        return False
    try:
        os.kill(dice.choice(found), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")
