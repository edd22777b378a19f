"""The result of a step whose work was done by parts: a folder with the tables of all parts, none of them copied."""

import os
import shutil
from pathlib import Path

from mlspec.steps.job import Job


def gathered(job: Job) -> bool:
    """Whether the step's work was done by parts; then its outputs are made.

    An input ``OUTPUT.NUMBER`` is the part of an output that has this place; one called like an output is that output.
    """
    parts: dict[str, list[str]] = {}
    for name in sorted(job.inputs):
        output, dot, number = name.partition(".")
        if dot and output in job.outputs and number.isdigit():
            parts.setdefault(output, []).append(name)
    if not parts:
        return False
    for output, path in job.outputs.items():
        if output in parts:
            path.mkdir()
            for name in parts[output]:
                _link(job.inputs[name], path / f"{name.partition('.')[2]}.parquet")
        else:
            _link(job.inputs[output], path)
    return True


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
