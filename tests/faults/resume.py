"""Kills at random moments of what takes long: a network's training, a search. ``test_resume.py`` tries a few.

python tests/faults/resume.py training SPEC STEP 20   kill -9 of the whole process tree of `mlspec run --only STEP`
python tests/faults/resume.py tuning SPEC STEP 20     the same of a search: same trials, same best

Every kill is of a run that is in the middle of STEP, and the next run goes on from there; when STEP has come to its end
its results are compared with those of an undisturbed run; while kills are left, it begins again. Prints one
line and exits with 1 where any result differs.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

Outputs = dict[str, str]
START = "import sys; from mlspec.cli import main; sys.exit(main())"


def campaign(spec: Path, step: str, kills: int, seed: int = 3) -> tuple[Outputs, list[Outputs], int]:
    """The undisturbed outputs of a step, those of each time that it came to its end, and how many kills there were."""
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        root = fresh(spec, Path(scratch, "whole"))
        expected, told = run(root, step, None)
        assert expected is not None, "the undisturbed run did not come to its end"
        ended: list[Outputs] = []
        done = 0
        while done < kills:
            root = fresh(spec, Path(scratch, f"killed-{len(ended)}"))
            found: Outputs | None = None
            while found is None:
                # A share of what an undisturbed run tells of its progress, so that the machine's load plays no part.
                dies_at = moments.randint(1, max(1, told // 4)) if done < kills else None
                found, _lines = run(root, step, dies_at)
                done += found is None
            ended.append(found)
            shutil.rmtree(root)
        return expected, ended, done


def run(root: Path, step: str, dies_at: int | None) -> tuple[Outputs | None, int]:
    """Run up to the end, or until a step has reported its progress so often and the whole process tree is killed; its
    outputs (None: killed), and how often it told."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, "run", str(root / "project.yaml"), "--only", step, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    told, last = 0, ""
    for line in process.stdout:
        last = line
        event = json.loads(line)
        told += event.get("event") == "step_progress" and event["step"] == step
        if dies_at is not None and told >= dies_at:
            for number in [*tree(process.pid), process.pid]:
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.wait()
            process.stdout.close()
            return None, told
    process.stdout.close()
    process.wait()
    facts = json.loads(last)
    outputs = {entry["id"]: entry["outputs"] for entry in facts["steps"]}
    assert step in outputs, facts.get("failures")
    return outputs[step], told


def tree(process: int) -> Iterator[int]:
    """The processes that a process has started, and theirs."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield from tree(child)
        yield child


def fresh(spec: Path, root: Path) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(spec, root, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    return root


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["training" | "tuning", folder, name, number]:
            whole, results, count = campaign(Path(folder), name, int(number))
            differ = sum(result != whole for result in results)
            print(f"{name}: {count} kills in {len(results)} runs that came to their end, {differ} of other results")
            sys.exit(differ > 0)
        case _:
            sys.exit(__doc__)
