"""A process that runs the profile `quick` of a drafted spec, and says on its standard output what failed."""

import sys

import msgspec
from msgspec import Struct

from mlspec.diagnostics import MlspecError, SpecError


class Outcome(Struct, frozen=True, kw_only=True):
    """Why the run failed, and the line of the spec that it is about; both empty if it completed."""

    why: str = ""
    line: int | None = None


def outcome(spec: str) -> Outcome:
    """What came of a run, whatever its gates decided."""
    from mlspec.api.running import run

    try:
        found = run(spec, profile="quick", backend="inline")
    except SpecError as error:
        first = next(one for one in error.diagnostics if one.severity == "error")
        return Outcome(why=first.message, line=None if first.span is None else first.span.line)
    except MlspecError as error:
        return Outcome(why=str(error))
    for failure in found.failures:
        line = None if failure.place is None else failure.place.line
        return Outcome(why=f"step '{failure.step}' fails: {failure.cause}", line=line)
    return Outcome()


def main() -> None:
    """The program: the spec's path is its only argument."""
    from mlspec.machine import child_process

    _tasks, reports = child_process.pipes()
    found = outcome(sys.argv[1])
    reports.write(msgspec.json.encode(found))
    reports.flush()


if __name__ == "__main__":
    main()
