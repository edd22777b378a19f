"""Fuzzing: inputs that nobody would write, through the functions that the commands call.

    python tests/fuzz --count 1000000            every target in its share, on two processes
    python tests/fuzz --target csv --seconds 60  one of them, for a while
    python tests/fuzz --coverage --seconds 600   guided by coverage (needs atheris: see README.md)
    python tests/fuzz --replay [FILE ...]        the inputs that are kept, or these (with --target)

Nothing but a diagnostic may come of an input, within 1 s of CPU and 200 MB. What breaks that is printed, written to the
folder of findings as small as it could be made, and ends the campaign with exit code 1.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent)
for folder in ("src", "backends"):
    sys.path.insert(1, str(Path(__file__).resolve().parents[2] / folder))

import campaign  # noqa: E402
import targets  # noqa: E402
import worker  # noqa: E402


def main() -> int:
    """The exit code: 1 where something was found."""
    if sys.argv[1:2] == ["--worker"]:
        worker.main(json.loads(sys.argv[2]))
        return 0
    if sys.argv[1:2] == ["--covered"]:
        import covered

        covered.main(json.loads(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", nargs="+", choices=targets.names(), metavar="NAME", help=", ".join(targets.names()))
    parser.add_argument("--count", type=int, default=10_000_000, help="executions of all targets together")
    parser.add_argument("--seconds", type=float, default=60.0, help="at most; with --count alone there is no limit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--coverage", action="store_true", help="let atheris guide the mutations")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="the folder of what is found")
    parser.add_argument("--replay", nargs="*", type=Path, metavar="FILE", help="execute inputs that are kept")
    said = parser.parse_args()
    names = said.target or targets.names()
    if said.replay is not None:
        if said.replay and len(names) != 1:
            parser.error("--replay FILE needs one --target")
        with tempfile.TemporaryDirectory(prefix="mlspec-fuzz-") as scratch:
            wrong = campaign.replay(names, said.replay, Path(scratch))
        print("\n".join(wrong))
        return 1 if wrong else 0
    counted = any(one.startswith("--count") for one in sys.argv) and not any(
        one.startswith("--seconds") for one in sys.argv
    )
    seconds = 10.0**7 if counted else said.seconds
    if said.coverage:
        import covered

        totals = covered.run(
            names, count=said.count, seconds=seconds, seed=said.seed, workers=said.workers, findings=said.findings
        )
    else:
        totals = campaign.run(
            names, count=said.count, seconds=seconds, seed=said.seed, workers=said.workers, findings=said.findings
        )
    print(totals.text())
    return 1 if totals.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
