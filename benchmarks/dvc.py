"""What tracking by DVC costs: ``mlspec run --backend dvc`` beside ``dvc repro`` on the same ``dvc.yaml``.

    python benchmarks/dvc.py [--steps 100,1000] [--shape fan,chain] [--only mlspec|dvc]

Trivial steps, each of which writes one small file: all independent (fan) or each reading the one before (chain). DVC's
stages are those that the engine writes, but for their commands: a line of shell that writes the same files, so that
starting Python a thousand times is not what is measured. ``first`` does all of them, ``again`` finds nothing to do. CPU
seconds, user and system, of a process and all that it started, starting up included.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENGINE = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step
root, count, chain = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "chain"
steps = [
    step(f"s{i}", *([f"s{i - 1}"] if chain and i else []), kind="join", constant=i) for i in range(count)
]
ran = run(graph(root, steps, engine="dvc"), kinds=KINDS, lock=False)
assert ran.status == "done" and ran.count(sys.argv[4]) == count, (ran.status, ran.failures[:3])
"""
INIT = "import sys; from dvc.repo import Repo; Repo.init(sys.argv[1], no_scm=True).close()"
SHELL = "d=mlspec.results/{name}; mkdir -p $d; printf {value} > $d/text; echo '{{}}' > $d/made.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", default="100")
    parser.add_argument("--shape", default="fan,chain")
    parser.add_argument("--only", choices=("mlspec", "dvc"))
    chosen = parser.parse_args()
    print("| steps | | first, CPU s | wall s | again, CPU s | wall s |\n| --- | --- | ---: | ---: | ---: | ---: |")
    for shape in chosen.shape.split(","):
        for count in (int(number) for number in chosen.steps.split(",")):
            rows = {}
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                python(INIT, folder)
                rows["mlspec run"] = [ours(root, count, shape, what) for what in ("done", "cached")]
                text = (root / "dvc.yaml").read_text()
                if chosen.only != "mlspec":
                    rows["dvc repro"] = theirs(root, text, count)
            for name, figures in rows.items():
                cells = " | ".join(f"{seconds:.2f}" for pair in figures for seconds in pair)
                print(f"| {count:,} ({shape}) | {name} | {cells} |", flush=True)
            if len(rows) == 2:
                ratios = [ours_[0] / other[0] for ours_, other in zip(*rows.values(), strict=True)]
                print(f"| | ratio of CPU | {ratios[0]:.2f} | | {ratios[1]:.2f} | |", flush=True)


def ours(root: Path, count: int, shape: str, what: str) -> tuple[float, float]:
    return cost(lambda: python(ENGINE, str(root), str(count), shape, what))


def theirs(root: Path, text: str, count: int) -> list[tuple[float, float]]:
    """The same stages in a repository of its own, done by DVC alone."""
    with tempfile.TemporaryDirectory() as folder:
        python(INIT, folder)
        os.symlink(root / "mlspec.params", Path(folder, "mlspec.params"))
        for index in range(count):
            text = text.replace(
                f"    cmd: mlspec step s{index}\n", f"    cmd: {SHELL.format(name=f's{index}', value=index)}\n"
            )
        Path(folder, "dvc.yaml").write_text(text)
        repro = [sys.executable, "-m", "dvc", "repro", "-q"]
        return [cost(lambda: subprocess.run(repro, cwd=folder, check=True)) for _ in range(2)]


def python(code: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env={**os.environ, "DVC_NO_ANALYTICS": "1"})


def cost(work: "object") -> tuple[float, float]:
    """CPU and wall seconds of what ``work`` starts."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()  # type: ignore[operator]
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended - began


if __name__ == "__main__":
    main()
