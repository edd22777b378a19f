"""Measures the memory that it takes to answer: a fresh process loads the package and predicts one row."""

import subprocess
import sys
from pathlib import Path

import polars as pl

from mlspec.diagnostics import StepError
from mlspec.machine import child_process, resources
from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.serving import package


def run(job: Job) -> None:
    """``model`` (the package), ``test`` -> ``memory``: ``{"bytes"}``, the peak resident memory of that process."""
    command = child_process.command(__name__, str(job.inputs["model"]), str(job.inputs["test"]))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = done.stderr.strip().splitlines()
        raise StepError(
            f"the model could not answer in a process of its own: {message[-1] if message else 'it was killed'}"
        )
    results.write_json(job.outputs["memory"], {"bytes": int(done.stdout.split()[-1])})


def main() -> None:
    """Be that process: print its peak memory in bytes."""
    model, rows = sys.argv[1:]
    package.load(Path(model), "cpu").predict(pl.read_parquet(rows, n_rows=1))
    print(resources.peak_memory())


if __name__ == "__main__":
    main()
