"""What is still to be run of a spec, in a line."""

from mlspec.formatting import count, seconds


def steps_to_run(file: str) -> str:
    """``26 steps to run, about 38 s``; compiles the saved file, and runs nothing. Raises SpecError."""
    from pathlib import Path

    from mlspec.api.checking import compile as compiled
    from mlspec.engine.run import lockfile

    plan = compiled(file).plan.folded
    waiting = [name for name, one in plan.steps.items() if one.action != "cached"]
    if not waiting:
        return "nothing to run: every step has a result"
    lock = lockfile.read(lockfile.beside(Path(file).parent))
    took = {} if lock is None else {name: step.seconds or 0.0 for name, step in lock.steps.items()}
    known = [took[name] for name in waiting if name in took]
    about = f", about {seconds(sum(known))}" if len(known) == len(waiting) and sum(known) >= 1 else ""
    return f"{count(len(waiting), 'step')} to run{about}"
