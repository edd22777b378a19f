"""Does what its params say: counts its runs in a file, prints, fails, dies, rests, gives a folder."""

import os
import signal
import sys
import time
from pathlib import Path

from mlspec.diagnostics import StepError
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``text`` names the step and what it read; ``folder`` is a small tree."""
    params = job.params
    with Path(job.root, "ran.txt").open("a") as ran:
        ran.write(f"{job.id}\n")
    if "print" in params:
        print(params["print"])
        print("to the error stream", file=sys.stderr)
    if "progress" in params:
        what = params["progress"] if isinstance(params["progress"], str) else "epochs"
        job.progress(what, 0.5, {"loss": 0.25})
        job.progress(what, 1.0, {"loss": 0.125})
    # Written to, or the kernel gives nothing.
    held = b"x" * params.get("hold", 0)
    if "wait_for" in params:
        while not Path(job.root, str(params["wait_for"])).exists():
            time.sleep(0.005)
    del held
    time.sleep(params.get("seconds", 0))
    if "resume" in params:
        mark = job.scratch / "halfway"
        if not mark.exists():
            mark.write_text("halfway")
            os.kill(os.getpid(), signal.SIGKILL)
    if "checkpoint" in params:
        mark = job.scratch / "deep" / "saved"
        if not mark.exists():
            mark.parent.mkdir()
            mark.write_text("saved")
            job.progress("saved", 1.0, {})
            time.sleep(600)
    for name, signum in (("kill", signal.SIGKILL), ("segfault", signal.SIGSEGV)):
        if name in params:
            os.kill(os.getpid(), signum)
    if "error" in params:
        raise ValueError(params["error"])
    if "refuse" in params:
        raise StepError(params["refuse"])
    if "exit" in params:
        sys.exit(params["exit"])
    if "nothing" in params:
        return
    if "link" in params:
        job.outputs["text"].symlink_to("/etc/passwd")
        return
    texts = [path.read_text() if path.is_file() else folder_text(path) for _, path in sorted(job.inputs.items())]
    if "folder" in job.outputs:
        (job.outputs["folder"] / "deep" / "empty").mkdir(parents=True)
        (job.outputs["folder"] / "deep" / "a.txt").write_text(params.get("text", ""))
        (job.outputs["folder"] / "b.txt").write_text("b")
    if "text" in job.outputs:
        own = str(params["constant"]) if "constant" in params else f"{params['text']}({','.join(texts)})"
        job.outputs["text"].write_text(f"{job.device} {list(job.gpus)}" if "where" in params else own)


def folder_text(folder: Path) -> str:
    """The text files below a folder, with their paths."""
    return "|".join(f"{path.relative_to(folder)}={path.read_text()}" for path in sorted(folder.rglob("*.txt")))
