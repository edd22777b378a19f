"""A spec with a tuning, run on Ray while drivers, Ray's processes, workers and a node's daemon are killed at random.

python tests/faults/ray_campaign.py [KILLS] [SEED] [SECONDS]

As `slurm_campaign.py`, on a Ray cluster of its own. The first node has Ray's head, which nothing survives: only the
second one's daemon is killed.
"""

import collections
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

from tests.backends.ray_cluster import Cluster
from tests.backends.slurm_cluster import wait
from tests.faults.slurm_campaign import begin, project, results, unkilled

from mlspec import paths
from mlspec.store import upkeep
from mlspec.store.store import Store

VICTIMS = {"ray": "ray::mlspec", "worker": "mlspec.engine.worker"}


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
        os.environ.update(cluster.environment)
        expected = unkilled(project(folder / "expected"), "cpu")
        while sum(killed.values()) < wanted:
            rounds += 1
            root = project(folder / f"round{rounds}")
            runs += run_with_kills(root, cluster, dice, killed, wanted, seconds)
            found = results(root)
            assert found == expected, f"round {rounds}: {[key for key in found if found[key] != expected[key]]} differ"
            wait(lambda: not any(map(cluster.processes, VICTIMS.values())), "nothing is left", 60)
            assert upkeep.verify(Store(paths.store(paths.home(root)))) == []
            print(f"round {rounds}: the same results after {runs} runs, {dict(killed)}", flush=True)
            shutil.rmtree(root)
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


def run_with_kills(
    root: Path, cluster: Cluster, dice: random.Random, killed: "collections.Counter[str]", wanted: int, seconds: float
) -> int:
    """How many runs it took."""
    runs, down = 0, False
    while True:
        runs += 1
        process = begin(root, "ray")
        while True:
            try:
                code = process.wait(dice.uniform(0.1, 2) * seconds)
                break
            except subprocess.TimeoutExpired:
                pass
            if down:
                cluster.revive_node("n2")
                down = False
            victim = dice.choice(("driver", "ray", "worker", "worker", "raylet"))
            if sum(killed.values()) < wanted and kill(victim, process, cluster, dice):
                killed[victim] += 1
                down = victim == "raylet"
                print(f"killed: {victim}", flush=True)
        if down:
            cluster.revive_node("n2")
            down = False
        if code == 0:
            return runs
        assert code in (3, -signal.SIGKILL), (code, (root / "out.txt").read_text()[-2000:])


def kill(victim: str, driver: "subprocess.Popen[bytes]", cluster: Cluster, dice: random.Random) -> bool:
    """Whether there was one to kill."""
    if victim == "raylet":
        found = [cluster.daemon("n2")]
    else:
        found = cluster.processes(VICTIMS[victim]) if victim in VICTIMS else [driver.pid]
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
