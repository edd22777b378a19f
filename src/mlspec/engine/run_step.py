"""The one function that runs a step, in whatever process."""

import contextlib
import importlib
import os
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlspec import paths
from mlspec.diagnostics import StepError
from mlspec.engine.backend import Damaged, Ending, Failed, Finished, Setting, Task
from mlspec.engine.parts import Asking, Send
from mlspec.engine.usage import Measure
from mlspec.machine import processors, resources, secret_values
from mlspec.steps.job import Job, LostError
from mlspec.store.errors import FULL, DamagedError, describe
from mlspec.store.shared import Shared
from mlspec.store.store import Store

NODE = "MLSPEC_NODE"  # the environment variable with the name of a cluster's node, on that node
Advance = Callable[[str, float, dict[str, float]], None]


def run_step(
    task: Task,
    store: Store,
    setting: Setting,
    log: Path,
    progress: Advance,
    shared: Shared | None = None,
    send: Send | None = None,
) -> Ending:
    """Do a step and store what it gives; the store is open for writing.

    The ending says how it ended: Finished (also when another run has done it meanwhile, or the ``shared`` store has its
    result), Failed or Damaged. What the work raised, beside StepErrors, is added to ``log`` with its traceback.
    ``send`` has parts done that the step asks for.
    """
    if task.trivial:
        # Done again before it would be fetched.
        shared = None
    scratch = paths.scratch(setting.home) / store.private(task.scratch or task.fingerprint)
    asking = Asking(task, store, send) if task.asks and send is not None else None
    share = None if setting.memory is None else setting.memory // (setting.steps or resources.cores())
    try:
        with store.lock(task.fingerprint, lambda: progress("waits for another run of the same step", 0.0, {})):
            found = None if task.force else store.lookup(task.fingerprint)
            if found is not None:
                return Finished(task.step, found, made=False)
            if shared is not None and not task.force:
                found = shared.fetch(task.fingerprint, store)
                if found is not None:
                    return Finished(task.step, found, made=False)
            inputs = {name: store.path(digest) for name, digest in task.inputs.items()}
            with store.stage(task.outputs) as outputs:
                if not task.trivial:
                    scratch.mkdir(parents=True, exist_ok=True)
                measure = Measure(watched=not task.trivial)
                job = Job(
                    id=task.step,
                    kind=task.kind,
                    params=task.params,
                    inputs=inputs,
                    outputs=outputs,
                    scratch=scratch,
                    root=setting.root,
                    device=task.device,
                    processes=task.processes,
                    elsewhere=task.elsewhere,
                    gpus=task.gpus,
                    accumulate=setting.accumulate,
                    seconds=task.seconds,
                    threads=task.threads,
                    memory=share,
                    allowed=setting.memory,
                    records=task.records,
                    files=task.files,
                    progress=progress,
                    do_parts=asking,
                )
                try:
                    _work(task.work, job, log)
                except (StepError, DamagedError):
                    measure.end()
                    raise
                missing = [name for name, path in outputs.items() if not path.exists()]
                if missing:
                    raise StepError(f"it did not write '{missing[0]}'")
                record = measure.record(task.step) | ({} if task.trivial else _machine())
                action = store.commit(
                    task.fingerprint,
                    outputs,
                    identity=task.identity,
                    kind=task.kind,
                    inputs=task.inputs,
                    record=record if asking is None else asking.record(record),
                    sync=not task.trivial,
                )
        # Only now: a kill before this point finds the checkpoints again.
        if not task.trivial and not task.scratch:
            shutil.rmtree(scratch, ignore_errors=True)
        if asking is not None:
            asking.discard()
        if shared is not None:
            shared.fill(action, store)
        return Finished(task.step, action, made=True, note="" if shared is None else shared.trouble)
    except DamagedError as error:
        return Damaged(task.step, error.digest)
    except StepError as error:
        cause = secret_values.hidden(str(error))
        lost = isinstance(error, LostError)
        return Failed(task.step, cause, str(log), setting=error.setting, path=error.path, lost=lost)
    except OSError as error:
        return Failed(task.step, f"its result could not be stored: {describe(error)}", str(log))


def _machine() -> dict[str, Any]:
    found, node = processors.chosen(), os.environ.get(NODE)
    return ({"machine": found} if found else {}) | ({"node": node} if node else {})


def _work(module: str, job: Job, log: Path) -> None:
    """Raises StepError, whatever the work raises; DamagedError where a part of it found an input damaged."""
    try:
        importlib.import_module(module).run(job)
    except (StepError, DamagedError):
        raise
    except MemoryError:
        _note(log)
        raise StepError("there was not enough memory") from None
    except OSError as error:
        _note(log)
        raise StepError(describe(error) if error.errno in FULL else _line(error)) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the panic of a library is no Exception
        _note(log)
        raise StepError(_line(error)) from None


def _line(error: BaseException) -> str:
    text = " ".join(secret_values.hidden(str(error)).split())
    if len(text) > 300:
        text = text[:297] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _note(log: Path) -> None:
    """Add the traceback of the exception at hand to a log, if that can be written."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(secret_values.hidden(traceback.format_exc()))
