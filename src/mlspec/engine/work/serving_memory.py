"""Measures the memory that it takes to answer: a fresh process loads the package and predicts one row."""

import subprocess
import sys

from mlspec.diagnostics import StepError
from mlspec.engine.job import Job

PROGRAM = """
import sys
from pathlib import Path
import polars as pl
from mlspec.engine import measure, package
loaded = package.load(Path(sys.argv[1]), "cpu", root=Path(sys.argv[2]))
loaded.predict(pl.read_parquet(sys.argv[3], n_rows=1))
print(measure.peak_memory())
"""


def run(job: Job) -> None:
    """``model`` (the package), ``test`` -> ``memory``: ``{"bytes"}``, the peak resident memory of that process."""
    from mlspec.engine import results

    arguments = [str(job.inputs["model"]), str(job.root), str(job.inputs["test"])]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise StepError(f"the model could not answer in a process of its own: {told[-1] if told else 'it was killed'}")
    results.write_json(job.outputs["memory"], {"bytes": int(done.stdout.split()[-1])})
