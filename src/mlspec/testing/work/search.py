"""Asks for parts of itself in turns, as a tuning asks for trials; alone it only names them.

A part notes in a file where it ran, by which process, and whether it found what the part of the same number had left.
"""

import os
import time
from pathlib import Path

from mlspec.diagnostics import StepError
from mlspec.steps.job import Job, Part


def run(job: Job) -> None:
    """``text`` has the texts of all parts: their names."""
    params = job.params
    if "part" in params:
        _part(job, params["part"])
        return
    Path(job.root, "pid.txt").write_text(str(os.getpid()))
    texts = []
    for turn in range(params.get("turns", 1)):
        names = [f"part-{turn}-{number}" for number in range(params["parallel"])]
        if job.do_parts is None:
            texts += names
            continue
        parts = [Part(name, run.__module__, {"part": name}, ("text",)) for name in names]
        texts += [found["text"].read_text() for found in job.do_parts(parts)]
    job.outputs["text"].write_text(",".join(texts))


def _part(job: Job, name: str) -> None:
    mark = job.scratch / name.rpartition("-")[2]
    with Path(job.root, "ran.txt").open("a") as ran:
        ran.write(f"{name} {os.environ.get('MLSPEC_NODE')} {os.getpid()} {'again' if mark.exists() else 'first'}\n")
    mark.touch()
    job.progress("epochs", 0.5, {})
    while name in job.params.get("wait", ()) and not Path(job.root, "go").exists():
        time.sleep(0.005)
    if name == job.params.get("fails"):
        print("its own words")
        raise StepError("it fails")
    job.outputs["text"].write_text(name)
