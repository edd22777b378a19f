"""What compiling and planning cost as a project grows: CPU time after start-up for 1,000, 3,000 and 10,000 steps.

Run: ``python benchmarks/planner.py [--json]``. The budget is 1.5 s for reading, compiling and planning 10,000 steps,
growing linearly; the last columns hold each size against the smallest one. Each figure is the best of three, without
the garbage collector, as the command runs.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlspec.graph.build import compile_graph
from mlspec.graph.plan import plan
from mlspec.rules import check
from mlspec.spec.read import read

CANDIDATES = (330, 1_000, 3_300)
REPEATS = 3
T = TypeVar("T")
HEAD = """mlspec: 1
project: {name: wide, task: binary_classification}
constraints:
  quality: [{metric: roc_auc, at_least: 0.5}]
data:
  sources:
    people: {path: people.csv}
  columns: {target: income}
model:
  candidates:
"""


def main() -> None:
    gc.disable()
    rows = [measure(count) for count in CANDIDATES]
    if "--json" in sys.argv[1:]:
        print(json.dumps(rows, indent=2))
        return
    print("| candidates | steps | read + check | compile | plan (empty) | plan (cached) | whole | steps x | time x |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    first = rows[0]
    for row in rows:
        times = " | ".join(f"{row[name]:.3f} s" for name in ("read", "compile", "plan_empty", "plan_cached", "whole"))
        steps, whole = row["steps"] / first["steps"], row["whole"] / first["whole"]
        print(f"| {row['candidates']:,} | {row['steps']:,} | {times} | {steps:.1f} | {whole:.1f} |")


def measure(candidates: int) -> dict[str, float]:
    """The CPU seconds of each part, for a spec with that many candidates."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "people.csv").write_text("age,job,income\n" + "31,a,low\n52,b,high\n" * 20)
        lines = [f"    m{index}: {{type: logistic_regression, C: {1 + index}}}" for index in range(candidates)]
        spec = root / "project.yaml"
        spec.write_text(HEAD + "\n".join(lines) + "\n")
        reading, (project, document, facts) = best(lambda: load(spec))
        compiling, graph = best(lambda: compile_graph(project, facts, document))
        empty, _plan = best(
            lambda: plan(graph.replace(graph.steps), lambda _fingerprint: None, known=lambda _identity: False)
        )
        outputs = dict.fromkeys((name for step in graph.steps.values() for name in step.outputs), "0" * 64)
        cached, done = best(lambda: plan(graph, lambda _fingerprint: outputs))
    assert not done.pending()
    return {
        "candidates": candidates,
        "steps": len(graph.steps),
        "read": reading,
        "compile": compiling,
        "plan_empty": empty,
        "plan_cached": cached,
        "whole": reading + compiling + max(empty, cached),
    }


def load(spec: Path):  # type: ignore[no-untyped-def]
    """The spec, read and checked."""
    project, document = read(spec)
    facts, found = check.facts(project, document, spec.parent)
    found += check.check(project, document, facts)
    assert not any(one.severity == "error" for one in found), found
    return project, document, facts


def best(work: Callable[[], T]) -> tuple[float, T]:
    """The least CPU time of a few repeats, and what the work gave."""
    times = []
    for _repeat in range(REPEATS):
        started = time.process_time()
        result = work()
        times.append(time.process_time() - started)
    return min(times), result


if __name__ == "__main__":
    main()
