"""How many small mistakes in the code that decides do the tests find? ``python tests/mutants [part ...]``.

A mutant is a module with one small change: a bound without its equality, a call dropped, a condition turned round. It
is killed when a test of its part fails. Prints each one that survives and, at the end, how many were killed; exit 1
where fewer than nine of ten are. ``--most`` mutants of each module are tried, drawn by ``--seed``.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Mutants

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTS: dict[str, tuple[list[str], list[str]]] = {  # modules, and the tests that hold them
    "store": (
        [*(f"mlspec.store.{name}" for name in ("action", "files", "locks", "store", "tree", "upkeep", "workspace")),
         "mlspec.engine.run.dvc_results"],
        ["tests/store/test_store.py", "tests/store/test_locks.py", "tests/engine/test_dvc_results.py"],
    ),
    "shared": (
        ["mlspec.store.sealed", "mlspec.store.shared"],
        ["tests/store/test_shared_store.py", "tests/store/test_sealed.py", "tests/backends/test_shared.py"],
    ),
    "graph": (
        ["mlspec.graph.fingerprint", "mlspec.graph.plan"],
        ["tests/graph/test_plan.py", "tests/graph/test_fingerprints.py"],
    ),
    "load": (["mlspec.spec.load"], ["tests/spec/test_load.py", "tests/spec", "tests/rules"]),
    "diff": (
        ["mlspec.diff.classes", "mlspec.diff.key_rules"],
        ["tests/diff/test_meanings.py", "tests/diff/test_classes.py", "tests/diff/test_cases.py"],
    ),
    "gate": (
        ["mlspec.plugins.verdict",
         *(f"mlspec.constraints.{name}" for name in ("quality", "fairness", "latency", "budget", "examples")),
         *(f"mlspec.steps.evaluation.{name}" for name in ("intervals", "decisions"))],
        ["tests/constraints", "tests/work_models", "tests/e2e/test_bounds.py"],
    ),
}  # fmt: skip
LEAST = 0.9


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python tests/mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without one")
    parser.add_argument("--most", type=int, default=60, help="mutants of a module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    unknown = set(options.parts) - PARTS.keys()
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    parts = options.parts or list(PARTS)
    found = [_part(parts[0], options)] if len(parts) == 1 else [_started(part, options) for part in parts]
    killed, tried = (sum(column) for column in zip(*found, strict=True))
    print(f"{killed} of {tried} mutants killed, {killed / max(tried, 1):.0%}", flush=True)
    return 0 if tried and killed >= LEAST * tried else 1


def _started(part: str, options: argparse.Namespace) -> tuple[int, int]:
    """A part in a process of its own: killed, tried."""
    print(f"== {part}", flush=True)
    command = [sys.executable, str(HERE), part]
    for name in ("most", "seed", "jobs"):
        command += [f"--{name}", str(getattr(options, name))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        last = ""
        for line in running.stdout:
            print(line, end="", flush=True)
            last = line
    killed, _of, tried, *_rest = last.split()
    return int(killed), int(tried)


def _part(part: str, options: argparse.Namespace) -> tuple[int, int]:
    os.chdir(ROOT)
    os.environ.pop("CI", None)
    sys.dont_write_bytecode = True
    modules, tests = PARTS[part]
    plain = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:terminal", "-o", "addopts="]
    with os.fdopen(os.dup(1), "w") as out:  # pytest takes what is printed
        plugin = Mutants(modules, options, lambda line: print(line, file=out, flush=True))
        pytest.main([*plain, "--import-mode=importlib", "-m", "not slow", *tests], plugins=[plugin])
    return sum(one.outcome == "killed" for one in plugin.outcomes), len(plugin.outcomes)


if __name__ == "__main__":
    sys.exit(main())
